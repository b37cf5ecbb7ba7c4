package kvnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

func put(key, value string) record { return record{op: opPut, key: key, value: value} }
func del(key string) record        { return record{op: opDelete, key: key} }

// mustOpen opens a store; the test closes it.
func mustOpen(t *testing.T, dir string, b bug) store {
	t.Helper()
	st, err := openStore(dir, b, t.Logf)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	return st
}

func mustClose(t *testing.T, st store) {
	t.Helper()
	if err := st.close(); err != nil {
		t.Errorf("close the store: %v", err)
	}
}

func mustWrite(t *testing.T, st store, records ...record) {
	t.Helper()
	for _, r := range records {
		if err := st.write(r); err != nil {
			t.Fatalf("write %.40q: %v", r.key, err)
		}
	}
}

// has tells whether a store holds exactly these values for these keys; "" stands for none.
func has(st store, want map[string]string) bool {
	for key, value := range want {
		if got, ok := st.get(key); got != value || ok != (value != "") {
			return false
		}
	}
	return true
}

// copyDir copies the files of a running store as a crash could leave them: segments before the snapshot,
// because a segment is dropped only when a snapshot that covers it is there.
func copyDir(t *testing.T, dir string) string {
	t.Helper()
	target := t.TempDir()
	entries, err := os.ReadDir(dir) // sorted: the segments, then the snapshot
	if err != nil {
		t.Fatal(err)
	}
	copied := func(name string) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(target, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, entry := range entries {
		if entry.Name() != snapshotName {
			copied(entry.Name())
		}
	}
	copied(snapshotName)
	return target
}

func TestEverythingIsThereAfterAReopen(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"a": "2", "b": "", "c": "", "d": "\"\n😀", ".": "dot", "..": "dots", "big": strings.Repeat("x", 100_000)}
	st := mustOpen(t, dir, noBug)
	mustWrite(t, st, put("c", "1"), record{op: opClear}, put("a", "1"), put("b", "1"), put("a", "2"), del("b"),
		put("d", want["d"]), put(".", "dot"), put("..", "dots"), put("big", want["big"]))
	for range 3 {
		if !has(st, want) {
			t.Fatal("not all values are there")
		}
		mustClose(t, st)
		st = mustOpen(t, dir, noBug)
	}
	mustClose(t, st)
}

