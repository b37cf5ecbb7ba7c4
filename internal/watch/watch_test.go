package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience only ends a test that is broken.
const patience = time.Minute

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// both runs a test with the system's events, if it has any, and without.
func both(t *testing.T, test func(t *testing.T, poll bool)) {
	t.Run("with events", func(t *testing.T) {
		t.Parallel()
		test(t, false)
	})
	t.Run("by looking", func(t *testing.T) {
		t.Parallel()
		test(t, true)
	})
}

func watched(t *testing.T, dir string, poll bool) *Watcher {
	t.Helper()
	w, err := New(dir, poll)
	if err != nil {
		t.Fatal(err)
	}
	if poll != (w.Polling() != "") {
		t.Logf("poll %v, and it says %q", poll, w.Polling())
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// told waits until these files, and no others, have changed: what is done at once may be
// told in several pieces.
func told(t *testing.T, w *Watcher, want ...string) []Change {
	t.Helper()
	var all []Change
	limit := time.After(patience)
	for {
		var names []string
		for _, c := range all {
			names = append(names, c.Name)
		}
		if slices.Equal(names, want) {
			return all
		}
		for _, n := range names {
			if !slices.Contains(want, n) {
				t.Fatalf("told of %v, want %v", names, want)
			}
		}
		select {
		case changes := <-w.Changes():
			all = union(all, changes)
		case <-limit:
			t.Fatalf("told of %v, want %v", names, want)
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, poll bool) {
		dir := t.TempDir()
		put(t, dir, "main.go", "package main")
		put(t, dir, "old.go", "package main")
		put(t, dir, "run.sh", "#!/bin/sh")
		w := watched(t, dir, poll)

		put(t, dir, "main.go", "package main // 2")
		c := told(t, w, "main.go")
		if c[0].Binary || c[0].Modified.IsZero() {
			t.Errorf("got %+v, want text, and a time", c[0])
		}
		put(t, dir, "new.go", "package main")
		told(t, w, "new.go")
		if err := os.Remove(filepath.Join(dir, "old.go")); err != nil {
			t.Fatal(err)
		}
		if c := told(t, w, "old.go"); !c[0].Modified.IsZero() {
			t.Errorf("got %+v, want no time", c[0])
		}
		if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
			t.Fatal(err)
		}
		told(t, w, "run.sh")
		put(t, dir, "store", "\x7fELF\x00")
		if c := told(t, w, "store"); !c[0].Binary {
			t.Errorf("got %+v, want a binary file", c[0])
		}
		// As editors save: another file takes the name.
		put(t, dir, "main.go.new~", "package main // 3")
		if err := os.Rename(filepath.Join(dir, "main.go.new~"), filepath.Join(dir, "main.go")); err != nil {
			t.Fatal(err)
		}
		told(t, w, "main.go")
	})
}

func TestNewFoldersAreWatched(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, poll bool) {
		dir := t.TempDir()
		w := watched(t, dir, poll)
		put(t, dir, "a/b/c/one.go", "1")
		told(t, w, "a/b/c/one.go")
		put(t, dir, "a/b/c/two.go", "2")
		told(t, w, "a/b/c/two.go")
		// One that was removed, and came again.
		if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
		told(t, w, "a/b/c/one.go", "a/b/c/two.go")
		put(t, dir, "a/three.go", "3")
		told(t, w, "a/three.go")
		put(t, dir, "a/three.go", "4")
		told(t, w, "a/three.go")
	})
}

func TestWhatIsIgnoredIsNotTold(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, poll bool) {
		dir := t.TempDir()
		put(t, dir, ".gitignore", "/store\n*.log\nout/\n")
		put(t, dir, "sub/.gitignore", "!kept.log\n")
		put(t, dir, "same.go", "the same")
		w := watched(t, dir, poll)
		for _, name := range []string{
			"store", "x.log", "sub/x.log", "out/x", "a/out/b/x", ".git/HEAD", "sub/.git/HEAD", ".lsfr/runs/x/n1.log", "node_modules/x/y.js",
			".main.go.swp", "main.go~", ".#main.go",
		} {
			put(t, dir, name, "x")
		}
		put(t, dir, "same.go", "the same")
		put(t, dir, "sub/kept.log", "x")
		told(t, w, "sub/kept.log") // and nothing else
		put(t, dir, "sub/store", "x")
		told(t, w, "sub/store")
		// Other rules hold from now on.
		put(t, dir, ".gitignore", "*.go\n")
		told(t, w, ".gitignore", "a/out/b/x", "out/x", "same.go", "store", "sub/x.log", "x.log")
	})
}

func TestAFolderThatIsNotThereIsRefused(t *testing.T) {
	t.Parallel()
	if w, err := New(filepath.Join(t.TempDir(), "nope"), false); err == nil || !strings.Contains(err.Error(), "nope") {
		t.Errorf("got %v, %v", w, err)
	}
}

func TestTheLaterChangeOfAFileCounts(t *testing.T) {
	t.Parallel()
	a := []Change{{Name: "a", Binary: true}, {Name: "b"}}
	b := []Change{{Name: "a"}, {Name: "c"}}
	if got, want := union(a, b), []Change{{Name: "a"}, {Name: "b"}, {Name: "c"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
