package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// answerTime is how long a node that may have no answer is waited for.
const answerTime = 1500 * time.Millisecond

// current is a key and the only value that a read may return now.
type current struct{ key, value string }

// replace writes a new value through a node that sees the majority. Until it is
// acknowledged another value is tried each time, under another key: a try of unknown
// outcome may still take effect.
func (c *current) replace(ctx context.Context, e *challenges.Env, through *cluster.Node) error {
	tries := 0
	return challenges.Eventually(ctx, electTime, func() error {
		if tries > 0 {
			c.key = fmt.Sprintf("%s.%d", c.key, tries)
		}
		tries++
		c.value = e.Value()
		return e.On(through).Put(ctx, c.key, c.value)
	})
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
		Summary:  fmt.Sprintf("%s, which %s, answered a read with something older than what had been acknowledged through another node", at.ID(), state),
		Request:  fmt.Sprintf("GET %s on %s", r.Path, at.ID()),
		Expected: fmt.Sprintf("%q, or 503, or no answer", c.value), Actual: actual,
	}
}

func checkSleepingLeader(ctx context.Context, e *challenges.Env) error {
	const rounds, readers = 2, 12
	for round := range rounds {
		old, others, err := e.Leader(ctx)
		if err != nil {
			return err
		}
		c := current{key: e.Key(fmt.Sprint("slept-", round)), value: e.Value()}
		if err := e.On(old).Put(ctx, c.key, c.value); err != nil {
			return err
		}
		if err := old.Pause(ctx); err != nil {
			return err
		}
		err = challenges.Steps(
			func() error { return led(ctx, e, others) },
			func() error { return c.replace(ctx, e, others[round]) },
		)
		if err != nil {
			return firstOf(errors.Join(err, old.Resume(ctx)))
		}
		// They wait in the kernel of a node that sleeps, and are the first thing it sees.
		errs := make([]error, readers)
		var reading sync.WaitGroup
		for i := range readers {
			reading.Go(func() { errs[i] = c.notOlder(ctx, e, old, "had slept through an election") })
		}
		err = errors.Join(wait(ctx, 100*time.Millisecond), old.Resume(ctx))
		reading.Wait()
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
	c := current{key: e.Key("one-way-" + fmt.Sprint(deaf)), value: e.Value()}
	if err := e.On(old).Put(ctx, c.key, c.value); err != nil {
		return err
	}
	heal, err := e.CutOneWay(from, to)
	if err != nil {
		return err
	}
	defer heal()
	for i := range 4 {
		if err := challenges.Steps(
			func() error { return c.replace(ctx, e, others[i]) },
			func() error { return c.notOlder(ctx, e, old, state) },
		); err != nil {
			return err
		}
	}
	heal()
	return challenges.Steps(
		func() error { return c.notOlder(ctx, e, old, "has just been reconnected") },
		func() error { return e.Settle(ctx) },
	)
}

func checkMinorityReads(ctx context.Context, e *challenges.Env) error {
	old, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	minority, majority := []*cluster.Node{old, followers[0]}, followers[1:]
	c := current{key: e.Key("minority"), value: e.Value()}
	if err := e.On(old).Put(ctx, c.key, c.value); err != nil {
		return err
	}
	heal, err := e.Cut(minority, majority)
	if err != nil {
		return err
	}
	defer heal()
	for i := range 3 {
		if err := c.replace(ctx, e, majority[i]); err != nil {
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
