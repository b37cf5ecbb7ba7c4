package kvstore

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

const (
	// movingKeys are written before the group joins; while it does, every third is written
	// again and every third deleted, one every movingPace by each of movingHands. They do not
	// wait for each other, so that faults stop none but those that they meet. They begin again
	// until keys have moved, for at most changingTime.
	movingKeys   = 240
	movingHands  = 12
	movingPace   = 100 * time.Millisecond
	changingTime = 10 * time.Second
)

// moving are keys that were written before a group joined, and what is to be in them.
type moving struct {
	pairs
	// doubtful are those of which a write was repeated: the first try may take effect at
	// any later time, so nobody can say what is to be in them.
	doubtful [movingKeys]bool
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

// change writes some of them again and deletes some, others each time, until keys belong
// to the new group.
func (m *moving) change(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) error {
	began := time.Now()
	for round := 0; ; round++ {
		err := m.share(e, func(apart *challenges.Env, i int) error {
			switch (i/movingHands + round) % 3 {
			case 0:
				return nil
			case 1:
				m.pairs[i].value = e.Value()
			default:
				m.pairs[i].value = ""
			}
			if err := m.do(ctx, apart, nodes, i); err != nil {
				return err
			}
			return challenges.Wait(ctx, movingPace)
		})
		if err != nil || m.haveMoved(ctx, e.On(nodes[0])) || time.Since(began) > changingTime {
			return err
		}
	}
}

// haveMoved tells whether a node says that some of them belong to the new group; one that does not answer
// says nothing.
func (m *moving) haveMoved(ctx context.Context, on *challenges.Env) bool {
	for i := range movingHands {
		if shard, err := on.ShardOf(ctx, m.pairs[i].key); err == nil && shard == newShard {
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
