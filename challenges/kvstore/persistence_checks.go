package kvstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
)

// restart is how a check ends the node and starts it again.
type restart func(ctx context.Context) error

func checkKept(ctx context.Context, e *challenges.Env, again restart) error {
	a, b, c := e.Key("a"), e.Key("b"), e.Key("c")
	v1, v2, v3 := e.Value(), e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, a, v1) },
		func() error { return e.Put(ctx, b, v2) },
		func() error { return e.Put(ctx, a, v3) },
		func() error { return again(ctx) },
		func() error { return e.Get(ctx, a, v3) },
		func() error { return e.Get(ctx, b, v2) },
		func() error { return e.Absent(ctx, c) },
		func() error { return e.Put(ctx, c, v1) },
		func() error { return e.Get(ctx, c, v1) },
	)
}

func checkDeletesKept(ctx context.Context, e *challenges.Env, again restart) error {
	a, b, c := e.Key("a"), e.Key("b"), e.Key("c")
	v1, v2 := e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, a, v1) },
		func() error { return e.Put(ctx, b, v1) },
		func() error { return e.Put(ctx, c, v1) },
		func() error { return e.Delete(ctx, a) },
		func() error { return e.Delete(ctx, b) },
		func() error { return e.Put(ctx, b, v2) },
		func() error { return again(ctx) },
		func() error { return e.Absent(ctx, a) },
		func() error { return e.Get(ctx, b, v2) },
		func() error { return e.Get(ctx, c, v1) },
		func() error { return again(ctx) },
		func() error { return e.Absent(ctx, a) },
	)
}

func checkClearKept(ctx context.Context, e *challenges.Env, again restart) error {
	a, b, c := e.Key("a"), e.Key("b"), e.Key("c")
	v1, v2 := e.Value(), e.Value()
	return challenges.Steps(
		func() error { return e.Put(ctx, a, v1) },
		func() error { return e.Put(ctx, b, v1) },
		func() error { return e.Clear(ctx) },
		func() error { return e.Put(ctx, b, v2) },
		func() error { return e.Put(ctx, c, v2) },
		func() error { return again(ctx) },
		func() error { return e.Absent(ctx, a) },
		func() error { return e.Get(ctx, b, v2) },
		func() error { return e.Get(ctx, c, v2) },
		func() error { return e.Clear(ctx) },
		func() error { return again(ctx) },
		func() error { return e.Absent(ctx, b) },
	)
}

// checkBytesKept writes awkward values and one of large bytes.
func checkBytesKept(ctx context.Context, e *challenges.Env, again restart, large int) error {
	values := append(byteValues(), unicodeValues()...)
	values = append(values, largeValue("large", large), "after the large one")
	for i, v := range values {
		if err := e.Put(ctx, e.Key(fmt.Sprint("v", i)), v); err != nil {
			return err
		}
	}
	if err := again(ctx); err != nil {
		return err
	}
	return getAll(ctx, e, "v", values)
}