func TestATornTailIsCutOffWhereverItEnds(t *testing.T) {
	whole := binaryFormat{}.encode(nil, put("a", "1"))
	whole = binaryFormat{}.encode(whole, put("b", "1"))
	tail := binaryFormat{}.encode(nil, put("a", "a new value"))
	for cut := range len(tail) + 1 {
		dir := t.TempDir()
		writeFile(t, segmentPath(dir, 1), append(whole[:len(whole):len(whole)], tail[:cut]...))
		want := map[string]string{"a": "1", "b": "1", "c": ""}
		if cut == len(tail) {
			want["a"] = "a new value"
		}
		st := mustOpen(t, dir, noBug)
		if !has(st, want) {
			t.Errorf("cut at byte %d: wrong values", cut)
		}
		mustWrite(t, st, put("c", "behind the tail"))
		mustClose(t, st)
		want["c"] = "behind the tail"
		st = mustOpen(t, dir, noBug)
		if !has(st, want) {
			t.Errorf("cut at byte %d: what was written behind the tail is not there", cut)
		}
		mustClose(t, st)
	}
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDamageThatNoCrashLeavesIsAnErrorWithTheFile(t *testing.T) {
	a, b := binaryFormat{}.encode(nil, put("a", "1")), binaryFormat{}.encode(nil, put("b", "1"))
	header := binaryFormat{}.encode(nil, record{op: opSnapshot, value: "2"})
	end := binaryFormat{}.encode(nil, record{op: opSnapshotEnd, value: "1"})
	type files map[string][]byte
	join := func(parts ...[]byte) []byte {
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name   string
		files  files
		blamed string // "" if it opens
	}{
		{"two whole segments", files{"log-000001": a, "log-000002": b}, ""},
		{"torn tail of the last segment", files{"log-000001": a, "log-000002": b[:5]}, ""},
		{"torn tail of another segment", files{"log-000001": a[:5], "log-000002": b}, "log-000001"},
		{"missing first segment", files{"log-000002": b}, "log-000001"},
		{"missing segment in between", files{"log-000001": a, "log-000003": b}, "log-000002"},
		{"file that is no segment", files{"log-000001": a, "log-old": b}, "log-old"},
		{"snapshot and the segment behind it", files{"snapshot": join(header, a, end), "log-000002": b}, ""},
		{"snapshot and segments it covers", files{"snapshot": join(header, a, end), "log-000001": b, "log-000002": b}, ""},
		{"snapshot without segments", files{"snapshot": join(header, a, end)}, ""},
		{"unfinished snapshot beside the log", files{"snapshot.tmp": header, "log-000001": a}, ""},
		{"snapshot without its end", files{"snapshot": join(header, a), "log-000002": b}, "snapshot"},
		{"torn snapshot", files{"snapshot": join(header, a, end)[:30], "log-000002": b}, "snapshot"},
		{"snapshot without its beginning", files{"snapshot": join(a, end), "log-000002": b}, "snapshot"},
		{"empty snapshot", files{"snapshot": {}, "log-000002": b}, "snapshot"},
		{"snapshot with too few keys", files{"snapshot": join(header, end), "log-000002": b}, "snapshot"},
		{"missing segment behind a snapshot", files{"snapshot": join(header, a, end), "log-000003": b}, "log-000002"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range c.files {
				writeFile(t, filepath.Join(dir, name), data)
			}
			st, err := openStore(dir, noBug, t.Logf)
			switch {
			case err == nil:
				mustClose(t, st)
				if c.blamed != "" {
					t.Fatalf("it opens; want an error that names %s", c.blamed)
				}
			case c.blamed == "" || !strings.Contains(err.Error(), filepath.Join(dir, c.blamed)):
				t.Fatalf("error %q; want %q named", err, c.blamed)
			}
		})
	}
}

// gateFile is a log file whose Sync waits, and fails if it is told so.
type gateFile struct {
	logFile
	syncing chan struct{}
	result  chan error
}

func (f gateFile) Sync() error {
	f.syncing <- struct{}{}
	return <-f.result
}

func TestAWriteIsVisibleOnlyWhenItIsDurable(t *testing.T) {
	for _, failure := range []error{nil, errors.New("disk on fire")} {
		t.Run(fmt.Sprintf("fsync returns %v", failure), func(t *testing.T) {
			e, err := openEngine(t.TempDir(), noBug, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			gate := gateFile{logFile: e.log.file, syncing: make(chan struct{}), result: make(chan error)}
			e.log.file = gate // The committer reads it only after it has received a write.
			acknowledged := make(chan error, 1)
			go func() { acknowledged <- e.write(put("k", "v")) }()
			<-gate.syncing
			if _, ok := e.get("k"); ok {
				t.Error("the value is visible before the fsync has returned")
			}
			select {
			case <-acknowledged:
				t.Error("the write is acknowledged before the fsync has returned")
			default:
			}
			gate.result <- failure
			if err := <-acknowledged; !errors.Is(err, failure) {
				t.Errorf("the write returned %v, want %v", err, failure)
			}
			if _, ok := e.get("k"); ok != (failure == nil) {
				t.Errorf("the value is visible: %v", ok)
			}
			if failure != nil && !errors.Is(e.write(put("k", "w")), failure) {
				t.Error("after a failed fsync another write is accepted")
			}
		})
	}
}

func TestAWriteToAClosedEngineFails(t *testing.T) {
	st := mustOpen(t, t.TempDir(), noBug)
	mustClose(t, st)
	if err := st.write(put("k", "v")); !errors.Is(err, errClosed) {
		t.Errorf("write = %v, want %v", err, errClosed)
	}
}

// crashWhileWriting runs writers, each counting up in keys of its own, and meanwhile opens copies of the
// folder. It reports the first write that was acknowledged before the copy began and is not in it, or "".
func crashWhileWriting(t *testing.T, b bug, writers, writes int, value func(i int) string) string {
	t.Helper()
	dir := t.TempDir()
	st := mustOpen(t, dir, b)
	acknowledged := make([]atomic.Int64, writers)
	var running sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		running.Go(func() {
			for i := 1; i <= writes; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := st.write(put(fmt.Sprintf("w%d-%d", w, i%7), value(i))); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				acknowledged[w].Store(int64(i))
			}
		})
	}
	finished := make(chan struct{})
	go func() { running.Wait(); close(finished) }()

	lost := ""
	for last := false; !last && lost == ""; {
		select {
		case <-finished:
			last = true
		default:
		}
		before := make([]int64, writers)
		for w := range before {
			before[w] = acknowledged[w].Load()
		}
		lost = missing(t, copyDir(t, dir), b, before)
	}
	close(stop)
	<-finished
	mustClose(t, st)
	return lost
}

