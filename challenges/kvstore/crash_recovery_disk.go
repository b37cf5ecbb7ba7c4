package kvstore

import (
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

// onDisk completes a scenario of one node on a disk of lsfr. Its mix has keys that are
// written once: what a loss of power makes of a write that was under way shows in the end,
// and no later write hides it. Power goes once more at the end.
func onDisk(mix workload.Mix, s challenges.Scenario) challenges.Scenario {
	mix.OnceKeys, mix.Large, mix.MinSize = 30, 20, 20_000
	last := faults.PowerLoss()
	s.Model, s.Mix, s.Disks, s.Last = "linearizable", mix, true, &last
	s.Clients, s.Rate, s.Duration, s.MinFaults = 10, 250, 10*time.Second, 4
	return s
}

// powerLoss is the scenario in which what was not synced is gone.
func powerLoss(mix workload.Mix) challenges.Scenario {
	return onDisk(mix, challenges.Scenario{
		Name:  "power-loss",
		Title: "clients while power goes again and again, judged by their history",
		Hint: "What you write is in the kernel's memory until fsync returns, and SIGKILL does not show that: a loss of power does. " +
			"Sync the log before you acknowledge a write or show it to a reader; sync a new file before you rename it, and its folder after that; drop the log only when the snapshot is durable. " +
			"And recovery meets logs whose end is torn, or has holes of zeros.",
		// While syncs are slow, there is always something that is written and not durable.
		Faults: []faults.Track{{{
			Fault: faults.PowerLoss(), Weight: 1,
			Gap: faults.Range{Min: 150 * time.Millisecond, Max: 900 * time.Millisecond},
		}}, {{
			Fault: faults.SlowDisk(), Weight: 1,
			Gap: faults.Range{Min: 200 * time.Millisecond, Max: 700 * time.Millisecond}, Hold: faults.Range{Min: 400 * time.Millisecond, Max: 1000 * time.Millisecond},
		}}},
	})
}

// badDisk is the scenario in which the disk refuses to do what it is told.
func badDisk(mix workload.Mix) challenges.Scenario {
	return onDisk(mix, challenges.Scenario{
		Name:  "bad-disk",
		Title: "clients while the disk is full and its syncs fail, judged by their history",
		Hint: "A write or an fsync that fails must never be acknowledged: refuse with 503 or 507, or stop, and start anew from what is on disk. " +
			"After a failed fsync a second one may succeed and has saved nothing. After a write that failed half-way, part of a record is in the log: cut it off, or the next one is lost behind it.",
		Faults: []faults.Track{{
			{
				Fault: faults.DiskFull(), Weight: 2,
				Gap: faults.Range{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond}, Hold: faults.Range{Min: 200 * time.Millisecond, Max: 800 * time.Millisecond},
			},
			{
				Fault: faults.FsyncError(), Weight: 4,
				Gap: faults.Range{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond}, Hold: faults.Range{Min: 50 * time.Millisecond, Max: 250 * time.Millisecond},
			},
		}},
	})
}
