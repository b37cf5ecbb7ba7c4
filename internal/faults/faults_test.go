package faults

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// nodeError stands for what a node may do wrong.
type nodeError struct{ call string }

func (e *nodeError) Error() string { return e.call + " failed" }

// trace is what happened, in order.
type trace struct {
	mu    sync.Mutex
	calls []string
}

func (t *trace) add(call string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, call)
}

func (t *trace) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// fakeNode fails the call that fails names, and blocks in the one that hangs
// names until ctx is cancelled.
type fakeNode struct {
	*trace
	id           string
	fails, hangs string
	reached      func(call string)
}

func (n *fakeNode) ID() string { return n.id }

func (n *fakeNode) call(ctx context.Context, name string) error {
	n.add(n.id + " " + name)
	if n.reached != nil {
		n.reached(name)
	}
	if name == n.hangs {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if name == n.fails {
		return &nodeError{name}
	}
	return nil
}

func (n *fakeNode) Spawn(ctx context.Context) error     { return n.call(ctx, "spawn") }
func (n *fakeNode) WaitReady(ctx context.Context) error { return n.call(ctx, "ready") }
func (n *fakeNode) Stop(ctx context.Context) error      { return n.call(ctx, "stop") }
func (n *fakeNode) Kill(ctx context.Context) error      { return n.call(ctx, "kill") }

// fakeRecorder's clock ticks with every look at it.
type fakeRecorder struct {
	mu     sync.Mutex
	now    time.Duration
	events []history.FaultEvent
}

func (r *fakeRecorder) Now() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	return r.now
}

func (r *fakeRecorder) Fault(f history.FaultEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, f)
}

// world is an environment of fake nodes. Seven writes are in flight until
// something is done to a node.
type world struct {
	trace
	recorder fakeRecorder
	nodes    []*fakeNode
	env      Env
}

func newWorld(nodes int) *world {
	w := &world{}
	w.env.OpenWrites = func() int {
		if len(w.all()) > 0 {
			return 0
		}
		return 7
	}
	for i := range nodes {
		n := &fakeNode{trace: &w.trace, id: fmt.Sprintf("n%d", i+1)}
		w.nodes = append(w.nodes, n)
		w.env.Nodes = append(w.env.Nodes, n)
	}
	return w
}

func nobody(string) {}

func TestEachFaultDoesItsStepsInOrderAndHealsThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  Fault
		calls  []string
		detail string
	}{
		{Kill(), []string{"n2 kill", "n2 spawn", "n2 ready"}, ""},
		{Stop(), []string{"n2 stop", "n2 spawn", "n2 ready"}, ""},
		{KillRecovering(), []string{"n2 kill", "n2 spawn", "n2 kill", "n2 spawn", "n2 ready"}, "killed again 1 ms after its restart"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(3)
			var active []string
			step := Step{Fault: tt.fault, Target: 1, Delay: time.Millisecond}
			if err := Inject(t.Context(), &w.env, step, &w.recorder, func(name string) { active = append(active, name) }); err != nil {
				t.Fatal(err)
			}
			if got := w.all(); !slices.Equal(got, tt.calls) {
				t.Errorf("got %v, want %v", got, tt.calls)
			}
			if !slices.Equal(active, []string{tt.fault.Name, ""}) {
				t.Errorf("active was %q", active)
			}
			if len(w.recorder.events) != 1 {
				t.Fatalf("got %+v", w.recorder.events)
			}
			e := w.recorder.events[0]
			if e.Fault != tt.fault.Name || !slices.Equal(e.Targets, []string{"n2"}) || e.Detail != tt.detail || e.Start >= e.End {
				t.Errorf("got %+v", e)
			}
			// Counted before the fault: afterwards nothing is in flight any more.
			if e.Hits != 7 {
				t.Errorf("%d hits, want 7", e.Hits)
			}
		})
	}
}

func TestTheCatalogListsEachFaultOnce(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, f := range Catalog() {
		if f.Name == "" || f.Title == "" || f.Inject == nil || seen[f.Name] {
			t.Errorf("got %+v", f)
		}
		seen[f.Name] = true
	}
	for _, f := range []Fault{Kill(), Stop(), KillRecovering()} {
		if !seen[f.Name] {
			t.Errorf("%s is not listed", f.Name)
		}
	}
}

