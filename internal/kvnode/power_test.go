package kvnode

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

var diskSupported = sync.OnceValue(disk.Supported)

// powered is a folder on a disk that can lose power, be full, and fail.
type powered struct {
	*disk.Disk
	dir     string
	durable string // what a loss of power leaves at least
}

// newPowered skips the test where there cannot be such a disk.
func newPowered(t *testing.T, o disk.Options) powered {
	t.Helper()
	if err := diskSupported(); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	dir := filepath.Join(folder, "node")
	d, err := disk.Mount(context.Background(), dir, filepath.Join(folder, "disk"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return powered{d, dir, filepath.Join(folder, "disk", "durable")}
}

func (p powered) losePower(t *testing.T, seed int64) disk.Loss {
	t.Helper()
	loss, err := p.LosePower(context.Background(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// A loss of power is met at moments that a few rounds make likely. Bugs whose symptom is shown without one are here for the
// stage: there it is what catches them.
const powerLosses = 10

func powerSymptoms() map[bug]symptom {
	alone, all := sharedTwin(wrongAfterPowerLosses), sharedTwin(wrongAfterAllLosePower)
	return map[bug]symptom{
		noFsync:              alone,
		fsyncWrongFile:       alone,
		renameNotSynced:      alone,
		snapshotRenamedEarly: alone,
		logTruncatedEarly:    alone,
		visibleBeforeDurable: readWhileItIsSynced,

		raftLogNotSynced:      all,
		raftSnapshotNotSynced: all,
		raftIgnoresErrors:     passesOn(consensus.Faults{IgnoresErrors: true}),
	}
}

// readWhileItIsSynced reads a value whose write waits for the disk.
func readWhileItIsSynced(t *testing.T, b bug) bool {
	p := newPowered(t, disk.Options{})
	n := startNode(t, p.dir, b)
	client := newClient(t)
	defer p.SlowSync(time.Hour, time.Hour, 1)()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _, _ = n.do(client, "PUT", "/kv/k", "v")
	}()
	for p.Stats().SlowSyncs == 0 {
		time.Sleep(time.Millisecond)
	}
	status, _, err := n.do(client, "GET", "/kv/k", "")
	if err != nil {
		t.Error(err)
	}
	err = p.CutPower(func(dead func()) error {
		dead()
		n.end(os.Kill)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	<-written
	return status == http.StatusOK
}

func wrongAfterPowerLosses(t *testing.T, b bug) bool {
	wrong := losesPower(t, b, disk.Options{}, powerLosses)
	if wrong != "" {
		t.Logf("%q: %s", b, wrong)
	}
	return wrong != ""
}

// losesPower starts a node, writes, and takes its power while it is being written to, again and again. It returns what
// went wrong, "" for nothing.
func losesPower(t *testing.T, b bug, o disk.Options, losses int) string {
	t.Helper()
	p := newPowered(t, o)
	clients := newCounters(8)
	atRisk := 0
	for seed := range int64(losses + 1) {
		n, listens := tryNode(t, p.dir, b)
		if !listens {
			return fmt.Sprintf("it does not start: %q", n.log)
		}
		client := newClient(t)
		if wrong := clients.wrong(n, client); wrong != "" {
			n.end(os.Kill)
			return wrong
		}
		clients.count(n, client, 100, func() { n.end(os.Kill) })
		loss := p.losePower(t, seed)
		t.Logf("%v: %+v", loss, loss.Files)
		if loss.Writes > 0 {
			atRisk++
		}
	}
	if b == noBug && atRisk == 0 {
		t.Error("no loss of power met anything that was not durable")
	}
	return ""
}

// Bugs that a killed process shows are shown by a loss of power too.
func TestTornRecordsOfLossesOfPowerAreMisread(t *testing.T) {
	t.Parallel()
	for _, b := range []bug{tornTailFatal, tornTailKept, halfValue, noChecksum} {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			if !rounds(3, wrongAfterPowerLosses)(t, b) {
				t.Error("it is not misread")
			}
		})
	}
}

// The correct twin of the bugs stands losses of power on a disk as ext4 is one; here only the sync of a folder makes names
// durable.
func TestANodeAloneStandsLossesOfPowerOfAStrictDisk(t *testing.T) {
	t.Parallel()
	if wrong := losesPower(t, noBug, disk.Options{Strict: true}, powerLosses); wrong != "" {
		t.Error(wrong)
	}
}

// A disk that is full for a while, or whose sync fails, or is slow; and then the power goes.
func TestANodeAloneStandsABadDisk(t *testing.T) {
	t.Parallel()
	p := newPowered(t, disk.Options{})
	clients := newCounters(8)
	full, failed := false, false
	for seed := range int64(12) {
		n := startNode(t, p.dir, noBug)
		client := newClient(t)
		if wrong := clients.wrong(n, client); wrong != "" {
			t.Fatalf("round %d: %s", seed, wrong)
		}
		switch seed % 4 {
		case 0: // It refuses, and takes writes again when there is space.
			before := p.Stats().NoSpace
			heal := p.LimitSpace(200_000 + seed)
			clients.count(n, client, 1_000_000, heal)
			full = full || p.Stats().NoSpace > before
			clients.count(n, client, 20, func() {})
			if status, answer, err := n.do(client, "PUT", "/kv/after", "v"); status != http.StatusOK {
				t.Errorf("a write when there is space again: %d %q, %v", status, answer, err)
			}
		case 1: // It refuses until a restart.
			before := p.Stats().FailedSyncs
			heal := p.FailSync()
			clients.count(n, client, 1_000_000, heal)
			failed = failed || p.Stats().FailedSyncs > before
			if status, _, err := n.do(client, "PUT", "/kv/after", "v"); err != nil || status != http.StatusInternalServerError {
				t.Errorf("a write after a failed sync: %d, %v", status, err)
			}
		case 2: // It is restarted with the same content in doubt.
			heal := p.FailSync()
			clients.count(n, client, 1_000_000, heal)
			n.end(os.Kill)
			n = startNode(t, p.dir, noBug)
			if wrong := clients.wrong(n, client); wrong != "" {
				t.Fatalf("after a failed sync and a restart: %s", wrong)
			}
			clients.count(n, client, 50, func() {})
		case 3:
			heal := p.SlowSync(time.Millisecond, 10*time.Millisecond, seed)
			clients.count(n, client, 40, heal)
		}
		clients.count(n, client, 50, func() { n.end(os.Kill) })
		p.losePower(t, seed)
	}
	if !full || !failed {
		t.Errorf("the disk was full: %t, its sync has failed: %t", full, failed)
	}
}

func TestANodeAloneStartsOnAFullDisk(t *testing.T) {
	t.Parallel()
	p := newPowered(t, disk.Options{})
	clients := newCounters(8)
	client := newClient(t)
	for seed := range int64(4) {
		n := startNode(t, p.dir, noBug)
		heal := p.LimitSpace(100_000 * (seed + 1))
		clients.count(n, client, 1_000_000, func() { n.end(os.Kill) })
		if seed%2 == 0 {
			p.losePower(t, seed)
		}
		n, listens := tryNode(t, p.dir, noBug)
		if !listens {
			t.Fatalf("it does not start: %q", n.log)
		}
		if wrong := clients.wrong(n, client); wrong != "" {
			t.Error(wrong)
		}
		heal()
		clients.count(n, client, 20, func() { n.end(os.Kill) })
	}
}

// durably copies what a loss of power would leave at this moment, at least.
func (p powered) durably(t *testing.T) string {
	t.Helper()
	copied := t.TempDir()
	var err error
	p.BetweenSyncs(func() { err = os.CopyFS(copied, os.DirFS(p.durable)) })
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// What is durable changes with each sync only. So looking in between is looking at every moment, of checkpoints too.
func TestALossOfPowerAtAnyMomentLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	p := newPowered(t, disk.Options{Strict: true})
	n := startNode(t, p.dir, noBug)
	defer n.end(os.Kill)
	clients := newCounters(8)
	looked := 0
	clients.count(n, newClient(t), 400, func() {}, func() {
		acknowledged := clients.now()
		st := mustOpen(t, p.durably(t), noBug)
		defer mustClose(t, st)
		if wrong := acknowledged.missing(st.get); wrong != "" {
			t.Errorf("look %d: %s", looked, wrong)
		}
		looked++
	})
	t.Logf("looked at %d moments", looked)
}
