package faults

import (
	"context"
	"fmt"
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
func (n *fakeNode) Pause(ctx context.Context) error     { return n.call(ctx, "pause") }
func (n *fakeNode) Resume(ctx context.Context) error    { return n.call(ctx, "resume") }

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

func (r *fakeRecorder) recorded() []history.FaultEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
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
	for _, id := range named(nodes) {
		n := &fakeNode{trace: &w.trace, id: id}
		w.nodes = append(w.nodes, n)
		w.env.Nodes = append(w.env.Nodes, n)
	}
	w.onDisks()
	return w
}

// only makes a plan of one fault, again and again.
func (w *world) only(s Spec) *Plan {
	s.Weight = 1
	return NewPlan(1, []Track{{s}}, identities(w.env.Nodes))
}

func named(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("n%d", i+1))
	}
	return ids
}

func nobody(string, bool) {}

const day = 24 * time.Hour

// patience is how long to wait for what must come, before giving up.
const patience = 30 * time.Second

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
