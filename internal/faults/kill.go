package faults

import "context"

// Kill ends nodes with SIGKILL; healing restarts them. It hits the writes that are
// in flight.
func Kill() Fault {
	return Fault{
		Name:     "kill",
		Title:    "SIGKILL to every process of a node, then a restart",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			return process(ctx, env, targets, kill, start)
		},
	}
}