func missing(t *testing.T, dir string, b bug, acknowledged []int64) string {
	t.Helper()
	st, err := openStore(dir, b, func(string, ...any) {})
	if err != nil {
		return fmt.Sprintf("everything: %v", err)
	}
	defer mustClose(t, st)
	for w, last := range acknowledged {
		for i := max(1, last-6); i <= last; i++ {
			key := fmt.Sprintf("w%d-%d", w, i%7)
			value, _ := st.get(key)
			number, _, _ := strings.Cut(value, " ")
			if got, _ := strconv.ParseInt(number, 10, 64); got < i {
				return fmt.Sprintf("%s = %s, the copy has %.20q", key, strconv.FormatInt(i, 10), value)
			}
		}
	}
	return ""
}

// smallAndLarge are values of which some are large enough for several checkpoints in a short test.
func smallAndLarge(i int) string {
	if i%20 == 0 {
		return strconv.Itoa(i) + " " + strings.Repeat("x", 100_000)
	}
	return strconv.Itoa(i)
}

func TestACrashAtAnyMomentLosesNothingAcknowledged(t *testing.T) {
	if lost := crashWhileWriting(t, noBug, 8, 200, smallAndLarge); lost != "" {
		t.Errorf("lost: %s", lost)
	}
}

func TestACheckpointDropsTheLogThatItCovers(t *testing.T) {
	dir := t.TempDir()
	st := mustOpen(t, dir, noBug)
	var running sync.WaitGroup
	for w := range 4 {
		running.Go(func() {
			for i := range 400 {
				if err := st.write(put(fmt.Sprintf("w%d", w), smallAndLarge(i))); err != nil {
					t.Errorf("write: %v", err)
				}
			}
		})
	}
	running.Wait()
	mustClose(t, st)

	numbers, err := segmentNumbers(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := loadSnapshot(dir, false)
	if err != nil || len(numbers) == 0 || s.first < 3 || numbers[0] < s.first {
		t.Errorf("segments %v behind a snapshot of all before %d, error %v; want several checkpoints", numbers, s.first, err)
	}
	size := int64(0)
	for _, number := range numbers {
		info, err := os.Stat(segmentPath(dir, number))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if written := int64(4 * 400 / 20 * 100_000); size > written/2 {
		t.Errorf("the log is %d bytes long, of %d written", size, written)
	}
	st = mustOpen(t, dir, noBug)
	for w := range 4 {
		if value, _ := st.get(fmt.Sprintf("w%d", w)); value != "399" {
			t.Errorf("writer %d: last value %.20q, want 399", w, value)
		}
	}
	mustClose(t, st)
}

func TestACheckpointThatFailsLosesNothing(t *testing.T) {
	dir := t.TempDir()
	// A folder in the temporary file's place cannot be written to.
	st := mustOpen(t, dir, noBug)
	if err := os.MkdirAll(filepath.Join(dir, durable.TempName(snapshotName), "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		mustWrite(t, st, put(fmt.Sprintf("k%d", i), strings.Repeat("x", 100_000)))
	}
	mustClose(t, st)
	if err := os.RemoveAll(filepath.Join(dir, durable.TempName(snapshotName))); err != nil {
		t.Fatal(err)
	}
	st = mustOpen(t, dir, noBug)
	for i := range 40 {
		if value, _ := st.get(fmt.Sprintf("k%d", i)); len(value) != 100_000 {
			t.Errorf("k%d is lost", i)
		}
	}
	mustClose(t, st)
}
