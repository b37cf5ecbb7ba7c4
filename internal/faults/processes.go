package faults

import (
	"context"
	"errors"
	"sync"
	"time"
)

// each does something to all nodes at once, and waits for all. It returns those with
// which it succeeded, in their order, and the errors of the others.
func each(ctx context.Context, nodes []Node, do func(ctx context.Context, n Node) error) (done []Node, err error) {
	errs := make([]error, len(nodes))
	var doing sync.WaitGroup
	for i, n := range nodes {
		doing.Go(func() { errs[i] = do(ctx, n) })
	}
	doing.Wait()
	for i, n := range nodes {
		if errs[i] == nil {
			done = append(done, n)
		}
	}
	return done, errors.Join(errs...)
}

const (
	// writePatience is how long a fault waits for a write to be in flight: of a fast node
	// most moments have none, and a crash between two writes shows little.
	writePatience = 50 * time.Millisecond
	writePoll     = 200 * time.Microsecond
)

// awaitWrite waits until a write is in flight, and returns how many are.
func awaitWrite(ctx context.Context, env *Env) int {
	for began := time.Now(); ; {
		open := env.OpenWrites()
		if open > 0 || time.Since(began) > writePatience || sleep(ctx, writePoll) != nil {
			return open
		}
	}
}

// process injects a fault of processes, while a write is in flight if one soon is. It hits
// those in flight when it begins; afterwards none may be. A node with which it failed is
// not healed: nobody knows what it is doing, and the error ends the run.
func process(ctx context.Context, env *Env, targets []Node, do, undo func(ctx context.Context, n Node) error) (Injection, error) {
	hits := awaitWrite(ctx, env)
	done, err := each(ctx, targets, do)
	return Injection{
		Hits: func() int { return hits },
		Heal: func(ctx context.Context) error {
			_, err := each(ctx, done, undo)
			return err
		},
	}, err
}

// start spawns a node and waits until it answers.
func start(ctx context.Context, n Node) error {
	if err := n.Spawn(ctx); err != nil {
		return err
	}
	return n.WaitReady(ctx)
}

func kill(ctx context.Context, n Node) error   { return n.Kill(ctx) }
func stop(ctx context.Context, n Node) error   { return n.Stop(ctx) }
func pause(ctx context.Context, n Node) error  { return n.Pause(ctx) }
func resume(ctx context.Context, n Node) error { return n.Resume(ctx) }
