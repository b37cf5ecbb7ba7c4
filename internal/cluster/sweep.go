package cluster

import (
	"context"
	"syscall"
	"time"
)

// killAll sends SIGKILL to every member of the family, again and again until a
// scan finds none: a process may fork while it is being looked for. It returns the
// ones that are still there after endWithin.
func killAll(ctx context.Context, f *family) (survivors []process, err error) {
	deadline := time.Now().Add(endWithin)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		alive, err := f.scan()
		if err != nil || len(alive) == 0 {
			return nil, err
		}
		if time.Now().After(deadline) {
			return alive, nil
		}
		for _, p := range alive {
			// What cannot be signalled shows up as a survivor.
			_ = p.signal(syscall.SIGKILL)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// signalUntil sends a signal to the members that still need it, until none does.
// It gives up after endWithin and returns those.
func signalUntil(ctx context.Context, f *family, sig syscall.Signal, needs func(process) bool) ([]process, error) {
	deadline := time.Now().Add(endWithin)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		alive, err := f.scan()
		if err != nil {
			return nil, err
		}
		var pending []process
		for _, p := range alive {
			if needs(p) {
				pending = append(pending, p)
			}
		}
		if len(pending) == 0 || time.Now().After(deadline) {
			return pending, nil
		}
		for _, p := range pending {
			_ = p.signal(sig)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// describeAll names processes by their command lines.
func describeAll(list []process) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = commandLine(p)
	}
	return names
}

// sleep waits, or returns the context's error as soon as it is done.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
