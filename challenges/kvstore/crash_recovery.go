package kvstore

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

func crashRecovery() challenges.Stage {
	mix := hotMix()
	mix.Large, mix.MinSize, mix.MaxSize = 4, 100_000, 1<<20-64
	last := faults.Kill()
	return challenges.Stage{
		Name:    "crash-recovery",
		Title:   "Crash recovery",
		Summary: "a crash at any moment loses nothing that was acknowledged and leaves nothing half done",
		Nodes:   1,
		Checks: []challenges.Check{
			{
				Name: "keeps data across a crash",
				Hint: "An answer of 200 promises that the write survives SIGKILL: it must have left your process before the answer does.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkKept(ctx, e, e.Crash) },
			},
			{
				Name: "keeps deletes across a crash",
				Hint: "A delete that was acknowledged must survive SIGKILL as a write does.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkDeletesKept(ctx, e, e.Crash) },
			},
			{
				Name: "keeps a clear across a crash",
				Hint: "DELETE /clear that was acknowledged must survive SIGKILL: what was there before it must not come back.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkClearKept(ctx, e, e.Crash) },
			},
			{
				Name: "keeps every byte across a crash, also of 1 MiB values",
				Hint: "Values of every kind and of up to 1 MiB must be read back from your log as they were written. Readers that work line by line often have a limit on the length of a line.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkBytesKept(ctx, e, e.Crash, 1<<20) },
			},
			{
				Name: "keeps hundreds of keys, some written several times",
				Hint: "Every key must come back with its latest value, also when your log has been compacted or a snapshot was taken in the meantime.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkManyKept(ctx, e, e.Crash) },
			},
			{
				Name: "recovers from crashes in quick succession",
				Hint: "A crash can come during recovery, before the first request. Recovery must leave the files such that it can be done again.",
				Run:  checkCrashWhileRecovering,
			},
			{
				Name: "has a large write wholly or not at all",
				Hint: "SIGKILL in the middle of a write may leave part of it on disk. Recovery must notice (a length and a checksum, for instance), drop that part, and keep working: later writes must survive the next crash.",
				Run:  checkWhollyOrNotAtAll,
			},
		},
		Scenarios: []challenges.Scenario{{
			Name:     "crashes-under-load",
			Title:    "clients while the node is killed with SIGKILL, judged by their history",
			Hint:     "What was acknowledged, and what anybody has read, must be there after the crash, in the same order. Look at the order of things: written to the log, visible to readers, acknowledged; and at what a crash between any two steps of recovery or of a checkpoint leaves behind.",
			Model:    "linearizable",
			Mix:      mix,
			Clients:  10,
			Rate:     250,
			Duration: 10 * time.Second,
			Faults: []faults.Track{{
				{
					Fault: faults.Kill(), Weight: 3,
					Gap: faults.Range{Min: 100 * time.Millisecond, Max: 900 * time.Millisecond},
				},
				{
					Fault: faults.KillRecovering(), Weight: 1,
					Gap:   faults.Range{Min: 300 * time.Millisecond, Max: 900 * time.Millisecond},
					Delay: faults.Range{Min: 0, Max: 200 * time.Millisecond},
				},
			}},
			MinFaults: 3,
			Last:      &last,
		}, powerLoss(mix), badDisk(mix)},
	}
}
