package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/disk"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
)

// onDisks is small, on disks, with these faults.
func onDisks(t *testing.T, tracks ...faults.Track) *challenges.Stage {
	t.Helper()
	if err := disk.Supported(); err != nil {
		t.Skip(err)
	}
	stage := small()
	stage.Scenarios[0].Disks, stage.Scenarios[0].Faults = true, tracks
	return stage
}

func TestWhatIsDurableOutlivesALossOfPowerAndIsLeftBehind(t *testing.T) {
	gap := faults.Range{Min: 100 * time.Millisecond, Max: 300 * time.Millisecond}
	stage := onDisks(t, faults.Track{{Fault: faults.PowerLoss(), Weight: 1, Gap: gap}})
	stage.Scenarios[0].MinFaults = 2
	opts := options(t, stage, "node")
	if r := runStage(t, t.Context(), opts); r.Status != report.Passed {
		t.Fatal(explain(r))
	}
	for _, folder := range []string{"n1", "n1.disk/durable"} {
		files, err := os.ReadDir(filepath.Join(opts.Dir, opts.RunDir, "scenario", folder))
		if err != nil || len(files) == 0 {
			t.Errorf("%s holds %v, %v", folder, files, err)
		}
	}
	lost := 0
	for _, f := range readHistory(t, opts).Faults {
		if f.Fault == "power-loss" {
			lost++
			if f.Detail == "" {
				t.Errorf("nobody knows what was lost: %+v", f)
			}
		}
	}
	if lost < 2 {
		t.Errorf("%d losses of power in the history", lost)
	}
}

func TestANodeThatWritesElsewhereProvesNothingAboutPower(t *testing.T) {
	r := runStage(t, t.Context(), options(t, onDisks(t), "fake", "works"))
	if f := r.FirstFailure(); r.Status != report.Unknown || !strings.Contains(f.Failure.Summary, "nothing was written below --working-dir") {
		t.Error(explain(r))
	}
}

func TestADiskThatFailsIsNoFailureOfTheNode(t *testing.T) {
	gap := faults.Range{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond}
	hold := faults.Range{Min: 100 * time.Millisecond, Max: 300 * time.Millisecond}
	track := faults.Track{
		{Fault: faults.DiskFull(), Weight: 1, Gap: gap, Hold: hold},
		{Fault: faults.FsyncError(), Weight: 1, Gap: gap, Hold: hold},
		{Fault: faults.SlowDisk(), Weight: 1, Gap: gap, Hold: hold},
	}
	if r := runStage(t, t.Context(), options(t, onDisks(t, track), "node")); r.Status != report.Passed {
		t.Error(explain(r))
	}
}

func TestANodeThatNeverSyncsIsToldSo(t *testing.T) {
	gap := faults.Range{Min: 200 * time.Millisecond, Max: 400 * time.Millisecond}
	stage := onDisks(t, faults.Track{{Fault: faults.PowerLoss(), Weight: 1, Gap: gap}})
	stage.Scenarios[0].Duration = time.Hour // if it ever returns, it ended early
	r := runStage(t, t.Context(), options(t, stage, "fake", "never-syncs"))
	if f := r.FirstFailure(); r.Status != report.Failed || f.Note != "Nothing was ever synced on n1: no fsync, no fdatasync, no O_SYNC (lsfr cannot see sync and syncfs, and counts neither)." {
		t.Errorf("note %q, %s", r.Checks[len(r.Checks)-1].Note, explain(r))
	}
}
