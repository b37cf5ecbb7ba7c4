package kvstore

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// noticeTime is how long nodes may take to notice that another one died or is back.
const noticeTime = 5 * time.Second

func checkInfo(ctx context.Context, e *challenges.Env) error {
	return aliveWithin(ctx, e, e.Cluster.Nodes(), e.Cluster.Nodes(), true)
}

// aliveWithin waits until the answers of these nodes are in order, and say of those
// whether they are alive.
func aliveWithin(ctx context.Context, e *challenges.Env, by, of []*cluster.Node, alive bool) error {
	return challenges.Eventually(ctx, noticeTime, func() error {
		for _, n := range by {
			info, err := n.Info(ctx)
			if err != nil {
				return err
			}
			if err := info.Verify(n.ID(), e.IDs()); err != nil {
				return err
			}
			for _, about := range of {
				if info.Alive(about.ID()) == alive {
					continue
				}
				state := "is dead, and is reported alive"
				if alive {
					state = "runs, and is not reported alive"
				}
				return &challenges.Failure{
					Rule:    challenges.RuleMembership,
					Summary: fmt.Sprintf("%s %s by %s", about.ID(), state, n.ID()), Request: "GET /cluster/info on " + n.ID(),
					Expected: fmt.Sprintf(`{"id":%q,"alive":%v} in "nodes"`, about.ID(), alive),
					Actual:   fmt.Sprintf(`{"id":%q,"alive":%v}`, about.ID(), !alive),
				}
			}
		}
		return nil
	})
}

// checkEveryNode goes through all of the client API at each node.
func (v visibility) checkEveryNode(ctx context.Context, e *challenges.Env) error {
	for _, n := range e.Cluster.Nodes() {
		if err := v.everyRequest(ctx, e.On(n), e.Key(n.ID())); err != nil {
			return err
		}
	}
	return nil
}

// everyRequest sends every kind of request for a key to one node. What that node reads
// the others read as well.
func (v visibility) everyRequest(ctx context.Context, on *challenges.Env, k string, others ...*challenges.Env) error {
	first, second := on.Value(), on.Value()
	reads := func(read func(at *challenges.Env) error) func() error {
		return func() error {
			for _, at := range append([]*challenges.Env{on}, others...) {
				if err := v.soon(ctx, func() error { return read(at) }); err != nil {
					return err
				}
			}
			return nil
		}
	}
	absent := reads(func(at *challenges.Env) error { return at.Absent(ctx, k) })
	holds := func(value string) func() error {
		return reads(func(at *challenges.Env) error { return at.Get(ctx, k, value) })
	}
	refuses := func(method, key, body string, status int, said string) func() error {
		return func() error {
			return on.Expect(ctx, challenges.Request{Method: method, Path: "/kv/" + key, Body: body}, status, said)
		}
	}
	return challenges.Steps(
		absent,
		func() error { return on.Put(ctx, k, first) }, holds(first),
		func() error { return on.Put(ctx, k, second) }, holds(second),
		func() error { return on.Delete(ctx, k) }, absent,
		func() error { return on.Delete(ctx, k) },
		refuses(http.MethodPut, k, "", http.StatusBadRequest, "value cannot be empty"),
		refuses(http.MethodPut, "", "value", http.StatusBadRequest, "key cannot be empty"),
		refuses(http.MethodPost, k, "value", http.StatusMethodNotAllowed, "method not allowed"),
	)
}

