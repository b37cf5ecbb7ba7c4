package kvstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

const (
	// loadWorkers write and read keys of a group that nothing disturbs, each so often.
	loadWorkers, loadRounds = 6, 15
	// fullSpeed is how many times as long such a load may take as before the disturbance,
	// and slack is added to it: what a request costs that waits for somebody else is much
	// more than both.
	fullSpeed = 5
	slack     = 2 * time.Second
	// A starved machine may make any single answer late. Whoever is disturbed by another
	// group fails each of so many loads; so often, too, a load is repeated that an election
	// of the group's own has come in between.
	undisturbedTries = 3
)

// healthy is a group that nothing disturbs, and how fast it was.
type healthy struct {
	cluster.Group
	normal time.Duration
}

// load writes and reads keys of the group through these nodes, without patience. It
// returns how long that took.
func (h *healthy) load(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) (took time.Duration, err error) {
	// Each time others: a write that was not answered may still take effect.
	var keys []string
	for range loadWorkers {
		k, err := e.On(h.Nodes[0]).KeyIn(ctx, h.Shard, "load-"+e.Value())
		if err != nil {
			return 0, err
		}
		keys = append(keys, k)
	}
	began := time.Now()
	err = inParallel(loadWorkers, func(w int) error {
		apart, done := e.Apart()
		defer done()
		for i := range loadRounds {
			on, k, v := apart.On(nodes[(w+i)%len(nodes)]).Once(), keys[w], e.Value()
			if err := challenges.Steps(
				func() error { return inTime(ctx, func(ctx context.Context) error { return on.Put(ctx, k, v) }) },
				func() error { return inTime(ctx, func(ctx context.Context) error { return on.Get(ctx, k, v) }) },
			); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(began), err
}

// inTime gives a step the time that clients have for an operation.
func inTime(ctx context.Context, step func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, workload.DefaultTimeout)
	defer cancel()
	err := step(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return &challenges.Failure{Rule: challenges.RuleNoAnswer, Summary: fmt.Sprintf("no answer within %s", workload.DefaultTimeout), Err: err}
	}
	return err
}

// measure finds out how fast a group is through these nodes.
func measure(ctx context.Context, e *challenges.Env, g cluster.Group, nodes []*cluster.Node) (*healthy, error) {
	h := &healthy{Group: g}
	// Some may have to find out yet who leads there.
	err := challenges.Eventually(ctx, electTime, func() (err error) {
		h.normal, err = h.load(ctx, e, nodes)
		return err
	})
	return h, err
}

// unlessElected does a step of which the group has no excuse to decline anything, and
// again if it has changed its leader meanwhile: that may happen at any time.
func (h *healthy) unlessElected(ctx context.Context, step func() error) error {
	for range undisturbedTries {
		leader, term := h.Leader(ctx)
		err := step()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if now, termNow := h.Leader(ctx); leader != "" && leader == now && term == termNow {
			return err
		}
		if err := challenges.Eventually(ctx, electTime, func() error {
			if leader, _ := h.Leader(ctx); leader == "" {
				return challenges.Failf(challenges.RuleNoSingleLeader, "the nodes of shard %s name no leader", h.Shard)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return challenges.Failf(challenges.RuleTooSlow, "shard %s changed its leader again and again by itself, so what a disturbance of the other shard does could not be seen", h.Shard)
}

// goesOn checks that the group works at full speed through these nodes while
// something else is disturbed for long. state is a clause about that, such as "while s2
// is dead".
func (h *healthy) goesOn(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, state string) error {
	return again(func() error { return h.goesOnNow(ctx, e, nodes, state) })
}

// again does a step until it finds no group disturbed, and fails if it always does.
func again(step func() error) (err error) {
	for range undisturbedTries {
		err = step()
		if f, failed := errors.AsType[*challenges.Failure](err); !failed || f.Rule != challenges.RuleInterrupted {
			return err
		}
	}
	return err
}

// goesOnNow is goesOn with one load.
func (h *healthy) goesOnNow(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, state string) error {
	limit := fullSpeed*h.normal + slack
	err := h.unlessElected(ctx, func() error {
		within, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err := h.load(within, e, nodes)
		if err != nil && within.Err() != nil && ctx.Err() == nil {
			return &challenges.Failure{
				Rule:     challenges.RuleInterrupted,
				Summary:  fmt.Sprintf("shard %s is slow %s", h.Shard, state),
				Expected: fmt.Sprintf("%d writes and reads in about %s, as before", 2*loadWorkers*loadRounds, h.normal.Round(time.Millisecond)),
				Actual:   "not done after " + limit.Round(time.Millisecond).String(),
			}
		}
		return err
	})
	if f, failed := errors.AsType[*challenges.Failure](err); failed && (f.Rule == challenges.RuleNoAnswer || f.Rule == challenges.RuleUnavailable) {
		return &challenges.Failure{
			Rule: challenges.RuleInterrupted, Summary: fmt.Sprintf("shard %s is disturbed %s: %s", h.Shard, state, f.Summary),
			Request: f.Request, Expected: f.Expected, Actual: f.Actual, Err: err,
		}
	}
	return err
}
