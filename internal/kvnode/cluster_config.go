package kvnode

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// clusterConfig is what the command line says about the cluster.
type clusterConfig struct {
	id         string
	members    []member // the other nodes, in order; none without a cluster
	reads      string   // readsLocal or readsLeader
	replicated string   // replicationRaft or replicationAsync
	forward    string   // forwardPass or forwardRedirect

	shard string // this node's shard group, "" where there are none
	join  bool   // the group is new, and has no keys until they are handed to it
	// What follows is from the working folder, with a shard.
	known     knownShards
	placement placement // of the shards at the beginning
	restarted bool      // this is not the folder's first start
}

// group is the other nodes that hold the same data.
func (c *clusterConfig) group() []member {
	var group []member
	for _, m := range c.members {
		if m.shard == c.shard {
			group = append(group, m)
		}
	}
	return group
}

// Nodes that answer reads.
const (
	readsLocal  = "local"
	readsLeader = "leader"
)

// Ways to keep copies alike.
const (
	replicationRaft  = "raft"
	replicationAsync = "async"
)

// Ways to deal with a request that only the leader can answer.
const (
	forwardPass     = "pass"
	forwardRedirect = "redirect"
)

// complete fills in what is not given, as the bug needs it, and refuses what cannot work.
func (c *clusterConfig) complete(b bug) error {
	c.reads = cmp.Or(b.reads(c.reads), readsLeader)
	c.replicated = cmp.Or(c.replicated, b.replication(), replicationRaft)
	c.forward = cmp.Or(c.forward, forwardPass)
	switch {
	case c.reads != readsLocal && c.reads != readsLeader:
		return fmt.Errorf("--reads %q is neither %s nor %s", c.reads, readsLocal, readsLeader)
	case c.replicated != replicationRaft && c.replicated != replicationAsync:
		return fmt.Errorf("--replication %q is neither %s nor %s", c.replicated, replicationRaft, replicationAsync)
	case c.forward != forwardPass && c.forward != forwardRedirect:
		return fmt.Errorf("--forward %q is neither %s nor %s", c.forward, forwardPass, forwardRedirect)
	case c.shard == "" && c.join:
		return errors.New("--join needs --shard")
	case c.shard != "" && checkID(c.shard) != nil, strings.Contains(c.shard, "/"):
		return fmt.Errorf("--shard %q is no name of a shard", c.shard)
	case c.shard != "" && len(c.members) == 0:
		return errors.New("--shard needs --peers")
	case c.shard != "" && c.replicated != replicationRaft:
		return fmt.Errorf("--shard needs --replication %s", replicationRaft)
	case c.join && len(c.group()) == len(c.members):
		return errors.New("--join needs peers in other shards")
	case len(c.members) > 0 && b != noBug && c.replicated != b.replication():
		return fmt.Errorf("the bug %s needs --replication %s", b, b.replication())
	}
	return nil
}
