package faults

import (
	"context"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// FsyncError lets one fsync fail with EIO: as on Linux, what it should have made durable
// is in doubt from then on, also if the next fsync succeeds. Healing takes the power of
// the nodes, which shows what was in doubt, and restarts them.
func FsyncError() Fault {
	return Fault{
		Name:     "fsync-error",
		Title:    "an fsync fails once (EIO), and its data stays in doubt; then power goes, and the node is restarted",
		MinNodes: 1,
		Inject: func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			seed := s.random().Int64()
			var lost losses
			i, err := failing(ctx, env, targets,
				func(d Disk) func() { return d.FailSync() },
				func(s disk.Stats) int64 { return s.FailedSyncs },
				func(ctx context.Context, n Node, d Disk) error {
					loss, err := d.LosePower(ctx, seed)
					lost.add(n.ID(), loss)
					return err
				})
			i.Detail = func() string { return "then power went; " + lost.detail() }
			return i, err
		},
		describe: func(_ Step, who string) string { return "an fsync of " + who + " fails" },
	}
}