// checkManyKept writes hundreds of keys, every eighth of them three times. Not
// more: a node that syncs each write by itself may need 20 ms for one.
func checkManyKept(ctx context.Context, e *challenges.Env, again restart) error {
	const perWriter, rounds = 32, 3
	key := func(w, i int) string { return e.Key(fmt.Sprintf("w%d-%d", w, i)) }
	value := func(w, i, round int) string { return fmt.Sprintf("writer %d wrote %d in round %d", w, i, round) }
	last := func(i int) int {
		if i%8 == 0 {
			return rounds - 1
		}
		return 0
	}
	err := inParallel(writers, func(w int) error {
		for round := range rounds {
			for i := range perWriter {
				if round > last(i) {
					continue
				}
				if err := e.Put(ctx, key(w, i), value(w, i, round)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := again(ctx); err != nil {
		return err
	}
	return inParallel(writers, func(w int) error {
		for i := range perWriter {
			if err := e.Get(ctx, key(w, i), value(w, i, last(i))); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkSeveralRestarts(ctx context.Context, e *challenges.Env) error {
	var values []string
	for i := range 3 {
		values = append(values, e.Value())
		if err := e.Put(ctx, e.Key(fmt.Sprint("k", i)), values[i]); err != nil {
			return err
		}
		if err := e.Restart(ctx); err != nil {
			return err
		}
		if err := getAll(ctx, e, "k", values); err != nil {
			return err
		}
	}
	if err := e.Restart(ctx); err != nil { // one that wrote nothing
		return err
	}
	return getAll(ctx, e, "k", values)
}

const (
	// received is how long a node gets to read the headers of a request that
	// has been sent, and settled how long its shutdown gets to begin before
	// the rest of the body comes.
	received = 500 * time.Millisecond
	settled  = 200 * time.Millisecond
	// answered is how long the answer of a request in flight may take.
	answered = 10 * time.Second
	// busy is how many clients write meanwhile.
	busy = 4
)

// checkInFlight sends SIGTERM while clients write, and while requests are in
// flight beyond doubt: their headers and half of their bodies were sent before
// it. Requests that race with the signal over kept-alive connections are never
// held against a node.
func checkInFlight(ctx context.Context, e *challenges.Env) error {
	var puts []*challenges.HalfPut
	defer func() {
		for _, p := range puts {
			p.Close()
		}
	}()
	for i := range 5 {
		p, err := e.BeginPut(ctx, e.Key(fmt.Sprint("k", i)), largeValue("in-flight", 2_000+i))
		if err != nil {
			return err
		}
		puts = append(puts, p)
	}
	acknowledged := writeUntilRefused(ctx, e)
	defer acknowledged()
	// The node accepts connections in order: once it has answered a later one,
	// it has accepted those.
	if err := e.ExpectStatus(ctx, challenges.Request{Method: http.MethodGet, Path: "/kv/" + e.Key("later")}, http.StatusNotFound); err != nil {
		return err
	}
	if err := challenges.Wait(ctx, received); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- e.Node().Stop(ctx) }()
	err := errors.Join(finish(ctx, puts), <-stopped)
	written := acknowledged()
	if err != nil {
		return firstOf(err)
	}
	if err := e.Node().Start(ctx); err != nil {
		return err
	}
	for _, p := range puts {
		if err := e.Get(ctx, p.Key, p.Value); err != nil {
			return err
		}
	}
	for key, value := range written {
		if err := e.Get(ctx, key, value); err != nil {
			return err
		}
	}
	return nil
}

// writeUntilRefused lets clients write, each to keys of its own, until the node
// does not answer any more. The result waits for them and returns what was acknowledged.
func writeUntilRefused(ctx context.Context, e *challenges.Env) (acknowledged func() map[string]string) {
	const most = 200 // writes per client
	done := make(chan map[string]string, busy)
	for c := range busy {
		go func() {
			written := make(map[string]string)
			for i := range most {
				key, value := e.Key(fmt.Sprintf("busy%d-%d", c, i)), fmt.Sprintf("client %d wrote %d", c, i)
				if e.Put(ctx, key, value) != nil {
					break // it is stopping: whether this one took effect is unknown
				}
				written[key] = value
			}
			done <- written
		}()
	}
	return sync.OnceValue(func() map[string]string {
		all := make(map[string]string)
		for range busy {
			maps.Copy(all, <-done)
		}
		return all
	})
}

func finish(ctx context.Context, puts []*challenges.HalfPut) error {
	if err := challenges.Wait(ctx, settled); err != nil {
		return err
	}
	for i, p := range puts {
		request := "PUT /kv/" + p.Key
		res, err := p.Finish(answered)
		switch {
		case err != nil:
			return &challenges.Failure{
				Rule:     challenges.RuleNoAnswer,
				Summary:  fmt.Sprintf("request %d of %d that was in flight when SIGTERM came got no answer: %v", i+1, len(puts), err),
				Request:  request + " (headers and half of the body were sent before SIGTERM)",
				Expected: "200 OK", Actual: "no answer", Err: err,
			}
		case res.Status != http.StatusOK:
			_, body := challenges.Contrast("", string(res.Body))
			return &challenges.Failure{
				Rule:     challenges.RuleWrongAnswer,
				Summary:  fmt.Sprintf("request %d of %d that was in flight when SIGTERM came was answered with status %d", i+1, len(puts), res.Status),
				Request:  request + " (headers and half of the body were sent before SIGTERM)",
				Expected: "200 OK", Actual: fmt.Sprintf("%d %s", res.Status, body),
			}
		}
	}
	return nil
}

// firstOf returns the first of joined errors, so that its type can be told.
func firstOf(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
		return many.Unwrap()[0]
	}
	return err
}

func checkIdleConnections(ctx context.Context, e *challenges.Env) error {
	k, v := e.Key("k"), e.Value()
	return challenges.Steps(
		// These leave connections open behind them, as any client's would be.
		func() error { return inParallel(writers, func(int) error { return e.Put(ctx, k, v) }) },
		func() error { return e.Node().Stop(ctx) },
		func() error { return e.Node().Start(ctx) },
		func() error { return e.Get(ctx, k, v) },
	)
}
