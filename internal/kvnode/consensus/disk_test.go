package consensus

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// A node whose log cannot be written ends, and says nothing to those who wait. One with the fault goes on without.
func TestANodeEndsWhenItsLogCannotBeWritten(t *testing.T) {
	for _, ignores := range []bool{false, true} {
		ended := make(chan error, 1)
		c := newCluster(t, 1, func(c *cluster) {
			c.faults.IgnoresErrors = ignores
			c.fatal = func(err error) { ended <- err }
		})
		c.put("a", "1", "n1")
		if err := c.node("n1").bolt.Close(); err != nil { // No write succeeds from now on.
			t.Fatal(err)
		}
		proposed := make(chan error, 1)
		go func() { proposed <- c.node("n1").Propose(soon(t), command("a", "2")) }()
		select {
		case err := <-proposed:
			if !ignores || err != nil {
				t.Errorf("with IgnoresErrors %t a proposal is answered: %v", ignores, err)
			}
		case err := <-ended:
			if ignores || !strings.Contains(err.Error(), "log.db cannot be written") {
				t.Errorf("with IgnoresErrors %t the node ends: %v", ignores, err)
			}
		}
		c.crash("n1")
	}
}

func TestAFolderThatIsHalfMadeIsMadeAnew(t *testing.T) {
	c := newCluster(t, 1)
	c.put("a", "1", "n1")
	c.crash("n1")
	half := filepath.Join(t.TempDir(), "half")
	for _, dir := range []string{half, filepath.Join(half, snapshotsName)} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(half, "log.db.tmp"), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := c.members["n1"].dir
	for _, dir := range []string{half, whole} {
		c.members["n1"].dir = dir
		c.start("n1")
		c.put("b", "1", "n1")
		if kept := c.members["n1"].machine.get("a") == "1"; kept != (dir == whole) {
			t.Errorf("in %s what was written before is there: %t", dir, kept)
		}
		c.crash("n1")
	}
}

func newSnapshots(t *testing.T) *snapshotStore {
	return &snapshotStore{dir: t.TempDir(), synced: true, failed: func(err error) { t.Error(err) }}
}

func (s *snapshotStore) begin(t *testing.T, term, index uint64, state string) raft.SnapshotSink {
	t.Helper()
	cfg := Config{Members: []string{"n1", "n2"}}.configuration()
	sink, err := s.Create(1, index, term, cfg, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, state); err != nil {
		t.Fatal(err)
	}
	return sink
}

func (s *snapshotStore) add(t *testing.T, term, index uint64, state string) string {
	t.Helper()
	sink := s.begin(t, term, index, state)
	if err := errors.Join(sink.Close(), sink.Close(), sink.Cancel()); err != nil {
		t.Fatal(err)
	}
	return sink.ID()
}

func (s *snapshotStore) read(t *testing.T, id string) (*raft.SnapshotMeta, string) {
	t.Helper()
	meta, state, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	text, err := io.ReadAll(state)
	if err != nil {
		t.Fatal(err)
	}
	return meta, string(text)
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	s := newSnapshots(t)
	for index, state := range []string{"", "state", strings.Repeat("large ", snapshotBuffer)} {
		id := s.add(t, 3, uint64(index), state)
		for range 2 {
			meta, got := s.read(t, id)
			if got != state || meta.Size != int64(len(state)) || meta.Term != 3 || meta.Index != uint64(index) || meta.ID != id ||
				meta.Version != 1 || len(meta.Configuration.Servers) != 2 || meta.ConfigurationIndex != 1 {
				t.Errorf("%d: %d bytes, %+v", index, len(got), meta)
			}
			if err := s.renew(id); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTheNewestSnapshotsAreKept(t *testing.T) {
	s := newSnapshots(t)
	for _, at := range [][2]uint64{{1, 9}, {2, 5}, {2, 10}, {2, 8}, {2, 10}} {
		s.add(t, at[0], at[1], "state")
	}
	unfinished := s.begin(t, 9, 9, "state")
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].Index != 10 || list[1].Index != 8 {
		t.Errorf("the snapshots are %+v, %v", list, err)
	}
	if err := unfinished.Cancel(); err != nil {
		t.Error(err)
	}
	if names := files(t, s.dir); len(names) != 2 {
		t.Errorf("the files are %q", names)
	}
	s.begin(t, 9, 9, "state") // A crash leaves it.
	if err := durable.RemoveTemps(s.dir); err != nil || len(files(t, s.dir)) != 2 {
		t.Errorf("the files are %q, %v", files(t, s.dir), err)
	}
}

func TestADamagedSnapshotIsAnErrorWithItsName(t *testing.T) {
	s := newSnapshots(t)
	id := s.add(t, 1, 1, strings.Repeat("state", 1000))
	path := filepath.Join(s.dir, id)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	hole := slices.Clone(whole)
	clear(hole[512:1024])
	for name, damaged := range map[string][]byte{
		"empty": nil, "cut short": whole[:len(whole)-1], "without its tail": whole[:1024], "zeros": make([]byte, len(whole)), "with a hole": hole,
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Open(id); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fullFile fails as a full disk does.
type fullFile struct{}

func (fullFile) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestASnapshotThatFindsNoSpaceLeavesNothing(t *testing.T) {
	s := newSnapshots(t)
	sink := s.begin(t, 1, 1, "state").(*snapshotSink)
	sink.buffer.Reset(fullFile{})
	if err := sink.Close(); !durable.IsFull(err) {
		t.Errorf("a full disk: %v", err)
	}
	if names := files(t, s.dir); len(names) > 0 {
		t.Errorf("it leaves %q", names)
	}
}
