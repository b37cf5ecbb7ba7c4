// Package faults injects nemesis faults into a running cluster, by a plan that
// is drawn from the run's seed. One file per fault.
package faults

import (
	"context"
	"time"
)

// Node is what a fault can do to a node.
type Node interface {
	ID() string
	// Spawn starts the node's process, WaitReady waits until it answers.
	Spawn(ctx context.Context) error
	WaitReady(ctx context.Context) error
	// Stop sends SIGTERM and waits until every process is gone.
	Stop(ctx context.Context) error
	// Kill sends SIGKILL to every process and waits until all are gone.
	Kill(ctx context.Context) error
}

// Env is what faults act in.
type Env struct {
	Nodes []Node
	// OpenWrites counts the writes that clients wait for at this moment.
	OpenWrites func() int
}

// Fault is one kind of fault; Catalog lists them.
type Fault struct {
	// Name stands in histories and on the command line.
	Name string
	// Title says what it does.
	Title string
	// Inject does it to the step's target. It returns what it hit, and how to
	// heal it. An error ends the run and its cluster, so nothing is healed after
	// one; the Injection tells what was hit all the same.
	Inject func(ctx context.Context, env *Env, s Step) (Injection, error)
}

// Injection is a fault that is active.
type Injection struct {
	Targets []string
	Detail  string
	// Hits counts what the fault met; a fault without hits proves nothing.
	Hits int
	// Heal ends the fault. It returns at once when ctx is cancelled.
	Heal func(ctx context.Context) error
}

// Catalog lists every fault; a new one is one line here and one file.
func Catalog() []Fault {
	return []Fault{
		Kill(),
		KillRecovering(),
		Stop(),
	}
}

// start spawns a node and waits until it answers.
func start(ctx context.Context, n Node) error {
	if err := n.Spawn(ctx); err != nil {
		return err
	}
	return n.WaitReady(ctx)
}

// sleep waits for d or for ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