func TestAnErrorOfTheNodeIsFoundAndTheFaultIsRecorded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault Fault
		fails string
		calls []string
	}{
		{Kill(), "kill", []string{"n1 kill"}},
		{Kill(), "spawn", []string{"n1 kill", "n1 spawn"}},
		{Kill(), "ready", []string{"n1 kill", "n1 spawn", "n1 ready"}},
		{Stop(), "stop", []string{"n1 stop"}},
		{Stop(), "ready", []string{"n1 stop", "n1 spawn", "n1 ready"}},
		{KillRecovering(), "kill", []string{"n1 kill"}},
		{KillRecovering(), "spawn", []string{"n1 kill", "n1 spawn"}},
		{KillRecovering(), "ready", []string{"n1 kill", "n1 spawn", "n1 kill", "n1 spawn", "n1 ready"}},
	}
	for _, tt := range tests {
		w := newWorld(1)
		w.nodes[0].fails = tt.fails
		plan := NewPlan(1, []Spec{{Fault: tt.fault, Weight: 1}}, 1)
		err := Run(t.Context(), &w.env, plan, &w.recorder, nobody, nil)
		var failure *nodeError
		if !errors.As(err, &failure) || failure.call != tt.fails {
			t.Errorf("%s, %s fails: got %v", tt.fault.Name, tt.fails, err)
			continue
		}
		if want := "fault " + tt.fault.Name + ": " + tt.fails + " failed"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if got := w.all(); !slices.Equal(got, tt.calls) {
			t.Errorf("%s, %s fails: got %v, want %v", tt.fault.Name, tt.fails, got, tt.calls)
		}
		if e := w.recorder.events; len(e) != 1 || e[0].Hits != 7 || !slices.Equal(e[0].Targets, []string{"n1"}) {
			t.Errorf("%s, %s fails: got %+v", tt.fault.Name, tt.fails, e)
		}
	}
}

