package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Role is the part that a node plays in its cluster at the moment of a fault.
type Role uint8

// The roles. The zero value is Any.
const (
	Any Role = iota
	Leader
	Follower
	All
)

// Target says whom a fault is aimed at. The zero value is any one node.
type Target struct {
	Role Role
	// Node is the ID of the only target, if not empty; the other fields say nothing then.
	Node string
	// Count is how many nodes of the role, as far as there are; less than 1 means 1.
	// All ignores it, and of a leader there is one.
	Count int
}

const (
	// leaderPatience is how long a step waits for whom it is aimed at.
	leaderPatience = 5 * time.Second
	leaderPoll     = 50 * time.Millisecond
	// targetStream keeps the choice of the targets apart from what a fault chooses.
	targetStream = 1
)

// resolve finds the targets, in the order of the nodes. Without a leader it waits
// for one, and finds nobody when leaderPatience or ctx is over.
func (t Target) resolve(ctx context.Context, env *Env, seed uint64) ([]Node, error) {
	ids := identities(env.Nodes)
	chosen := func(leader string) []Node {
		var out []Node
		for _, i := range t.choose(ids, leader, seed) {
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
	case t.Role == Any || t.Role == All:
		return chosen(""), nil
	case env.Leader == nil:
		return nil, errors.New("nothing here can tell who leads")
	}
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		if found := chosen(env.Leader(ctx)); len(found) > 0 {
			return found, nil
		}
		if sleep(ctx, leaderPoll) != nil {
			return nil, nil
		}
	}
}

// choose returns the indices of the targets among the nodes, ascending.
func (t Target) choose(nodes []string, leader string, seed uint64) []int {
	at := slices.Index(nodes, leader)
	switch {
	case t.Node != "":
		return indices(slices.Index(nodes, t.Node))
	case t.Role == All:
		return pick(len(nodes), len(nodes), seed)
	case t.Role == Leader:
		return indices(at)
	case t.Role == Follower && at < 0:
		return nil // whom nobody leads follows nobody
	case t.Role == Follower:
		followers := pick(len(nodes)-1, t.Count, seed)
		for k, i := range followers {
			if i >= at {
				followers[k]++
			}
		}
		return followers
	}
	return pick(len(nodes), t.Count, seed)
}

func indices(i int) []int {
	if i < 0 {
		return nil
	}
	return []int{i}
}

// pick draws count of the numbers below n, as far as there are, ascending.
func pick(n, count int, seed uint64) []int {
	drawn := rand.New(rand.NewPCG(seed, targetStream)).Perm(n)[:min(max(count, 1), n)]
	slices.Sort(drawn)
	return drawn
}
