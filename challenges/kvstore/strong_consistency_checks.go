package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// answerTime is how long a node that may have no answer is waited for.
const answerTime = 1500 * time.Millisecond

// current is a key and the only value that a read may return now.
type current struct{ key, value string }

// write writes a first value, or one that replaces it, through a node that sees the
// majority. The key changes where one try was not enough.
func (c *current) write(ctx context.Context, e *challenges.Env, through *cluster.Node) (err error) {
	c.value = e.Value()
	c.key, err = accepted(ctx, e.On(through), c.key, c.value)
	return err
}

// notOlder reads at a node that need not answer, but must not answer anything else.
func (c current) notOlder(ctx context.Context, e *challenges.Env, at *cluster.Node, state string) error {
	within, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r := challenges.Request{Method: http.MethodGet, Path: "/kv/" + c.key}
	res, err := e.On(at).Try(within, r)
	switch {
	case err != nil || res.Status != http.StatusOK && res.Status != http.StatusNotFound:
		return ctx.Err()
	case res.Status == http.StatusOK && string(res.Body) == c.value:
		return nil
	}
	actual := "404, as if the key had never been written"
	if res.Status == http.StatusOK {
		_, actual = challenges.Contrast(c.value, string(res.Body))
	}
	return &challenges.Failure{
		Rule:     challenges.RuleStaleRead,
		Summary:  fmt.Sprintf("%s, which %s, answered a read with something older than what had been acknowledged through another node", at.ID(), state),
		Request:  fmt.Sprintf("GET %s on %s", r.Path, at.ID()),
		Expected: fmt.Sprintf("%q, or 503, or no answer", c.value), Actual: actual,
	}
}

func checkSleepingLeader(ctx context.Context, e *challenges.Env) error {
	const rounds, readers, writers = 2, 12, 4
	for round := range rounds {
		old, others, err := e.Leader(ctx)
		if err != nil {
			return err
		}
		c := current{key: e.Key(fmt.Sprint("slept-", round))}
		if err := c.write(ctx, e, old); err != nil {
			return err
		}
		if err := old.Pause(ctx); err != nil {
			return err
		}
		err = challenges.Steps(
			func() error { return led(ctx, e, others) },
			func() error { return c.write(ctx, e, others[round]) },
		)
		if err != nil {
			return firstOf(errors.Join(err, old.Resume(ctx)))
		}
		// They wait in the kernel of a node that sleeps, and are the first thing it sees.
		var kept [writers]pairs
		errs := make([]error, readers+writers)
		var asking sync.WaitGroup
		for i := range readers {
			asking.Go(func() { errs[i] = c.notOlder(ctx, e, old, "had slept through an election") })
		}
		for i := range writers {
			k, v := e.Key(fmt.Sprintf("woke-%d-%d", round, i)), e.Value()
			asking.Go(func() { errs[readers+i] = kept[i].offer(ctx, e.On(old), k, v) })
		}
		err = errors.Join(challenges.Wait(ctx, 100*time.Millisecond), old.Resume(ctx))
		asking.Wait()
		if err = errors.Join(append([]error{err}, errs...)...); err != nil {
			return firstOf(err)
		}
		for range 20 {
			if err := c.notOlder(ctx, e, old, "had slept through an election"); err != nil {
				return err
			}
		}
		if err := e.Settle(ctx); err != nil {
			return err
		}
		if err := slices.Concat(kept[:]...).everywhere(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// everywhere reads them through every node, which has no excuse now.
func (p pairs) everywhere(ctx context.Context, e *challenges.Env) error {
	for _, n := range e.Cluster.Nodes() {
		for i := range p {
			if err := p.is(ctx, e.On(n), i); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkDeafLeader(ctx context.Context, e *challenges.Env) error {
	for _, deaf := range []bool{false, true} {
		if err := checkOneWay(ctx, e, deaf); err != nil {
			return err
		}
	}
	return nil
}

// checkOneWay cuts off what the leader sends, or, if it is to be deaf, what it is sent.
func checkOneWay(ctx context.Context, e *challenges.Env, deaf bool) error {
	old, others, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	one, state := []*cluster.Node{old}, "is heard by nobody"
	from, to := one, others
	if deaf {
		from, to, state = others, one, "hears nobody"
	}
	c := current{key: e.Key("one-way-" + fmt.Sprint(deaf))}
	if err := c.write(ctx, e, old); err != nil {
		return err
	}
	heal, err := e.CutOneWay(from, to)
	if err != nil {
		return err
	}
	defer heal()
	var kept pairs
	for i := range 4 {
		if err := c.write(ctx, e, others[i]); err != nil {
			return err
		}
		k, v := e.Key(fmt.Sprintf("offered-%v-%d", deaf, i)), e.Value()
		if err := inParallel(2, func(w int) error {
			if w == 0 {
				return kept.offer(ctx, e.On(old), k, v)
			}
			return c.notOlder(ctx, e, old, state)
		}); err != nil {
			return err
		}
	}
	heal()
	return challenges.Steps(
		func() error { return c.notOlder(ctx, e, old, "has just been reconnected") },
		func() error { return e.Settle(ctx) },
		func() error { return kept.everywhere(ctx, e) },
	)
}

func checkMinorityReads(ctx context.Context, e *challenges.Env) error {
	old, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	minority, majority := []*cluster.Node{old, followers[0]}, followers[1:]
	c := current{key: e.Key("minority")}
	if err := c.write(ctx, e, old); err != nil {
		return err
	}
	heal, err := e.Cut(minority, majority)
	if err != nil {
		return err
	}
	defer heal()
	for i := range 3 {
		if err := c.write(ctx, e, majority[i]); err != nil {
			return err
		}
		for _, n := range minority {
			if err := c.notOlder(ctx, e, n, "is cut off with the minority"); err != nil {
				return err
			}
		}
	}
	heal()
	return e.Settle(ctx)
}
