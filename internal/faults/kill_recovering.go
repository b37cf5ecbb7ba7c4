package faults

import (
	"context"
	"fmt"
)

// KillRecovering kills a node, and kills it again while it recovers, Step.Delay
// after its restart began; healing restarts it for good.
func KillRecovering() Fault {
	return Fault{
		Name:  "kill-recovering",
		Title: "SIGKILL, a restart, and another SIGKILL while the node recovers",
		Inject: func(ctx context.Context, env *Env, s Step) (Injection, error) {
			n := env.Nodes[s.Target]
			i := Injection{
				Targets: []string{n.ID()}, Hits: env.OpenWrites(),
				Detail: fmt.Sprintf("killed again %d ms after its restart", s.Delay.Milliseconds()),
			}
			i.Heal = func(ctx context.Context) error { return start(ctx, n) }
			if err := n.Kill(ctx); err != nil {
				return i, err
			}
			if err := n.Spawn(ctx); err != nil {
				return i, err
			}
			if err := sleep(ctx, s.Delay); err != nil {
				return i, err
			}
			return i, n.Kill(ctx)
		},
	}
}
