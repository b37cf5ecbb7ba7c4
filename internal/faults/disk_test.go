package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// diskHits is how many operations a fault of a fakeDisk meets.
const diskHits = 3

// fakeDisk is the disk of a fakeNode.
type fakeDisk struct {
	*fakeNode
	stats disk.Stats
	dirty int64
}

func fakeLoss() disk.Loss {
	return disk.Loss{Writes: 2, Bytes: 8192, Names: 1, Files: []disk.FileLoss{{Path: "wal/1", Writes: 2, Bytes: 8192, Kept: 4096}}}
}

func (d *fakeDisk) LosePower(ctx context.Context, seed int64) (disk.Loss, error) {
	return fakeLoss(), d.call(ctx, "power")
}

func (d *fakeDisk) LimitSpace(bytes int64) (heal func()) {
	d.stats.NoSpace += diskHits
	return d.fault("full", bytes >= 0 && bytes <= mostLeft)
}

func (d *fakeDisk) FailSync() (heal func()) {
	d.stats.FailedSyncs += diskHits
	return d.fault("error", true)
}

func (d *fakeDisk) SlowSync(least, most time.Duration, _ int64) (heal func()) {
	d.stats.SlowSyncs += diskHits
	return d.fault("slow", least == 20*time.Millisecond && most == 200*time.Millisecond)
}

func (d *fakeDisk) fault(name string, asExpected bool) func() {
	if !asExpected {
		name = "wrong " + name
	}
	d.add(d.id + " " + name)
	return func() { d.add(d.id + " " + name + " ends") }
}

func (d *fakeDisk) DiskStats() disk.Stats { return d.stats }

// AtRisk grows each time it is asked for.
func (d *fakeDisk) AtRisk() disk.Risk {
	d.dirty += muchAtRisk / 2
	return disk.Risk{Bytes: d.dirty}
}
func (d *fakeDisk) Tolerate(yes bool) { d.add(fmt.Sprintf("%s tolerates %v", d.id, yes)) }

// onDisks gives every node of a world a disk.
func (w *world) onDisks() {
	disks := make(map[string]Disk)
	for _, n := range w.nodes {
		disks[n.id] = &fakeDisk{fakeNode: n, stats: disk.Stats{NoSpace: 10, FailedSyncs: 10, SlowSyncs: 10}}
	}
	w.env.Disk = func(n Node) Disk { return disks[n.ID()] }
}

func diskFaults() []Fault { return []Fault{PowerLoss(), DiskFull(), FsyncError(), SlowDisk()} }

func TestEachDiskFaultDoesItsStepsInOrderAndHealsThem(t *testing.T) {
	t.Parallel()
	full := Step{Seed: 5}
	for _, tt := range []struct {
		fault  Fault
		calls  []string
		detail string
		hits   int
	}{
		{PowerLoss(), []string{"n2 power", "n2 spawn", "n2 ready"}, "not durable: 2 writes to wal/1 (4096 bytes of 8192 bytes kept), 1 name", 7},
		{
			DiskFull(), []string{"n2 tolerates true", "n2 full", "n2 full ends", "n2 kill", "n2 tolerates false", "n2 spawn", "n2 ready"},
			"after " + size(full.spaceLeft()) + "; 3 writes refused", 3,
		},
		{
			FsyncError(), []string{"n2 tolerates true", "n2 error", "n2 error ends", "n2 power", "n2 tolerates false", "n2 spawn", "n2 ready"},
			"then power went; not durable: 2 writes to wal/1 (4096 bytes of 8192 bytes kept), 1 name", 3,
		},
		{SlowDisk(), []string{"n2 slow", "n2 slow ends"}, "by 20 to 200 ms; 3 syncs", 3},
	} {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(3)
			step := Step{Fault: tt.fault, Target: Target{Node: "n2"}, Seed: full.Seed}
			if err := Inject(t.Context(), &w.env, step, &w.recorder, nobody, nil); err != nil {
				t.Fatal(err)
			}
			if got := w.all(); !slices.Equal(got, tt.calls) {
				t.Errorf("got %v, want %v", got, tt.calls)
			}
			e := w.recorder.recorded()
			if len(e) != 1 || e[0].Fault != tt.fault.Name || e[0].Detail != tt.detail || e[0].Hits != tt.hits {
				t.Errorf("got %+v, want detail %q and %d hits", e, tt.detail, tt.hits)
			}
		})
	}
}

func TestADiskFaultHitsAllItsTargets(t *testing.T) {
	t.Parallel()
	for _, fault := range diskFaults() {
		w := newWorld(3)
		if err := Inject(t.Context(), &w.env, Step{Fault: fault, Target: Target{Role: All}}, &w.recorder, nobody, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.recorder.recorded()[0].Targets; !slices.Equal(got, named(3)) {
			t.Errorf("%s: %v", fault.Name, got)
		}
		for _, n := range w.nodes {
			healed := n.id + " ready"
			if fault.Name == SlowDisk().Name {
				healed = n.id + " slow ends"
			}
			if !slices.Contains(w.all(), healed) {
				t.Errorf("%s: %s is missing from %v", fault.Name, healed, w.all())
			}
		}
	}
}

func TestANodeThatDoesNotComeBackFromADiskFaultIsFound(t *testing.T) {
	t.Parallel()
	for _, fault := range []Fault{PowerLoss(), DiskFull(), FsyncError()} {
		w := newWorld(1)
		w.nodes[0].fails = "ready"
		err := Inject(t.Context(), &w.env, Step{Fault: fault}, &w.recorder, nobody, nil)
		var failure *nodeError
		if !errors.As(err, &failure) || failure.call != "ready" {
			t.Errorf("%s: %v", fault.Name, err)
		}
	}
}

func TestADiskFaultNeedsADisk(t *testing.T) {
	t.Parallel()
	for _, fault := range diskFaults() {
		w := newWorld(1)
		w.env.Disk = nil
		if err := Inject(t.Context(), &w.env, Step{Fault: fault}, &w.recorder, nobody, nil); !errors.Is(err, errNoDisk) {
			t.Errorf("%s: %v", fault.Name, err)
		}
	}
}

// calmDisk has had everything synced for a while, and then something little.
type calmDisk struct {
	fakeDisk
	until time.Time
}

func (d *calmDisk) AtRisk() disk.Risk {
	if time.Now().Before(d.until) {
		return disk.Risk{}
	}
	return disk.Risk{Bytes: 1}
}

func TestALossOfPowerWaitsForSomethingToLoseButNotForLong(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, until := range []time.Duration{0, day} {
		for range 2 * ofNames {
			d := &calmDisk{until: time.Now().Add(until)}
			awaitRisk(t.Context(), []Disk{d}, random) // returns, though there is never much
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	awaitRisk(stopped, []Disk{&calmDisk{until: time.Now().Add(day)}}, random)
}
