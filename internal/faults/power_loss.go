package faults

import (
	"context"
	"fmt"
	"sync"
)

// PowerLoss kills nodes, all targets at once, and takes from their disks what they had
// not made durable: all of it, or less, as the seed decides. Healing restarts them. It
// hits the writes in flight, and what is not durable.
func PowerLoss() Fault {
	return Fault{
		Name:     "power-loss",
		Title:    "power goes: a node dies, and what it has not synced is gone or torn; then a restart",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			disks, err := env.disks(targets)
			if err != nil {
				return Injection{}, err
			}
			random := s.random()
			seeds := make(map[string]int64)
			of := make(map[string]Disk)
			for i, n := range targets {
				seeds[n.ID()], of[n.ID()] = random.Int64(), disks[i]
			}
			var mu sync.Mutex
			writes, names, files := 0, 0, 0
			i, err := process(ctx, env, targets, func(ctx context.Context, n Node) error {
				loss, err := of[n.ID()].LosePower(ctx, seeds[n.ID()])
				mu.Lock()
				defer mu.Unlock()
				writes, names, files = writes+loss.Writes, names+loss.Names, files+len(loss.Files)
				return err
			}, start)
			i.Detail = func() string {
				return fmt.Sprintf("not durable: %s in %s, %s", counted(writes, "write"), counted(files, "file"), counted(names, "name"))
			}
			return i, err
		},
		describe: func(_ Step, who string) string { return "power of " + who + " goes" },
	}
}
