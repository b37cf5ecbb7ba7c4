package kvnode

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// badFile is a log file on a disk with problems.
type badFile struct {
	logFile
	mu        sync.Mutex
	room      int // bytes that can still be written; -1 for all
	failSyncs int // so many syncs fail
	failCuts  bool
}

func (f *badFile) Write(data []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room < 0 || len(data) <= f.room {
		return f.logFile.Write(data)
	}
	n, err := f.logFile.Write(data[:f.room])
	f.room = 0
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC})
}

func (f *badFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failSyncs > 0 {
		f.failSyncs--
		return syscall.EIO
	}
	return f.logFile.Sync()
}

func (f *badFile) Truncate(size int64) error {
	if f.failCuts {
		return syscall.EIO
	}
	return f.logFile.Truncate(size)
}

func (f *badFile) set(room, failSyncs int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room, f.failSyncs = room, failSyncs
}

// onBadDisk opens an engine whose log is on a bad disk, below what the bug writes it through. The test closes it.
func onBadDisk(t *testing.T, dir string, b bug) (*engine, *badFile) {
	t.Helper()
	e, err := openEngine(dir, b, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	bad := &badFile{logFile: e.log.file, room: -1}
	switch file := e.log.file.(type) { // The committer reads it only after it has received a write.
	case retryingFile:
		bad.logFile = file.logFile
		e.log.file = retryingFile{bad}
	case carelessFile:
		bad.logFile = file.logFile
		e.log.file = carelessFile{bad}
	default:
		e.log.file = bad
	}
	return e, bad
}

func TestAFullDiskRefusesWritesUntilThereIsSpaceAgain(t *testing.T) {
	big := strings.Repeat("x", 5000)
	for _, room := range []int{0, 1, frameBytes, 100, 4096} {
		t.Run(fmt.Sprint(room, " bytes of room"), func(t *testing.T) {
			dir := t.TempDir()
			e, disk := onBadDisk(t, dir, noBug)
			mustWrite(t, e, put("before", "v"))
			disk.set(room, 0)
			for range 2 {
				if err := e.write(put("refused", big)); !errors.Is(err, errDiskFull) {
					t.Errorf("the write returned %v", err)
				}
			}
			if !has(e, map[string]string{"before": "v", "refused": ""}) {
				t.Error("on a full disk, what is there cannot be read, or what is not can")
			}
			disk.set(-1, 0)
			mustWrite(t, e, put("after", "v"))
			want := map[string]string{"before": "v", "refused": "", "after": "v"}
			recovered := mustOpen(t, copyDir(t, dir), noBug)
			if !has(recovered, want) {
				t.Error("a crash after that leaves other values")
			}
			mustClose(t, recovered)
			mustClose(t, e)
		})
	}
}

func TestAfterAnErrorThatLeavesDoubtNothingIsWritten(t *testing.T) {
	for name, test := range map[string]struct {
		room, failSyncs int
		failCuts        bool
	}{
		"the log's fsync fails":          {-1, 1, false},
		"the fsync of cutting off fails": {5, 1, false},
		"what is torn cannot be cut off": {5, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e, disk := onBadDisk(t, dir, noBug)
			mustWrite(t, e, put("before", "v"))
			disk.failCuts = test.failCuts
			disk.set(test.room, test.failSyncs)
			if err := e.write(put("doubtful", "v")); err == nil || errors.Is(err, errDiskFull) {
				t.Errorf("the write returned %v", err)
			}
			disk.set(-1, 0)
			if err := e.write(put("after", "v")); err == nil {
				t.Error("the next write is acknowledged")
			}
			if !has(e, map[string]string{"before": "v", "doubtful": "", "after": ""}) {
				t.Error("reads are wrong")
			}
			mustClose(t, e)
			st := mustOpen(t, dir, noBug)
			defer mustClose(t, st)
			mustWrite(t, st, put("restarted", "v"))
			if !has(st, map[string]string{"before": "v", "after": "", "restarted": "v"}) {
				t.Error("after a restart values are wrong")
			}
		})
	}
}