func (v visibility) checkBytesThroughEveryNode(ctx context.Context, e *challenges.Env) error {
	values := append(byteValues(), unicodeValues()...)
	values = append(values, largeValue("large", 100_000), largeValue("largest", 1<<20))
	for _, n := range e.Cluster.Nodes() {
		on := e.On(n)
		for i, value := range values {
			k := e.Key(fmt.Sprintf("%s-%d", n.ID(), i))
			if err := challenges.Steps(
				func() error { return on.Put(ctx, k, value) },
				func() error { return v.soon(ctx, func() error { return on.Get(ctx, k, value) }) },
			); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v visibility) checkConcurrentThroughFollowers(ctx context.Context, e *challenges.Env) error {
	_, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	return v.concurrently(ctx, e, followers, 25)
}

// concurrently lets every writer work on keys of its own, through one of these nodes.
func (v visibility) concurrently(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, rounds int) error {
	return inParallel(writers, func(w int) error {
		on := e.On(nodes[w%len(nodes)])
		for i := range rounds {
			k, value := e.Key(fmt.Sprintf("w%d-%d", w, i)), fmt.Sprintf("writer %d wrote %d", w, i)
			if err := challenges.Steps(
				func() error { return on.Put(ctx, k, value) },
				func() error { return v.soon(ctx, func() error { return on.Get(ctx, k, value) }) },
			); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkAcross writes through each node and reads through each.
func (v visibility) checkAcross(ctx context.Context, e *challenges.Env) error {
	const rounds = 5
	nodes := e.Cluster.Nodes()
	for i := range rounds {
		for _, writer := range nodes {
			k, value := e.Key(fmt.Sprintf("%s-%d", writer.ID(), i)), e.Value()
			if err := e.On(writer).Put(ctx, k, value); err != nil {
				return err
			}
			for _, reader := range nodes {
				if err := v.soon(ctx, func() error { return e.On(reader).Get(ctx, k, value) }); err != nil {
					return err
				}
			}
			if err := e.On(nodes[i%len(nodes)]).Delete(ctx, k); err != nil {
				return err
			}
			for _, reader := range nodes {
				if err := v.soon(ctx, func() error { return e.On(reader).Absent(ctx, k) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkDeathAndReturn(ctx context.Context, e *challenges.Env) error {
	_, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	dead := followers[len(followers)-1]
	all, one := e.Cluster.Nodes(), []*cluster.Node{dead}
	return challenges.Steps(
		func() error { return aliveWithin(ctx, e, all, all, true) },
		func() error { return dead.Kill(ctx) },
		func() error { return aliveWithin(ctx, e, e.Others(dead), one, false) },
		func() error { return dead.Start(ctx) },
		func() error { return aliveWithin(ctx, e, all, all, true) },
		func() error { return e.Settle(ctx) },
	)
}

// checkFollowerCrash kills each follower right after it acknowledged writes.
func (v visibility) checkFollowerCrash(ctx context.Context, e *challenges.Env) error {
	_, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	for _, f := range followers {
		var values []string
		name := f.ID() + "-"
		for i := range 20 {
			values = append(values, e.Value())
			if err := e.On(f).Put(ctx, e.Key(fmt.Sprint(name, i)), values[i]); err != nil {
				return err
			}
		}
		if err := f.Kill(ctx); err != nil {
			return err
		}
		for _, other := range e.Others(f) {
			if err := v.soon(ctx, func() error { return getAll(ctx, e.On(other), name, values) }); err != nil {
				return err
			}
		}
		if err := challenges.Steps(
			func() error { return f.Start(ctx) },
			func() error { return e.Settle(ctx) },
			func() error { return v.soon(ctx, func() error { return getAll(ctx, e.On(f), name, values) }) },
		); err != nil {
			return err
		}
	}
	return nil
}

// apart is the time between the starts of two nodes.
const apart = 3 * time.Second

// checkStartOrder stops all nodes and starts them one after the other, the last one
// first.
func (v visibility) checkStartOrder(ctx context.Context, e *challenges.Env) error {
	nodes := e.Cluster.Nodes()
	for _, n := range nodes {
		if err := n.Stop(ctx); err != nil {
			return err
		}
	}
	// The middle one comes last, so that neither the first nor the last of any order does.
	order := []*cluster.Node{nodes[2], nodes[0], nodes[1]}
	for i, n := range order {
		if err := n.Spawn(ctx); err != nil { // it may be ready only when the others are there
			return err
		}
		if i == len(order)-1 {
			break
		}
		if err := challenges.Wait(ctx, apart); err != nil {
			return err
		}
	}
	for _, n := range order {
		if err := n.WaitReady(ctx); err != nil {
			return err
		}
	}
	return challenges.Steps(
		func() error { return e.Settle(ctx) },
		func() error { return aliveWithin(ctx, e, nodes, nodes, true) },
		func() error { return v.checkAcross(ctx, e) },
	)
}
