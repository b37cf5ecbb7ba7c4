package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writers are all that write into a workspace.
func writers(w *Workspace) map[string]func() error {
	return map[string]func() error{
		"Lock":       func() error { _, err := w.Lock(); return err },
		"NewRun":     func() error { _, err := w.NewRun("http-api", time.Unix(0, 0)); return err },
		"MarkPassed": func() error { return w.MarkPassed("http-api", "f") },
		"Create":     func() error { _, err := Create(filepath.Join(w.Dir, "new"), kvStore); return err },
	}
}

func wantNotWritable(t *testing.T, name, below string, err error) {
	t.Helper()
	denied, ok := errors.AsType[*NotWritableError](err)
	if !ok || !strings.HasPrefix(denied.Path, below) || !strings.Contains(err.Error(), "make it writable") {
		t.Errorf("%s: got %v, want a *NotWritableError below %s, with advice", name, err, below)
	}
}

func TestAFolderThatMayNotBeWrittenIsReportedAsSuch(t *testing.T) {
	t.Run("permission bits", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("permission bits do not bind root")
		}
		w := loaded(t, "challenge: kv-store\nstage: http-api\n")
		if err := os.Chmod(w.Dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(w.Dir, 0o755) })
		for name, write := range writers(w) {
			wantNotWritable(t, name, w.Dir, write())
		}
		wantNotWritable(t, "Advance", w.Dir, w.Advance("http-api", "persistence"))
	})
	t.Run("a file system that binds root too", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("needs Linux' /sys")
		}
		const dir = "/sys/kernel"
		if err := os.Mkdir(filepath.Join(dir, "lsfr-test"), 0o755); !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			t.Skipf("%s does not refuse a folder: %v", dir, err)
		}
		for name, write := range writers(&Workspace{Dir: dir}) {
			wantNotWritable(t, name, dir, write())
		}
	})
}

func TestWriteErrorTellsMissingRightsFromOtherCauses(t *testing.T) {
	tests := []struct {
		cause       error
		notWritable bool
	}{
		{syscall.EACCES, true},
		{syscall.EPERM, true},
		{syscall.EROFS, true},
		{syscall.ENOSPC, false},
		{syscall.EIO, false},
	}
	for _, test := range tests {
		err := writeError("x/y", &fs.PathError{Op: "open", Path: "x/y", Err: test.cause})
		_, notWritable := errors.AsType[*NotWritableError](err)
		if notWritable != test.notWritable || !errors.Is(err, test.cause) || strings.Count(err.Error(), "x/y") != 1 {
			t.Errorf("%v: got %v, a *NotWritableError: %v", test.cause, err, notWritable)
		}
	}
}

func TestAFileInPlaceOfTheStateFolderIsNamed(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	writeFile(t, w.statePath(), "mine")
	for name, write := range writers(w) {
		if name == "Create" {
			continue
		}
		if err := write(); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), "in the way") {
			t.Errorf("%s: got %v, want ENOTDIR with advice", name, err)
		}
	}
	if got := readFile(t, w.statePath()); got != "mine" {
		t.Errorf("the file is now %q", got)
	}
}