func TestAFailedSyncOfASnapshotEndsTheWritingAndAFullDiskDoesNot(t *testing.T) {
	dir := t.TempDir()
	e, err := openEngine(dir, noBug, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, e)
	ended := func(failure error) error {
		return e.do(func() error {
			e.checkpointEnded(failure)
			return e.failed
		})
	}
	if err := ended(fmt.Errorf("write the snapshot: %w", syscall.ENOSPC)); err != nil {
		t.Errorf("after a full disk: %v", err)
	}
	mustWrite(t, e, put("k", "v"))
	failed := fmt.Errorf("write the snapshot: %w", durable.Sync(&badFile{failSyncs: 1}))
	if err := ended(failed); !errors.Is(err, syscall.EIO) {
		t.Errorf("after a failed sync: %v", err)
	}
	if err := e.write(put("k", "w")); !errors.Is(err, syscall.EIO) {
		t.Errorf("the next write returned %v", err)
	}
}

func TestAFullDiskIsAnswered507AndAFailedOne500(t *testing.T) {
	e, disk := onBadDisk(t, t.TempDir(), noBug)
	defer mustClose(t, e)
	h := &handler{store: e}
	answer := func(method, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/kv/k", strings.NewReader(body)))
		return w.Code
	}
	for _, step := range []struct {
		room, failSyncs int
		method          string
		want            int
	}{
		{-1, 0, "PUT", http.StatusOK},
		{3, 0, "PUT", http.StatusInsufficientStorage},
		{3, 0, "DELETE", http.StatusInsufficientStorage},
		{3, 0, "GET", http.StatusOK},
		{-1, 0, "PUT", http.StatusOK},
		{-1, 1, "PUT", http.StatusInternalServerError},
		{-1, 0, "PUT", http.StatusInternalServerError},
		{-1, 0, "GET", http.StatusOK},
	} {
		disk.set(step.room, step.failSyncs)
		if got := answer(step.method, "value"); got != step.want {
			t.Errorf("%+v: answered %d", step, got)
		}
	}
}

// An interrupted checkpoint leaves segments that the snapshot covers. They stay until the next one is durable.
func TestSegmentsThatASnapshotCoversAreNotReplayed(t *testing.T) {
	dir := t.TempDir()
	if _, err := (snapshot{first: 3, values: map[string]string{"k": "new"}}).save(dir); err != nil {
		t.Fatal(err)
	}
	writeFile(t, segmentPath(dir, 2), binaryFormat{}.encode(nil, put("k", "old")))
	for range 2 {
		st := mustOpen(t, dir, noBug)
		if !has(st, map[string]string{"k": "new"}) {
			t.Error("a segment is replayed that the snapshot covers")
		}
		mustClose(t, st)
	}
	if _, err := os.Stat(segmentPath(dir, 2)); err != nil {
		t.Errorf("it is gone before another snapshot is durable: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "log-000003")); err != nil {
		t.Error(err)
	}
}

// Symptoms of bugs on bad disks.

// fsyncIsTrusted reports whether a write is acknowledged whose first fsync has failed.
func fsyncIsTrusted(t *testing.T, b bug) bool {
	e, disk := onBadDisk(t, t.TempDir(), b)
	defer mustClose(t, e)
	mustWrite(t, e, put("k", "v"))
	disk.set(-1, 1)
	return e.write(put("k", "w")) == nil
}

// lostOnAFullDisk reports whether a write is acknowledged that a crash takes back.
func lostOnAFullDisk(t *testing.T, b bug) bool {
	dir := t.TempDir()
	e, disk := onBadDisk(t, dir, b)
	defer mustClose(t, e)
	acknowledged := make(map[string]string)
	for i, room := range []int{-1, 10, 0, -1} {
		disk.set(room, 0)
		if key := fmt.Sprint("k", i); e.write(put(key, "some value")) == nil {
			acknowledged[key] = "some value"
		}
	}
	recovered := mustOpen(t, copyDir(t, dir), b)
	defer mustClose(t, recovered)
	return !has(recovered, acknowledged)
}

// holeIsRead reports whether a value is read in which a page is missing.
func holeIsRead(t *testing.T, b bug) bool {
	dir := t.TempDir()
	log := binaryFormat{}.encode(nil, put("whole", "v"))
	log = binaryFormat{}.encode(log, put("hole", strings.Repeat("x", 10_000)))
	clear(log[4096:8192])
	writeFile(t, segmentPath(dir, 1), log)
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	return !has(st, map[string]string{"whole": "v", "hole": ""})
}
