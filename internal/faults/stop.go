package faults

import "context"

// Stop ends a node with SIGTERM, as an operator would; healing restarts it. It
// hits the writes that are in flight.
func Stop() Fault {
	return Fault{
		Name:  "stop",
		Title: "SIGTERM to every process of a node, then a restart",
		Inject: func(ctx context.Context, env *Env, s Step) (Injection, error) {
			n := env.Nodes[s.Target]
			i := Injection{Targets: []string{n.ID()}, Hits: env.OpenWrites()}
			i.Heal = func(ctx context.Context) error { return start(ctx, n) }
			return i, n.Stop(ctx)
		},
	}
}
