package faults

import "context"

// Pause stops nodes with SIGSTOP, as a machine that hangs does: they keep their
// connections and answer nothing. Healing resumes them, and does not wait until they
// answer. It hits the writes that are in flight.
func Pause() Fault {
	return Fault{
		Name:     "pause",
		Title:    "SIGSTOP to every process of a node, later SIGCONT",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			return process(ctx, env, targets, pause, resume)
		},
	}
}
