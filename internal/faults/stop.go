package faults

import "context"

// Stop ends nodes with SIGTERM, as an operator would; healing restarts them. It hits
// the writes that are in flight.
func Stop() Fault {
	return Fault{
		Name:     "stop",
		Title:    "SIGTERM to every process of a node, then a restart",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			return process(ctx, env, targets, stop, start)
		},
	}
}
