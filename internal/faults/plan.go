package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Spec says how often a fault comes and how long it lasts.
type Spec struct {
	Fault Fault
	// Weight is how often the fault comes, relative to the plan's others.
	Weight int
	// Gap is the time before the fault, since the last one healed; Hold is how
	// long it stays; Delay is the fault's own.
	Gap, Hold, Delay Range
}

// Range is a range of durations; both ends are possible.
type Range struct{ Min, Max time.Duration }

func (r Range) draw(rng *rand.Rand) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(rng.Int64N(int64(r.Max-r.Min)+1))
}

// Step is one fault of a plan.
type Step struct {
	Fault Fault
	// Target is the index of the node.
	Target           int
	Gap, Hold, Delay time.Duration
}

// Plan is an endless sequence of steps; the same seed and specs give the same one.
type Plan struct {
	specs []Spec
	nodes int
	rng   *rand.Rand
}

// planStream keeps the plan's random numbers apart from those of the clients.
const planStream = 1 << 40

// NewPlan draws a plan for a cluster with that many nodes.
func NewPlan(seed int64, specs []Spec, nodes int) *Plan {
	return &Plan{specs: specs, nodes: nodes, rng: rand.New(rand.NewPCG(uint64(seed), planStream))}
}

// Next draws the next step. A plan without specs has no steps.
func (p *Plan) Next() (Step, bool) {
	total := 0
	for _, s := range p.specs {
		total += s.Weight
	}
	if total == 0 {
		return Step{}, false
	}
	d := p.rng.IntN(total)
	i := 0
	for d >= p.specs[i].Weight {
		d -= p.specs[i].Weight
		i++
	}
	s := p.specs[i]
	return Step{
		Fault: s.Fault, Target: p.rng.IntN(p.nodes),
		Gap: s.Gap.draw(p.rng), Hold: s.Hold.draw(p.rng), Delay: s.Delay.draw(p.rng),
	}, true
}

// Recorder is where injected faults are recorded; *history.Recorder is one.
type Recorder interface {
	Now() time.Duration
	Fault(history.FaultEvent)
}

// Run injects the plan's faults one after the other until stop is closed, and
// heals each. active is told the name of the active fault, or "". A fault that
// has begun is healed before Run returns, unless ctx is cancelled.
func Run(ctx context.Context, env *Env, plan *Plan, rec Recorder, active func(fault string), stop <-chan struct{}) error {
	for {
		step, ok := plan.Next()
		if !ok {
			return nil
		}
		t := time.NewTimer(step.Gap)
		select {
		case <-t.C:
		case <-stop:
		case <-ctx.Done():
		}
		t.Stop()
		select { // once more: a gap that is over must not win against a stop
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if err := Inject(ctx, env, step, rec, active); err != nil {
			return err
		}
	}
}

// Inject injects one fault, holds it, heals it and records it.
func Inject(ctx context.Context, env *Env, step Step, rec Recorder, active func(fault string)) error {
	active(step.Fault.Name)
	defer active("")
	event := history.FaultEvent{Fault: step.Fault.Name, Start: rec.Now()}
	injection, err := step.Fault.Inject(ctx, env, step)
	event.Targets, event.Detail, event.Hits = injection.Targets, injection.Detail, injection.Hits
	if err == nil {
		err = sleep(ctx, step.Hold)
	}
	if injection.Heal != nil && err == nil {
		err = injection.Heal(ctx)
	}
	event.End = rec.Now()
	rec.Fault(event)
	if err != nil {
		return fmt.Errorf("fault %s: %w", step.Fault.Name, err)
	}
	return nil
}
