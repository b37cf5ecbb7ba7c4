package kvstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// electTime is how long a majority may take to elect a leader and accept writes.
const electTime = 10 * time.Second

// writable waits until each of these nodes acknowledges a write, within electTime for
// all of them. It returns what was written.
func writable(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, name string) (written pairs, err error) {
	tries := 0
	err = challenges.Eventually(ctx, electTime, func() error {
		for len(written) < len(nodes) {
			n := nodes[len(written)]
			// Each try has a key of its own: one of unknown outcome may still take effect.
			k, v := e.Key(fmt.Sprintf("%s-%s-%d", name, n.ID(), tries)), e.Value()
			tries++
			if err := e.On(n).Once().Put(ctx, k, v); err != nil {
				return err
			}
			written.add(k, v)
		}
		return nil
	})
	return written, err
}

// accepted writes until the write is acknowledged, within electTime: an election may
// come at any time, also without a fault. Each try has a key of its own, since one of
// unknown outcome may still take effect. It returns the key that was written.
func accepted(ctx context.Context, on *challenges.Env, key, value string) (written string, err error) {
	tries := 0
	err = challenges.Eventually(ctx, electTime, func() error {
		if written = key; tries > 0 {
			written = fmt.Sprintf("%s.%d", key, tries)
		}
		tries++
		return on.Once().Put(ctx, written, value)
	})
	return written, err
}

// led waits until these nodes, who reach each other, name one of them as the leader.
func led(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) error {
	return e.Cluster.WaitSettled(ctx, electTime, nodes...)
}

func checkFailover(ctx context.Context, e *challenges.Env, away func(leader *cluster.Node) (back func() error, err error)) (err error) {
	old, others, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	info, err := old.Info(ctx)
	if err != nil {
		return err
	}
	before, err := writable(ctx, e, e.Cluster.Nodes(), "before")
	if err != nil {
		return err
	}
	deleted, err := accepted(ctx, e.On(old), e.Key("deleted"), e.Value())
	if err != nil {
		return err
	}
	back, err := away(old)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned {
			err = firstOf(errors.Join(err, back()))
		}
	}()
	if err := led(ctx, e, others); err != nil {
		return err
	}
	meanwhile, err := writable(ctx, e, others, "meanwhile")
	if err != nil {
		return err
	}
	for _, n := range others[:2] { // the second time there is nothing to be deleted
		if err := e.On(n).Delete(ctx, deleted); err != nil {
			return err
		}
	}
	meanwhile.add(deleted, "")
	returned = true
	if err := challenges.Steps(back, func() error { return e.Settle(ctx) }); err != nil {
		return err
	}
	leader, _, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	now, err := leader.Info(ctx)
	if err != nil {
		return err
	}
	if now.Term <= info.Term {
		return challenges.Failf(challenges.RuleTermWentBack, "the leader was %s in term %d; another one was elected, and %s leads in term %d: the term must have grown", old.ID(), info.Term, leader.ID(), now.Term)
	}
	return convergeAll(ctx, e, e.Cluster.Nodes(), append(before, meanwhile...))
}
