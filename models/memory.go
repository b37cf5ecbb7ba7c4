package models

import (
	"context"
	"errors"
	"runtime/metrics"
	"time"
)

// ErrMemory is the cause of a context that WithMemory cancelled.
var ErrMemory = errors.New("memory ran out")

// WithMemory returns a context that is cancelled, with ErrMemory as its cause,
// as soon as the process holds more than so many bytes of memory; a Check under
// such a context ends in Unknown. stop must be called, and waits for the watch
// to end. A limit of 0 or less is none.
func WithMemory(ctx context.Context, limit int64) (_ context.Context, stop func()) {
	if limit <= 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// A search can take some hundred megabytes in a second.
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for held() <= uint64(limit) {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
		}
		cancel(ErrMemory)
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// held is the memory that the Go runtime got from the system and has not given
// back, in bytes: what debug.SetMemoryLimit bounds as well.
func held() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
