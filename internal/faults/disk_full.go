package faults

import (
	"context"
	"fmt"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// mostLeft is how many bytes a disk may take until it is full.
const mostLeft = 64 << 10

// DiskFull lets disks be full after up to 64 kB more. Healing gives them space again,
// and restarts the nodes, which may have stopped: what they acknowledged meanwhile must be
// there. It hits with each write that is refused.
func DiskFull() Fault {
	return Fault{
		Name:     "disk-full",
		Title:    "a node's disk is full (ENOSPC); then there is space, and the node is killed and restarted",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			left := s.spaceLeft()
			i, err := failing(ctx, env, targets,
				func(d Disk) func() { return d.LimitSpace(left) },
				func(s disk.Stats) int64 { return s.NoSpace },
				func(ctx context.Context, n Node, _ Disk) error { return n.Kill(ctx) })
			if met := i.Hits; met != nil {
				i.Detail = func() string { return fmt.Sprintf("after %s; %s refused", size(left), counted(met(), "write")) }
			}
			return i, err
		},
		describe: func(s Step, who string) string {
			return fmt.Sprintf("the disk of %s is full after %s", who, size(s.spaceLeft()))
		},
	}
}

func (s Step) spaceLeft() int64 { return s.random().Int64N(mostLeft + 1) }
