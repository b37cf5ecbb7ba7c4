package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// settleEvery is how often the nodes are asked whether they agree.
	settleEvery = 50 * time.Millisecond
	// hopeless is how long a node may give answers that break the contract: such
	// an answer does not change any more, and a learner who has not built the
	// route yet should not wait for long.
	hopeless = 5 * time.Second
)

// UnsettledError says that the nodes did not agree on one leader in time.
type UnsettledError struct {
	// After is how long was waited.
	After time.Duration
	// Problem is the sentence that Error returns.
	Problem string
	// Said is what each node said last, one line each.
	Said []string
}

// Error returns one sentence.
func (e *UnsettledError) Error() string { return e.Problem }

// answer is what a node said about its cluster.
type answer struct {
	node *Node
	info *Info
	err  error
}

// survey asks these nodes at once.
func survey(ctx context.Context, nodes []*Node) []answer {
	answers := make([]answer, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			info, err := n.Info(ctx)
			answers[i] = answer{node: n, info: info, err: err}
		})
	}
	wg.Wait()
	return answers
}

// WaitSettled returns nil as soon as the cluster is settled: one node leads, and
// every node names it; in a sharded cluster, so in each group. With some nodes given, only these count: they are those that
// can reach each other. All of them must be running. The error is an *UnsettledError
// when the time is over, or some seconds after a node began to give answers that
// break the contract; a *NodeError if a node exited; and ctx's.
func (c *Cluster) WaitSettled(ctx context.Context, limit time.Duration, some ...*Node) error {
	if len(some) == 0 {
		some = c.Nodes()
	}
	began := time.Now()
	broken := make(map[*Node]time.Time) // since when it gives wrong answers
	for {
		answers := survey(ctx, some)
		if err := ctx.Err(); err != nil {
			return err
		}
		problem := disagreement(answers)
		if problem == "" {
			return nil
		}
		now := time.Now()
		over, given := now.Sub(began) >= limit, false
		for _, a := range answers {
			if err := a.node.Err(); err != nil {
				return err
			}
			if wrong, ok := errors.AsType[*InfoError](a.err); !ok || wrong.Silent {
				delete(broken, a.node)
				continue
			}
			if _, ok := broken[a.node]; !ok {
				broken[a.node] = now
			}
			if now.Sub(broken[a.node]) >= hopeless && !given {
				over, given, problem = true, true, a.err.Error()
			}
		}
		if over {
			return unsettled(now.Sub(began), problem, answers)
		}
		if err := sleep(ctx, settleEvery); err != nil {
			return err
		}
	}
}

func unsettled(after time.Duration, problem string, answers []answer) *UnsettledError {
	e := &UnsettledError{After: after, Problem: fmt.Sprintf("after %s the cluster is not settled: %s", seconds(after.Round(100*time.Millisecond)), problem)}
	for _, a := range answers {
		e.Said = append(e.Said, a.String())
	}
	return e
}

func (a answer) String() string {
	if a.err != nil {
		wrong, ok := errors.AsType[*InfoError](a.err)
		if !ok || wrong.Body == "" {
			return a.node.id + ": " + a.err.Error()
		}
		return a.node.id + ": " + wrong.Problem + "; it said: " + wrong.Body
	}
	return fmt.Sprintf("%s: role %s, leader %s, term %d", a.node.peerName(), a.info.Role, cmp.Or(clipped(a.info.Leader), "null"), a.info.Term)
}

// disagreement says why the cluster is not settled, or nothing if it is.
func disagreement(answers []answer) string {
	var shards []string
	byShard := make(map[string][]answer)
	for _, a := range answers {
		shard := a.node.shard.Name
		if _, ok := byShard[shard]; !ok {
			shards = append(shards, shard)
		}
		byShard[shard] = append(byShard[shard], a)
	}
	for _, shard := range shards {
		switch problem := disagreementWithin(byShard[shard]); {
		case problem != "" && shard != "":
			return "in shard " + shard + ", " + problem
		case problem != "":
			return problem
		}
	}
	return ""
}

// disagreementWithin is about the nodes of one group.
func disagreementWithin(answers []answer) string {
	var leaders, named []string
	for _, a := range answers {
		if a.err != nil {
			return a.err.Error()
		}
		if a.info.Role == "leader" {
			leaders = append(leaders, a.node.id)
		}
		if !slices.Contains(named, a.info.Leader) {
			named = append(named, a.info.Leader)
		}
	}
	switch {
	case len(leaders) > 1:
		return enumerate(leaders) + " say at the same time that they lead"
	case len(leaders) == 0:
		return "no node says that it leads"
	case len(named) == 1 && named[0] == leaders[0]:
		return ""
	}
	for _, a := range answers {
		if a.info.Leader != leaders[0] {
			return fmt.Sprintf("%s leads, but %s names %s", leaders[0], a.node.id, cmp.Or(clipped(a.info.Leader), "nobody"))
		}
	}
	return "the nodes name different leaders"
}

// Leader returns the ID that a majority of the group's nodes name as their leader at
// this moment, or "" if there is none, and the highest term that one of them named with
// it. It takes at most a second.
func (g Group) Leader(ctx context.Context) (id string, term int64) {
	nodes := g.Nodes
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	said := make(chan Info, len(nodes)) // never blocks who answers late
	for _, n := range nodes {
		go func() {
			if info, err := n.Info(ctx); err == nil {
				said <- *info
				return
			}
			said <- Info{}
		}()
	}
	votes, terms := make(map[string]int), make(map[string]int64)
	for range nodes {
		info := <-said
		votes[info.Leader]++
		terms[info.Leader] = max(terms[info.Leader], info.Term)
		if info.Leader != "" && 2*votes[info.Leader] > len(nodes) {
			id, term = info.Leader, terms[info.Leader]
			cancel() // the others are waited for, not listened to
		}
	}
	return id, term
}
