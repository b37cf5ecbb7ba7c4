package kvstore

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

const (
	// movingKeys are written before the group joins. While it does, movingHands change them,
	// one every movingPace each: most are deleted or written again, once each, so that what a
	// move does to them stays to be seen. The hands do not wait for each other, so that faults
	// stop none but those that they meet.
	movingKeys  = 1200
	movingHands = 16
	movingPace  = 100 * time.Millisecond
	// One key of movingKinds stays as it is.
	movingKinds = 6
	// watchedKeys of each group tell whether keys have moved. A third of them do.
	watchedKeys = 20
)

// moving are keys that were written before a group joined, and what is to be in them.
type moving struct {
	pairs
	// doubtful are those of which a write was repeated: the first try may take effect at
	// any later time, so nobody can say what is to be in them.
	doubtful [movingKeys]bool
	// watched are some keys by the group that they belonged to.
	watched map[string][]string
}

func (m *moving) write(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) error {
	for i := range movingKeys {
		m.add(e.Key(fmt.Sprint("moving-", i)), e.Value())
	}
	return m.share(e, func(apart *challenges.Env, i int) error { return m.do(ctx, apart, nodes, i) })
}

// do writes or deletes one of them, again and again until that is acknowledged.
func (m *moving) do(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, i int) error {
	r := challenges.Request{Method: http.MethodPut, Path: "/kv/" + m.pairs[i].key, Body: m.pairs[i].value}
	if r.Body == "" {
		r.Method = http.MethodDelete
	}
	tries := 0
	err := challenges.Eventually(ctx, moveTime, func() error {
		tries++
		return e.On(nodes[(i+tries)%len(nodes)]).Once().ExpectStatus(ctx, r, http.StatusOK)
	})
	m.doubtful[i] = m.doubtful[i] || tries > 1
	return err
}

// change changes keys while they move. Half of them at least; then faults have to end, so
// that keys move before all are changed, and it goes on until they have.
func (m *moving) change(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, heal func()) error {
	var healing sync.WaitGroup
	defer healing.Wait()
	var half sync.Once
	var moved atomic.Bool
	return m.share(e, func(apart *challenges.Env, i int) error {
		if i >= movingKeys/2 {
			half.Do(func() { healing.Go(heal) })
			if i%movingHands == 0 && !moved.Load() {
				moved.Store(m.haveMoved(ctx, e))
			}
			if moved.Load() {
				return nil
			}
		}
		switch kind := (i / movingHands) % movingKinds; {
		case kind == 0:
			return nil
		case kind%2 == 0:
			m.pairs[i].value = e.Value()
		default:
			m.pairs[i].value = ""
		}
		if err := m.do(ctx, apart, nodes, i); err != nil {
			return err
		}
		return challenges.Wait(ctx, movingPace)
	})
}

// watch notes some keys of each group.
func (m *moving) watch(ctx context.Context, e *challenges.Env) error {
	m.watched = make(map[string][]string)
	nodes := e.Cluster.Nodes()
	for i := range len(e.Cluster.Groups()) * watchedKeys {
		key, tries := m.pairs[i].key, 0
		err := challenges.Eventually(ctx, electTime, func() error {
			tries++
			shard, err := e.On(nodes[(i+tries)%len(nodes)]).ShardOf(ctx, key)
			if err == nil {
				m.watched[shard] = append(m.watched[shard], key)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// haveMoved tells whether a node of each old group says that a key of its group belongs to
// the new one: others may say so before it is true. One that does not answer says nothing.
func (m *moving) haveMoved(ctx context.Context, e *challenges.Env) bool {
	for _, g := range e.Cluster.Groups() {
		if g.Shard == newShard {
			continue
		}
		if !slices.ContainsFunc(g.Nodes, func(n *cluster.Node) bool { return m.saysMoved(ctx, e.On(n), g.Shard) }) {
			return false
		}
	}
	return true
}

func (m *moving) saysMoved(ctx context.Context, on *challenges.Env, from string) bool {
	for _, key := range m.watched[from] {
		shard, err := on.ShardOf(ctx, key)
		if err != nil {
			return false
		}
		if shard == newShard {
			return true
		}
	}
	return false
}

// share lets movingHands do something with all of the keys.
func (m *moving) share(e *challenges.Env, do func(apart *challenges.Env, i int) error) error {
	return inShares(e, movingHands, len(m.pairs), do)
}

// check reads all of them, each through another node. A node may have no answer for a
// while, but no wrong one.
func (m *moving) check(ctx context.Context, e *challenges.Env) error {
	nodes := e.Cluster.Nodes()
	return m.share(e, func(apart *challenges.Env, i int) error {
		if m.doubtful[i] {
			return nil
		}
		tries := 0
		return answersRightly(ctx, moveTime, func() error {
			tries++
			return m.is(ctx, apart.On(nodes[(i+tries)%len(nodes)]).Once(), i)
		})
	})
}
