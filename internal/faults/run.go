package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Recorder is where injected faults are recorded; *history.Recorder is one. It is
// called concurrently.
type Recorder interface {
	Now() time.Duration
	Fault(history.FaultEvent)
}

// Run injects the faults of all tracks side by side, those of a track one after the
// other, and heals each. It returns when every track has ended: when stop is closed,
// ctx is cancelled or any track failed. A fault that is held then is healed at once.
// active is told, concurrently, the family of each fault that begins and ends. The
// errors of all tracks are joined.
func Run(ctx context.Context, env *Env, plan *Plan, rec Recorder, active func(fault string, begun bool), stop <-chan struct{}) error {
	halted, halt := untilStop(ctx, stop)
	defer halt()
	errs := make([]error, plan.Tracks())
	var tracks sync.WaitGroup
	for i := range errs {
		tracks.Go(func() {
			errs[i] = runTrack(ctx, halted, env, func() (Step, bool) { return plan.Next(i) }, rec, active)
			if errs[i] != nil {
				halt()
			}
		})
	}
	tracks.Wait()
	return errors.Join(errs...)
}

// untilStop returns a context that ends when stop is closed, or with ctx, or with a
// call of end, which must come.
func untilStop(ctx context.Context, stop <-chan struct{}) (halted context.Context, end func()) {
	halted, cancel := context.WithCancel(ctx)
	select {
	case <-stop: // at once: the goroutine might come too late
		cancel()
	default:
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-stop:
			cancel()
		case <-halted.Done():
		}
	})
	return halted, func() {
		cancel()
		watching.Wait()
	}
}

// runTrack injects one fault after the other until halted ends. What is under way
// obeys ctx alone, so that it heals when the others stop.
func runTrack(ctx, halted context.Context, env *Env, next func() (Step, bool), rec Recorder, active func(string, bool)) error {
	for {
		step, ok := next()
		if !ok {
			return nil
		}
		if sleep(halted, step.Gap) != nil || step.Calm && !served(halted, env) {
			return ctx.Err()
		}
		if err := inject(ctx, halted, env, step, rec, active); err != nil {
			return err
		}
	}
}

// calmPatience is longer than a cluster may take to accept writes again, so that an
// outage that is too long is seen as what it is before the next fault disturbs it.
const calmPatience = 14 * time.Second

// served waits until the cluster serves writes, and reports whether to go on.
func served(halted context.Context, env *Env) bool {
	if env.Served != nil {
		patient, cancel := context.WithTimeout(halted, calmPatience)
		defer cancel()
		env.Served(patient)
	}
	return halted.Err() == nil
}

// Inject finds the targets of one fault, injects it, holds it until stop is closed at
// the latest, heals it and records it. If the step needs a leader and the cluster has
// none for five seconds, or if stop is closed before it begins, nothing happens and
// nothing is recorded. A nil stop is never closed.
func Inject(ctx context.Context, env *Env, step Step, rec Recorder, active func(fault string, begun bool), stop <-chan struct{}) error {
	halted, end := untilStop(ctx, stop)
	defer end()
	return inject(ctx, halted, env, step, rec, active)
}

// inject waits no longer than for halted, which ends with ctx or before.
func inject(ctx, halted context.Context, env *Env, step Step, rec Recorder, active func(string, bool)) error {
	fault := step.Fault
	if len(env.Nodes) < fault.MinNodes {
		return fmt.Errorf("fault %s: it needs at least %s, and there are %d", fault.Name, counted(fault.MinNodes, "node"), len(env.Nodes))
	}
	targets, err := step.Target.resolve(halted, env, step.Seed)
	if err != nil {
		return fmt.Errorf("fault %s: %w", fault.Name, err)
	}
	if len(targets) == 0 || halted.Err() != nil { // a gap that is over must not win against a stop
		return ctx.Err()
	}
	active(fault.family(), true)
	defer active(fault.family(), false)
	event := history.FaultEvent{Fault: fault.family(), Targets: identities(targets), Start: rec.Now()}
	injection, err := fault.Inject(ctx, env, step, targets)
	if err == nil && sleep(halted, step.Hold) != nil {
		err = ctx.Err() // none if only the waiting is over
	}
	if injection.Heal != nil {
		healed := injection.Heal(ctx)
		if err == nil || ctx.Err() == nil { // else it is the same cancellation
			err = errors.Join(err, healed)
		}
	}
	event.End = rec.Now()
	if injection.Targets != nil {
		event.Targets = injection.Targets
	}
	if injection.Detail != nil {
		event.Detail = injection.Detail()
	}
	if injection.Hits != nil {
		event.Hits = injection.Hits()
	}
	rec.Fault(event)
	if err != nil {
		return fmt.Errorf("fault %s: %w", fault.Name, err)
	}
	return nil
}

func identities(nodes []Node) []string {
	ids := make([]string, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID()
	}
	return ids
}
