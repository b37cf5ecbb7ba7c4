package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Role is the part that a node plays in its cluster at the moment of a fault.
type Role uint8

// The roles. The zero value is Any.
const (
	Any Role = iota
	Leader
	Follower
	All
	// Whole is every node of a shard group.
	Whole
)

// Target says whom a fault is aimed at. The zero value is any one node. In a sharded
// cluster leaders, followers and a whole group are those of one group, which the seed
// decides.
type Target struct {
	Role Role
	// Node is the ID of the only target, if not empty; the other fields say nothing then.
	Node string
	// Count is how many nodes of the role, as far as there are; less than 1 means 1.
	// All and Whole ignore it, and of a leader there is one.
	Count int
}

const (
	// leaderPatience is how long a step waits for whom it is aimed at.
	leaderPatience = 5 * time.Second
	leaderPoll     = 50 * time.Millisecond
	// targetStream keeps the choice of the targets apart from what a fault chooses.
	targetStream = 1
	// groupStream keeps the choice of the group apart from both.
	groupStream = 2
)

// resolve finds the targets, in the order of the nodes. Without a leader it waits
// for one, and finds nobody when leaderPatience or ctx is over.
func (t Target) resolve(ctx context.Context, env *Env, seed uint64) ([]Node, error) {
	ids := identities(env.Nodes)
	group := drawGroup(env.Groups, seed)
	chosen := func(leader string) []Node {
		var out []Node
		for _, i := range t.choose(ids, group, leader, seed) {
			out = append(out, env.Nodes[i])
		}
		return out
	}
	switch {
	case t.Node != "":
		if !slices.Contains(ids, t.Node) {
			return nil, fmt.Errorf("there is no node %s", t.Node)
		}
		return chosen(""), nil
	case t.Role == Any || t.Role == All || t.Role == Whole:
		return chosen(""), nil
	case env.Leader == nil:
		return nil, errors.New("nothing here can tell who leads")
	}
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		if found := chosen(env.Leader(ctx, group)); len(found) > 0 {
			return found, nil
		}
		if sleep(ctx, leaderPoll) != nil {
			return nil, nil
		}
	}
}

// choose returns the indices of the targets among the nodes, ascending. The zero Group
// is all nodes.
func (t Target) choose(nodes []string, group history.Group, leader string, seed uint64) []int {
	members := group.Nodes
	if len(members) == 0 {
		members = nodes
	}
	switch {
	case t.Node != "":
		return indices(nodes, t.Node)
	case t.Role == All:
		return indices(nodes, nodes...)
	case t.Role == Whole:
		return indices(nodes, members...)
	case t.Role == Any:
		return pick(len(nodes), t.Count, seed)
	case !slices.Contains(members, leader):
		return nil // and whom nobody leads follows nobody
	case t.Role == Leader:
		return indices(nodes, leader)
	}
	var followers []string
	for _, n := range members {
		if n != leader {
			followers = append(followers, n)
		}
	}
	var out []int
	for _, i := range pick(len(followers), t.Count, seed) {
		out = append(out, slices.Index(nodes, followers[i]))
	}
	return out
}

// drawGroup draws the group that a step is about; the zero Group if there are none.
func drawGroup(groups []history.Group, seed uint64) history.Group {
	if len(groups) == 0 {
		return history.Group{}
	}
	return groups[rand.New(rand.NewPCG(seed, groupStream)).IntN(len(groups))]
}

// indices are those of the wanted nodes, as far as they are there.
func indices(nodes []string, wanted ...string) (out []int) {
	for i, n := range nodes {
		if slices.Contains(wanted, n) {
			out = append(out, i)
		}
	}
	return out
}

// pick draws count of the numbers below n, as far as there are, ascending.
func pick(n, count int, seed uint64) []int {
	drawn := rand.New(rand.NewPCG(seed, targetStream)).Perm(n)[:min(max(count, 1), n)]
	slices.Sort(drawn)
	return drawn
}
