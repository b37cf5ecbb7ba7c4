package faults

import (
	"context"
	"fmt"
	"time"
)

// A sync on a slow disk takes between these.
const (
	fastestSync = 20 * time.Millisecond
	slowestSync = 200 * time.Millisecond
)

// SlowDisk lets each fsync take 20 to 200 ms. It hits with each of them.
func SlowDisk() Fault {
	return Fault{
		Name:     "slow-disk",
		Title:    "each fsync of a node takes 20 to 200 ms",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			disks, err := env.disks(targets)
			if err != nil {
				return Injection{}, err
			}
			var heals []func()
			before := int64(0)
			for _, d := range disks {
				before += d.DiskStats().SlowSyncs
				heals = append(heals, d.SlowSync(fastestSync, slowestSync, s.random().Int64()))
			}
			hits := func() int {
				after := int64(0)
				for _, d := range disks {
					after += d.DiskStats().SlowSyncs
				}
				return int(after - before)
			}
			return Injection{
				Hits:   hits,
				Detail: func() string { return fmt.Sprintf("by 20 to 200 ms; %s", counted(hits(), "sync")) },
				Heal: func(context.Context) error {
					for _, heal := range heals {
						heal()
					}
					return nil
				},
			}, ctx.Err()
		},
		describe: func(_ Step, who string) string { return "the disk of " + who + " is slow" },
	}
}
