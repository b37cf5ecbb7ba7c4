package faults

import (
	"context"
	"fmt"
)

// KillRecovering kills nodes, and kills them again while they recover, Step.Delay
// after their restart began; healing restarts them for good.
func KillRecovering() Fault {
	return Fault{
		Name:     "kill-recovering",
		Title:    "SIGKILL, a restart, and another SIGKILL while the node recovers",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			i, err := process(ctx, env, targets, func(ctx context.Context, n Node) error {
				if err := n.Kill(ctx); err != nil {
					return err
				}
				if err := n.Spawn(ctx); err != nil {
					return err
				}
				if err := sleep(ctx, s.Delay); err != nil {
					return err
				}
				return n.Kill(ctx)
			}, start)
			i.Detail = func() string { return fmt.Sprintf("killed again %s after its restart", millis(s.Delay)) }
			return i, err
		},
		describe: func(s Step, who string) string {
			return fmt.Sprintf("kill %s, and again %s after the restart", who, millis(s.Delay))
		},
	}
}
