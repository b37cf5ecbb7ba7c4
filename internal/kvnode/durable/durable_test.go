package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type fakeFile struct{ err error }

func (f fakeFile) Sync() error { return f.err }

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return strings.Join(found, " ")
}

func TestAFailedSyncIsNoFullDisk(t *testing.T) {
	for _, c := range []struct {
		err           error
		inDoubt, full bool
	}{
		{Sync(fakeFile{}), false, false},
		{Sync(fakeFile{syscall.EIO}), true, false},
		{fmt.Errorf("append: %w", Sync(fakeFile{syscall.ENOSPC})), true, false},
		{fmt.Errorf("append: %w", &os.PathError{Op: "write", Err: syscall.ENOSPC}), false, true},
		{syscall.EDQUOT, false, true},
		{syscall.EIO, false, false},
		{nil, false, false},
	} {
		if InDoubt(c.err) != c.inDoubt || IsFull(c.err) != c.full {
			t.Errorf("%v: in doubt %t, full %t", c.err, InDoubt(c.err), IsFull(c.err))
		}
	}
	if err := Sync(fakeFile{syscall.EIO}); !errors.Is(err, syscall.EIO) || err.Error() != syscall.EIO.Error() {
		t.Errorf("the error of a sync is %v", err)
	}
}

func TestAFileIsReplacedWhollyOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	if err := Replace(dir, "file", text("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Replace(dir, "file", func(w io.Writer) error { return errors.Join(text("half")(w), broken) })
	if got := mustRead(t, filepath.Join(dir, "file")); !errors.Is(err, broken) || got != "old" || names(t, dir) != "file" {
		t.Errorf("after an error %v: %q among %s", err, got, names(t, dir))
	}
	if err := Replace(dir, "file", text("new")); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, filepath.Join(dir, "file")); got != "new" || names(t, dir) != "file" {
		t.Errorf("%q among %s", got, names(t, dir))
	}
}

func TestWhatIsBeingWrittenIsRemovedAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b.tmp", "tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveTemps(dir); err != nil || names(t, dir) != "a tmp" {
		t.Errorf("%s are left, %v", names(t, dir), err)
	}
}

func TestRewritingCutsOffWhatIsBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"whole", ""} {
		if err := os.WriteFile(path, []byte("whole and torn"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Rewrite(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, path); got != content {
			t.Errorf("%q is left, want %q", got, content)
		}
	}
	if err := Rewrite(filepath.Join(t.TempDir(), "missing"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
}

func TestAFolderMayBeThereAlready(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	for range 2 {
		if err := MakeFolder(dir); err != nil {
			t.Error(err)
		}
	}
	if err := MakeFolder(filepath.Join(dir, "missing", "folder")); err == nil {
		t.Error("a folder is made in one that is missing")
	}
}
