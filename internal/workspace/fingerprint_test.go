package workspace

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// project makes the same small folder each time.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": "package main\n", "run.sh": "#!/bin/sh\n", "store/log.go": "package store\n", "store/a": "1", "b": "",
		ConfigFile: "stage: http-api\n",
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	if err := os.Symlink("main.go", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func fingerprintOf(t *testing.T, dir string) string {
	t.Helper()
	print, err := Fingerprint(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return print
}

func TestFingerprintChangesExactlyWithWhatTheLearnerChanges(t *testing.T) {
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		changes bool
		change  func(dir string)
	}{
		{"nothing", false, func(string) {}},
		{"content", true, func(dir string) { writeFile(t, filepath.Join(dir, "main.go"), "package mine\n") }},
		{"content, same size and time", true, func(dir string) {
			path := filepath.Join(dir, "main.go")
			info, err := os.Stat(path)
			must(err)
			writeFile(t, path, "package nain\n")
			must(os.Chtimes(path, info.ModTime(), info.ModTime()))
		}},
		{"only the time", false, func(dir string) {
			must(os.Chtimes(filepath.Join(dir, "main.go"), time.Unix(1, 0), time.Unix(1, 0)))
		}},
		{"new file", true, func(dir string) { writeFile(t, filepath.Join(dir, "store/new.go"), "") }},
		{"new empty folder", false, func(dir string) { must(os.Mkdir(filepath.Join(dir, "empty"), 0o755)) }},
		{"file removed", true, func(dir string) { must(os.Remove(filepath.Join(dir, "b"))) }},
		{"file renamed", true, func(dir string) { must(os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "c"))) }},
		{"content moved to another file", true, func(dir string) {
			writeFile(t, filepath.Join(dir, "store/a"), "")
			writeFile(t, filepath.Join(dir, "b"), "1")
		}},
		{"file moved to another folder", true, func(dir string) {
			must(os.Rename(filepath.Join(dir, "store/a"), filepath.Join(dir, "a")))
		}},
		{"made executable", true, func(dir string) { must(os.Chmod(filepath.Join(dir, "run.sh"), 0o755)) }},
		{"other mode bits", false, func(dir string) { must(os.Chmod(filepath.Join(dir, "run.sh"), 0o600)) }},
		{"link elsewhere", true, func(dir string) {
			must(os.Remove(filepath.Join(dir, "link")))
			must(os.Symlink("b", filepath.Join(dir, "link")))
		}},
		{"file in place of the link", true, func(dir string) {
			must(os.Remove(filepath.Join(dir, "link")))
			writeFile(t, filepath.Join(dir, "link"), "main.go")
		}},
		{"dangling link", true, func(dir string) { must(os.Symlink("nowhere", filepath.Join(dir, "dangling"))) }},
		{"lsfr.yaml", false, func(dir string) { writeFile(t, filepath.Join(dir, ConfigFile), "stage: x\n") }},
		{"lsfr.yaml further below", true, func(dir string) { writeFile(t, filepath.Join(dir, "store", ConfigFile), "") }},
		{"socket or pipe", false, func(dir string) { must(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644)) }},
		{"folder of a tool", false, func(dir string) {
			for _, name := range []string{".git", ".hg", ".lsfr", "node_modules", "target", "__pycache__", ".venv", "venv", ".idea", ".vscode"} {
				writeFile(t, filepath.Join(dir, name, "x"), "x")
				writeFile(t, filepath.Join(dir, "store", name, "x"), "x")
			}
		}},
		{"folder with nearly the name of a tool's", true, func(dir string) { writeFile(t, filepath.Join(dir, "targets", "x"), "x") }},
		{"file with the name of a tool's folder", true, func(dir string) { writeFile(t, filepath.Join(dir, "target"), "x") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := project(t)
			before := fingerprintOf(t, dir)
			test.change(dir)
			if after := fingerprintOf(t, dir); (after != before) != test.changes {
				t.Errorf("before %s, after %s, want a change: %v", before, after, test.changes)
			}
		})
	}
}

func TestFingerprintIsTheSameForTheSameFilesElsewhere(t *testing.T) {
	one, other := project(t), project(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if a, b := fingerprintOf(t, one), fingerprintOf(t, link); a != b {
		t.Errorf("%s and, through a link, %s", a, b)
	}
	t.Chdir(one)
	if a, b := fingerprintOf(t, "."), fingerprintOf(t, other); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

func TestFingerprintCountsUnreadableFilesByName(t *testing.T) {
	dir := project(t)
	refuse := func(bad string, err error) func(string) (io.ReadCloser, error) {
		return func(path string) (io.ReadCloser, error) {
			if filepath.Base(path) == bad {
				return nil, err
			}
			return os.Open(path)
		}
	}
	take := func(open func(string) (io.ReadCloser, error)) string {
		print, err := fingerprint(context.Background(), dir, open)
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	readable := fingerprintOf(t, dir)
	denied := take(refuse("log.go", fs.ErrPermission))
	broken := take(func(path string) (io.ReadCloser, error) {
		if filepath.Base(path) == "log.go" {
			return io.NopCloser(iotest.ErrReader(syscall.EIO)), nil
		}
		return os.Open(path)
	})
	vanished := take(refuse("log.go", fs.ErrNotExist))
	if denied == readable || denied != broken || denied == take(refuse("main.go", fs.ErrPermission)) {
		t.Error("an unreadable file does not count by its name")
	}
	if err := os.Remove(filepath.Join(dir, "store/log.go")); err != nil {
		t.Fatal(err)
	}
	if gone := fingerprintOf(t, dir); vanished != gone || denied == gone {
		t.Error("a file that vanishes meanwhile does not count as gone")
	}
}

func TestFingerprintStopsWithItsContext(t *testing.T) {
	dir := project(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fingerprint(ended, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := fingerprint(ctx, dir, func(path string) (io.ReadCloser, error) {
		cancel() // while a file is being read that never ends
		return io.NopCloser(endless{}), nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended within a file: got %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestFingerprintOfNoFolderIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	for _, dir := range []string{file, filepath.Join(t.TempDir(), "nowhere")} {
		if print, err := Fingerprint(context.Background(), dir); err == nil || print != "" || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %q, %v", dir, print, err)
		}
	}
}
