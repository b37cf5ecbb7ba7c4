package faults

import "context"

// Kill ends a node with SIGKILL; healing restarts it. It hits the writes that
// are in flight.
func Kill() Fault {
	return Fault{
		Name:  "kill",
		Title: "SIGKILL to every process of a node, then a restart",
		Inject: func(ctx context.Context, env *Env, s Step) (Injection, error) {
			n := env.Nodes[s.Target]
			i := Injection{Targets: []string{n.ID()}, Hits: env.OpenWrites()}
			i.Heal = func(ctx context.Context) error { return start(ctx, n) }
			return i, n.Kill(ctx)
		},
	}
}
