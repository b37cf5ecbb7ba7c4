package faults

import (
	"context"
	"time"
)

const (
	// muchAtRisk is how many bytes make a loss worth waiting for: a large value, of which
	// some pages may survive and others not. It is waited for muchTime, and then for
	// anything at all for anyTime.
	muchAtRisk = 64 << 10
	muchTime   = 200 * time.Millisecond
	anyTime    = 100 * time.Millisecond
	riskPoll   = 2 * time.Millisecond
)

// awaitRisk waits for a moment at which something is not durable: most of the time
// nothing is on a disk that is synced for every write.
func awaitRisk(ctx context.Context, disks []Disk) {
	began := time.Now()
	for time.Since(began) < muchTime+anyTime {
		for _, d := range disks {
			if n := d.Dirty(); n >= muchAtRisk || n > 0 && time.Since(began) >= muchTime {
				return
			}
		}
		if sleep(ctx, riskPoll) != nil {
			return
		}
	}
}

// PowerLoss kills nodes, all targets at once, and takes from their disks what they had
// not made durable: all of it, or less, as the seed decides. It comes when there is something to lose, if
// that takes no longer than some 300 ms. Healing restarts them. It
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
			awaitRisk(ctx, disks)
			random := s.random()
			seeds := make(map[string]int64)
			of := make(map[string]Disk)
			for i, n := range targets {
				seeds[n.ID()], of[n.ID()] = random.Int64(), disks[i]
			}
			var lost losses
			i, err := process(ctx, env, targets, func(ctx context.Context, n Node) error {
				loss, err := of[n.ID()].LosePower(ctx, seeds[n.ID()])
				lost.add(n.ID(), loss)
				return err
			}, start)
			i.Detail = lost.detail
			return i, err
		},
		describe: func(_ Step, who string) string { return "power of " + who + " goes" },
	}
}
