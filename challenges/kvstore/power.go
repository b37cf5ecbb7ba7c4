package kvstore

import (
	"time"

	"github.com/st3v3nmw/lsfr/internal/faults"
)

const (
	powerTitle = "clients on all nodes while power goes and disks fail, judged by their history"
	powerHint  = "What a node tells the others it has, its term, its vote and its log, must be on its disk, synced, before it says so: when power goes, the rest is gone, on a majority or on all of them at once. " +
		"A node whose write or fsync failed has not got the entry; it must not answer as if it had."
)

// powerFaults take the power of one node, of a majority and of all, and let all disks
// fail: what one of them has not got it gets again from the others. They are calm, so that
// there is something to lose.
func powerFaults() faults.Track {
	leader, majority, all := faults.Target{Role: faults.Leader}, faults.Target{Count: 3}, faults.Target{Role: faults.All}
	gap := faults.Range{Min: 200 * time.Millisecond, Max: 800 * time.Millisecond}
	hold := faults.Range{Min: 0, Max: 600 * time.Millisecond}
	short := faults.Range{Min: 200 * time.Millisecond, Max: 800 * time.Millisecond}
	// Few cards, so that a run of a dozen seconds sees almost all of them.
	return faults.Track{
		{Fault: faults.PowerLoss(), Calm: true, Weight: 2, Target: all, Gap: gap},
		{Fault: faults.PowerLoss(), Calm: true, Weight: 2, Target: majority, Gap: gap, Hold: hold},
		{Fault: faults.PowerLoss(), Calm: true, Weight: 1, Target: leader, Gap: gap, Hold: hold},
		{Fault: faults.FsyncError(), Calm: true, Weight: 1, Target: all, Gap: gap, Hold: short},
		{Fault: faults.DiskFull(), Calm: true, Weight: 1, Target: all, Gap: gap, Hold: short},
		{Fault: faults.SlowDisk(), Calm: true, Weight: 1, Target: all, Gap: gap, Hold: short},
	}
}
