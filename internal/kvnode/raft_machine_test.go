package kvnode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

func newMachine(t *testing.T, b bug, records ...record) *machine {
	t.Helper()
	m := &machine{bug: b, logf: t.Logf, values: make(map[string]string)}
	m.Apply(uint64(len(records)), entries(records...))
	return m
}

func entries(records ...record) [][]byte {
	var encoded [][]byte
	for _, r := range records {
		encoded = append(encoded, binaryFormat{}.encode(nil, r))
	}
	return encoded
}

// snapshotOf is what a machine writes.
func snapshotOf(t *testing.T, m *machine) []byte {
	t.Helper()
	write, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return written(t, write)
}

func written(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAMachineAppliesEntriesInTheirOrder(t *testing.T) {
	m := newMachine(t, noBug, put("a", "1"), put("b", "1"), put("a", "2"), del("b"), del("never"), put("c", ""))
	if want := map[string]string{"a": "2", "c": ""}; !maps.Equal(m.values, want) {
		t.Errorf("values %q, want %q", m.values, want)
	}
}

func TestAMachineSaysThatItsLogIsDamaged(t *testing.T) {
	var log bytes.Buffer
	m := &machine{values: make(map[string]string), logf: func(format string, args ...any) { fmt.Fprintf(&log, format, args...) }}
	damaged := entries(put("a", "1"))
	damaged[0][len(damaged[0])-1] ^= 1
	m.Apply(7, damaged)
	if len(m.values) > 0 || !strings.Contains(log.String(), "damaged") {
		t.Errorf("values %q, log %q", m.values, log.String())
	}
}

func TestASnapshotIsOfTheMomentWhenItWasTaken(t *testing.T) {
	m := newMachine(t, noBug, put("a", "1"), put("b", "1"))
	write, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	m.Apply(5, entries(put("a", "2"), del("b"), put("c", "1")))
	restored := newMachine(t, noBug)
	if err := restored.Restore(bytes.NewReader(written(t, write))); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"a": "1", "b": "1"}; !maps.Equal(restored.values, want) {
		t.Errorf("restored %q, want %q", restored.values, want)
	}
}

func TestARestoreReplacesWhatWasThere(t *testing.T) {
	large := strings.Repeat("large 😀\n", maxValueBytes/11)
	for name, values := range map[string][]record{
		"nothing": nil,
		"some":    {put("a", "2"), put("", "no key"), put("empty", ""), put("quotes", "\"\n\x00")},
		"large":   {put("a", large), put("b", strings.Repeat("x", snapshotBuffer)), put("c", "small")},
	} {
		t.Run(name, func(t *testing.T) {
			source := newMachine(t, noBug, values...)
			m := newMachine(t, noBug, put("a", "1"), put("old", "1"))
			// A stream brings as much at once as it likes.
			if err := m.Restore(iotest.HalfReader(bytes.NewReader(snapshotOf(t, source)))); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(m.values, source.values) {
				t.Errorf("%d values restored, want %d", len(m.values), len(source.values))
			}
			m.Apply(9, entries(put("next", "1")))
			if m.values["next"] != "1" {
				t.Error("it cannot go on")
			}
		})
	}
}

func TestABrokenSnapshotIsRefusedAndChangesNothing(t *testing.T) {
	whole := snapshotOf(t, newMachine(t, noBug, put("a", "1"), put("b", "2")))
	broken := map[string][]byte{
		"with more behind its end": append(bytes.Clone(whole), 0),
		"twice":                    append(bytes.Clone(whole), whole...),
		"of another count":         bytes.Join(entries(put("a", "1"), record{op: opSnapshotEnd, value: "2"}), nil),
		"with a delete":            bytes.Join(entries(del("a"), record{op: opSnapshotEnd, value: "0"}), nil),
		"with an endless record":   bytes.Repeat([]byte{0xff}, 100),
		"of zeros":                 make([]byte, 100),
	}
	for i := range whole {
		broken[fmt.Sprint("cut at ", i)] = whole[:i]
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		broken[fmt.Sprint("damaged at ", i)] = damaged
	}
	for name, data := range broken {
		m := newMachine(t, noBug, put("old", "1"))
		if err := m.Restore(bytes.NewReader(data)); !errors.Is(err, errSnapshotTorn) {
			t.Errorf("a snapshot %s: %v", name, err)
		}
		if want := map[string]string{"old": "1"}; !maps.Equal(m.values, want) {
			t.Errorf("after a snapshot %s: %q", name, m.values)
		}
	}
	lost := errors.New("the disk is gone")
	if err := newMachine(t, noBug).Restore(io.MultiReader(bytes.NewReader(whole[:20]), iotest.ErrReader(lost))); !errors.Is(err, lost) {
		t.Errorf("a snapshot that cannot be read: %v", err)
	}
}

func TestASnapshotThatCannotBeWrittenIsAnError(t *testing.T) {
	m := newMachine(t, noBug, put("a", strings.Repeat("x", 2*snapshotBuffer)))
	write, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	reader, writer := io.Pipe()
	if err := reader.CloseWithError(full); err != nil {
		t.Fatal(err)
	}
	if err := write(writer); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// openAlone opens the store of a node that is a majority by itself, and waits until it leads.
func openAlone(t *testing.T, dir string, b bug) *raftStore {
	t.Helper()
	s, err := openRaftStore(t.Context(), dir, b, clusterConfig{id: "n1"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if !within(patience, func() bool { return s.confirm(t.Context()) == nil }) {
		t.Fatal("a node alone does not lead")
	}
	return s
}

// fill writes keys and values that are all different, and returns what the store should have.
func fill(t *testing.T, s *raftStore, writers, each int) map[string]string {
	t.Helper()
	want := make(map[string]string)
	for w := range writers {
		for i := range each {
			want[fmt.Sprintf("k%d.%d", w, i)] = fmt.Sprint(i)
		}
	}
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := range each {
				if err := s.write(put(fmt.Sprintf("k%d.%d", w, i), fmt.Sprint(i))); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	return want
}

// missesAfterASnapshot fills a store until there is a snapshot on the disk, restarts it, and tells whether something is
// missing.
func missesAfterASnapshot(t *testing.T, b bug) bool {
	dir := t.TempDir()
	s := openAlone(t, dir, b)
	want := fill(t, s, 100, 35)
	if !within(patience, func() bool {
		found, err := filepath.Glob(filepath.Join(dir, "consensus", "snapshots", "snapshot-*"))
		return err == nil && slices.ContainsFunc(found, func(path string) bool { return !strings.HasSuffix(path, durable.TempName("")) })
	}) {
		t.Fatal("no snapshot is taken")
	}
	mustClose(t, s)
	s = openAlone(t, dir, b)
	defer mustClose(t, s)
	return !has(s, want)
}

func TestAFolderThatCannotBeUsedIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "consensus"), []byte("no folder"))
	if _, err := openRaftStore(t.Context(), dir, noBug, clusterConfig{id: "n1"}, t.Logf); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v does not name the folder", err)
	}
	if err := os.Remove(filepath.Join(dir, "consensus")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, openAlone(t, dir, noBug)) // nothing is left locked
}
