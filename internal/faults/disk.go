package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// Disk is what a fault can do to the disk of a node.
type Disk interface {
	// LosePower kills every process of the node and takes what was not durable.
	LosePower(ctx context.Context, seed int64) (disk.Loss, error)
	// LimitSpace, FailSync and SlowSync are those of disk.Disk.
	LimitSpace(bytes int64) (heal func())
	FailSync() (heal func())
	SlowSync(least, most time.Duration, seed int64) (heal func())
	DiskStats() disk.Stats
	// AtRisk is what is not durable at this moment.
	AtRisk() disk.Risk
	// Tolerate says whether the node may exit by itself from now on.
	Tolerate(yes bool)
}

var errNoDisk = errors.New("the nodes are not on disks of lsfr")

// disks are those of the targets.
func (env *Env) disks(targets []Node) ([]Disk, error) {
	var out []Disk
	for _, n := range targets {
		if env.Disk == nil {
			return nil, errNoDisk
		}
		out = append(out, env.Disk(n))
	}
	return out, nil
}

// failing injects a fault of disks after which each target is restarted: a node that
// cannot trust its disk may refuse, stop or crash meanwhile. hits counts what the disk
// refused; end ends the fault of a disk, and undo is what a node is restarted by.
func failing(ctx context.Context, env *Env, targets []Node, begin func(d Disk) (end func()), hits func(disk.Stats) int64, undo func(ctx context.Context, n Node, d Disk) error) (Injection, error) {
	disks, err := env.disks(targets)
	if err != nil {
		return Injection{}, err
	}
	before := make([]int64, len(disks))
	ends := make([]func(), len(disks))
	for i, d := range disks {
		before[i] = hits(d.DiskStats())
		d.Tolerate(true)
		ends[i] = begin(d)
	}
	met := func() (n int) {
		for i, d := range disks {
			n += int(hits(d.DiskStats()) - before[i])
		}
		return n
	}
	return Injection{
		Hits: met,
		Heal: func(ctx context.Context) error {
			for _, end := range ends {
				end()
			}
			index := make(map[string]int, len(targets))
			for i, n := range targets {
				index[n.ID()] = i
			}
			_, err := each(ctx, targets, func(ctx context.Context, n Node) error {
				d := disks[index[n.ID()]]
				if err := undo(ctx, n, d); err != nil {
					return err
				}
				d.Tolerate(false)
				return start(ctx, n)
			})
			return err
		},
	}, ctx.Err()
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 10_000:
		return counted(int(bytes), "byte")
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}