func TestAFaultThatIsHeldWhenTheRunStopsIsHealed(t *testing.T) {
	t.Parallel()
	for _, fault := range Catalog() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(1)
			stop := make(chan struct{})
			plan := NewPlan(1, []Spec{{Fault: fault, Weight: 1, Hold: Range{Min: 20 * time.Millisecond}}}, 1)
			var once sync.Once
			active := func(string) { once.Do(func() { close(stop) }) }
			if err := Run(t.Context(), &w.env, plan, &w.recorder, active, stop); err != nil {
				t.Fatal(err)
			}
			calls := w.all()
			if n := len(calls); n < 3 || !slices.Equal(calls[n-2:], []string{"n1 spawn", "n1 ready"}) {
				t.Errorf("got %v", calls)
			}
			if e := w.recorder.events; len(e) != 1 || e[0].Hits != 7 {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestCancellingEndsAFaultWhereverItIs(t *testing.T) {
	t.Parallel()
	long := Range{Min: 24 * time.Hour}
	one := func(s Spec) []Spec {
		s.Weight = 1
		return []Spec{s}
	}
	tests := []struct {
		name   string
		specs  []Spec
		at     string // the call at which ctx is cancelled; empty for the gap
		hangs  string
		events int
	}{
		{"before the fault", one(Spec{Fault: Kill(), Gap: long}), "", "", 0},
		{"during the hold", one(Spec{Fault: Kill(), Hold: long}), "kill", "", 1},
		{"between two kills", one(Spec{Fault: KillRecovering(), Delay: long}), "spawn", "", 1},
		{"while it stops", one(Spec{Fault: Stop()}), "stop", "stop", 1},
		{"while it heals", one(Spec{Fault: Stop()}), "ready", "ready", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := newWorld(1)
			w.nodes[0].hangs = tt.hangs
			w.nodes[0].reached = func(call string) {
				if call == tt.at {
					cancel()
				}
			}
			if tt.at == "" {
				cancel()
			}
			// Without obeying ctx this would last for a day.
			err := Run(ctx, &w.env, NewPlan(1, tt.specs, 1), &w.recorder, nobody, nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if len(w.recorder.events) != tt.events {
				t.Errorf("got %+v", w.recorder.events)
			}
		})
	}
}

func TestAStopDuringTheGapInjectsNothing(t *testing.T) {
	t.Parallel()
	for name, gap := range map[string]Range{"a long gap": {Min: 24 * time.Hour}, "no gap": {}} {
		for range 20 {
			w := newWorld(1)
			stop := make(chan struct{})
			close(stop)
			plan := NewPlan(1, []Spec{{Fault: Kill(), Weight: 1, Gap: gap}}, 1)
			if err := Run(t.Context(), &w.env, plan, &w.recorder, nobody, stop); err != nil {
				t.Fatal(err)
			}
			if len(w.all()) > 0 || len(w.recorder.events) > 0 {
				t.Fatalf("%s: got %v", name, w.all())
			}
		}
	}
}

func TestWithoutFaultsNothingIsInjected(t *testing.T) {
	t.Parallel()
	for _, specs := range [][]Spec{nil, {{Fault: Kill(), Weight: 0}}} {
		w := newWorld(1)
		if err := Run(t.Context(), &w.env, NewPlan(1, specs, 1), &w.recorder, nobody, nil); err != nil {
			t.Fatal(err)
		}
		if len(w.all()) > 0 {
			t.Errorf("got %v", w.all())
		}
	}
}

func millis(low, high int) Range {
	return Range{time.Duration(low) * time.Millisecond, time.Duration(high) * time.Millisecond}
}

func testSpecs() []Spec {
	return []Spec{
		{Fault: Kill(), Weight: 3, Gap: millis(100, 900), Hold: millis(0, 50)},
		{Fault: Stop(), Weight: 0, Gap: millis(1, 2)},
		{Fault: KillRecovering(), Weight: 1, Gap: millis(300, 303), Hold: millis(7, 7), Delay: millis(1, 200)},
	}
}

// drawn is a step without its functions, which cannot be compared.
type drawn struct {
	fault            string
	target           int
	gap, hold, delay time.Duration
}

func steps(t *testing.T, seed int64, nodes, n int) []drawn {
	t.Helper()
	p := NewPlan(seed, testSpecs(), nodes)
	out := make([]drawn, n)
	for i := range out {
		s, ok := p.Next()
		if !ok {
			t.Fatal("the plan has ended")
		}
		out[i] = drawn{s.Fault.Name, s.Target, s.Gap, s.Hold, s.Delay}
	}
	return out
}

func TestASeedMakesThePlan(t *testing.T) {
	t.Parallel()
	plan := steps(t, 42, 5, 50)
	if !slices.Equal(plan, steps(t, 42, 5, 50)) {
		t.Error("the same seed makes another plan")
	}
	for _, seed := range []int64{0, 41, 43, math.MaxInt64} {
		if slices.Equal(plan, steps(t, seed, 5, 50)) {
			t.Errorf("seed %d makes the same plan", seed)
		}
	}
}

func TestAPlanKeepsToItsSpecs(t *testing.T) {
	t.Parallel()
	const n, nodes = 8000, 5
	count := make(map[string]int)
	targets := make([]int, nodes)
	seen := make(map[time.Duration]bool)
	for _, s := range steps(t, 1, nodes, n) {
		count[s.fault]++
		targets[s.target]++
		for _, spec := range testSpecs() {
			if spec.Fault.Name != s.fault {
				continue
			}
			for _, d := range []struct {
				Range
				drawn time.Duration
			}{{spec.Gap, s.gap}, {spec.Hold, s.hold}, {spec.Delay, s.delay}} {
				if d.drawn < d.Min || d.drawn > d.Max {
					t.Fatalf("%s is out of %v: %+v", d.drawn, d.Range, s)
				}
			}
		}
		if s.fault == "kill" {
			seen[s.gap.Truncate(100*time.Millisecond)] = true
		}
	}
	if share := float64(count["kill"]) / n; math.Abs(share-0.75) > 0.03 || count["stop"] != 0 {
		t.Errorf("got %v", count)
	}
	for i, hits := range targets {
		if math.Abs(float64(hits)/n-1.0/nodes) > 0.03 {
			t.Errorf("node %d is the target %d times of %d", i, hits, n)
		}
	}
	if len(seen) < 8 {
		t.Errorf("the gaps fill only %d of 8 parts of their range", len(seen))
	}
}

func TestBothEndsOfARangeArePossible(t *testing.T) {
	t.Parallel()
	p := NewPlan(3, []Spec{{Fault: Kill(), Weight: 1, Gap: Range{5, 7}, Hold: Range{9, 9}, Delay: Range{8, 2}}}, 1)
	seen := make(map[time.Duration]bool)
	for range 200 {
		s, _ := p.Next()
		seen[s.Gap] = true
		if s.Hold != 9 || s.Delay != 8 {
			t.Fatalf("got %+v", s)
		}
	}
	if len(seen) != 3 || !seen[5] || !seen[7] {
		t.Errorf("got %v", seen)
	}
}
