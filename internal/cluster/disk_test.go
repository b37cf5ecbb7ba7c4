package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// onDisks gives the nodes disks of lsfr, or skips the test where there can be none.
func onDisks(t *testing.T) func(*Config) {
	t.Helper()
	if err := disk.Supported(); err != nil {
		t.Skip(err)
	}
	return func(cfg *Config) { cfg.Disks = true }
}

func TestALossOfPowerTakesWhatWasNotSyncedAndNothingElse(t *testing.T) {
	script := `port=$2 dir=$4
if [ ! -e "$dir/synced" ]; then echo value >"$dir/synced" && sync "$dir/synced"; fi
echo value >"$dir/written"
exec ` + role("serve") + ` --port "$port"`
	n := newNode(t, script, onDisks(t))
	dir := n.WorkingDir()
	lost := 0
	for seed := range int64(12) {
		mustStart(t, n)
		loss, err := n.LosePower(t.Context(), seed)
		if err != nil {
			t.Fatal(err)
		}
		if n.Running() || loss.Writes == 0 {
			t.Fatalf("running %v, and lost was %+v", n.Running(), loss)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "synced")); err != nil || string(data) != "value\n" {
			t.Fatalf("seed %d: what was synced is %q, %v", seed, data, err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "written")); err != nil || string(data) != "value\n" {
			lost++
		}
		if err := n.EmptyWorkingDir(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("emptied: %v, %v", left, err)
		}
	}
	if lost == 0 {
		t.Error("what was not synced has survived every loss of power")
	}
	contains(t, readLog(t, n), "--- lsfr: lost power: 1 writes (6 bytes in 1 files)")
}

func TestTheFilesOfADiskArePlainAfterwards(t *testing.T) {
	n := newNode(t, `echo kept >"$4/file"; exec `+role("serve")+` --port "$2"`, onDisks(t))
	mustStart(t, n)
	if err := n.cluster.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(n.WorkingDir(), "file"))
	if err != nil || string(data) != "kept\n" {
		t.Errorf("as seen: %q, %v", data, err)
	}
	durable, err := os.ReadDir(n.WorkingDir() + ".disk/durable")
	if err != nil || len(durable) > 0 {
		t.Errorf("nothing was synced, and durable is %v, %v", durable, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), n.WorkingDir()) {
		t.Errorf("still mounted, or %v", err)
	}
}

func TestANodeThatMayExitByItselfHasNotFailed(t *testing.T) {
	for _, tolerated := range []bool{false, true} {
		n := newNode(t, `echo full >&2; exit 3`)
		n.Tolerate(tolerated)
		if err := n.Spawn(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the node is gone", func() bool { return !n.Running() })
		if err := n.Err(); (err == nil) != tolerated {
			t.Errorf("tolerated %v: %v", tolerated, err)
		}
		if err := n.Kill(t.Context()); (err == nil) != tolerated {
			t.Errorf("tolerated %v, killed: %v", tolerated, err)
		}
	}
}

func TestWithoutADiskThereIsNoLossOfPower(t *testing.T) {
	n := newNode(t, serving())
	mustStart(t, n)
	if _, err := n.LosePower(t.Context(), 1); !errors.Is(err, ErrNoDisk) || !n.Running() {
		t.Errorf("got %v, running %v", err, n.Running())
	}
}
