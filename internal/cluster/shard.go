package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Shard is the part of a sharded cluster that a node belongs to. The zero value is for
// a cluster without shards.
type Shard struct {
	// Name is the value of --shard, such as "s1".
	Name string
	// Joins is set for a group that was not there from the beginning: its nodes are
	// started with --join, and others know them only once they have met them.
	Joins bool
}

// Shard is the node's shard group.
func (n *Node) Shard() Shard { return n.shard }

// Meet notes that the node has been told of others, which joined later: from its next
// start on its --peers lists them.
func (n *Node) Meet(others ...*Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.met == nil {
		n.met = make(map[*Node]bool)
	}
	for _, other := range others {
		n.met[other] = true
	}
}

// knows reports whether the node is told of the other one when it starts.
func (n *Node) knows(other *Node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !other.shard.Joins || n.shard.Joins || n.met[other]
}

// AddressOf is how the node reaches another one, HOST:PORT, or empty if it cannot.
func (n *Node) AddressOf(other *Node) string {
	for _, l := range n.cluster.allLinks() {
		if l.from == n && l.to == other {
			return l.Addr()
		}
	}
	return ""
}

// clusterFlags are the node's flags in a cluster: its name, its shard group, and how it
// reaches each of the others.
func (n *Node) clusterFlags() []string {
	if n.cluster.network == nil {
		return nil
	}
	var peers []string
	for _, l := range n.cluster.allLinks() {
		if l.from == n && n.knows(l.to) {
			peers = append(peers, l.to.peerName()+"="+l.Addr())
		}
	}
	flags := []string{"--id", n.id, "--peers", strings.Join(peers, ",")}
	if n.shard.Name != "" {
		flags = append(flags, "--shard", n.shard.Name)
	}
	if n.shard.Joins {
		flags = append(flags, "--join")
	}
	return flags
}

// peerName is what the node is called in --peers.
func (n *Node) peerName() string {
	if n.shard.Name == "" {
		return n.id
	}
	return n.shard.Name + "/" + n.id
}

// Group is the nodes that have a leader of their own.
type Group struct {
	// Shard is the name of the group's shard, empty in a cluster without shards.
	Shard string
	Nodes []*Node
}

// Groups returns the shard groups in the order in which they were added; a cluster
// without shards is one.
func (c *Cluster) Groups() (groups []Group) {
	for _, n := range c.Nodes() {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Shard == n.shard.Name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Shard: n.shard.Name})
		}
		groups[i].Nodes = append(groups[i].Nodes, n)
	}
	return groups
}

// ParseShard reads what a node answers to GET /cluster/shards/KEY. The problem is a clause
// about what is not as the contract wants it.
func (c *Cluster) ParseShard(body []byte, key string) (shard, problem string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return "", "the answer is not a JSON object"
	}
	var echoed string
	if problem := field(fields, "key", "the key that was asked about", &echoed); problem != "" {
		return "", problem
	}
	if echoed != key {
		return "", fmt.Sprintf(`"key" is %q, want the key that was asked about, %q`, clipped(echoed), clipped(key))
	}
	if problem := field(fields, "shard", `the name of the key's shard as text, such as "s1"`, &shard); problem != "" {
		return "", problem
	}
	if !slices.ContainsFunc(c.Groups(), func(g Group) bool { return g.Shard == shard }) {
		return "", fmt.Sprintf(`"shard" is %q, which is no shard of the cluster`, clipped(shard))
	}
	return shard, ""
}

// checkShard reads the field that a sharded cluster adds to a node's answer.
func (i *Info) checkShard(body []byte, want string) (problem string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return "the answer is not a JSON object"
	}
	if problem := field(fields, "shard", fmt.Sprintf("%q, the value of --shard", want), &i.Shard); problem != "" {
		return problem
	}
	if i.Shard != want {
		return fmt.Sprintf(`"shard" is %q, want %q, the value of --shard`, clipped(i.Shard), want)
	}
	return ""
}
