package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
)

func checkCrashWhileRecovering(ctx context.Context, e *challenges.Env) error {
	var values []string
	for i, pause := range []time.Duration{0, 30 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond} {
		values = append(values, e.Value())
		if err := challenges.Steps(
			func() error { return e.Put(ctx, e.Key(fmt.Sprint("k", i)), values[i]) },
			func() error { return e.Node().Kill(ctx) },
			func() error { return e.Node().Spawn(ctx) },
			func() error { return challenges.Wait(ctx, pause) },
			func() error { return e.Crash(ctx) },
			func() error { return getAll(ctx, e, "k", values) },
		); err != nil {
			return err
		}
	}
	return nil
}

// checkWhollyOrNotAtAll kills the node while it takes in values of 1 MiB.
func checkWhollyOrNotAtAll(ctx context.Context, e *challenges.Env) error {
	k, small := e.Key("large"), e.Key("small")
	before := largeValue("before", 1<<20)
	if err := e.Put(ctx, k, before); err != nil {
		return err
	}
	for i := range 8 {
		next := largeValue(fmt.Sprint("attempt", i), 1<<20)
		acknowledged := make(chan bool, 1)
		go func() {
			err := e.Put(ctx, k, next)
			acknowledged <- err == nil
		}()
		pause := challenges.Wait(ctx, time.Duration(1+2*i)*time.Millisecond)
		err := errors.Join(pause, e.Node().Kill(ctx))
		ok := <-acknowledged
		if err != nil {
			return firstOf(err)
		}
		if err := e.Node().Start(ctx); err != nil {
			return err
		}
		res, err := e.Do(ctx, challenges.Request{Method: http.MethodGet, Path: "/kv/" + k})
		if err != nil {
			return err
		}
		switch got := string(res.Body); {
		case res.Status == http.StatusOK && got == next:
			before = next
		case res.Status == http.StatusOK && got == before && !ok:
		default:
			want, what := before, "the value from before the crash or the new one, whole"
			if ok {
				want, what = next, "the new value, which had been acknowledged"
			}
			shownWant, shownGot := challenges.Contrast(want, got)
			return &challenges.Failure{
				Rule:     challenges.ReadRule(res, want),
				Summary:  fmt.Sprintf("after a crash during a PUT of 1 MiB, GET /kv/%s answered status %d and neither value", k, res.Status),
				Request:  "GET /kv/" + k,
				Expected: what + ": " + shownWant, Actual: fmt.Sprintf("status %d, %s", res.Status, shownGot),
			}
		}
		// What is written after the recovery must survive the next crash.
		v := e.Value()
		if err := challenges.Steps(
			func() error { return e.Put(ctx, small, v) },
			func() error { return e.Crash(ctx) },
			func() error { return e.Get(ctx, small, v) },
		); err != nil {
			return err
		}
	}
	return nil
}
