package workspace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func newRun(t *testing.T, w *Workspace, stage string, now time.Time) string {
	t.Helper()
	dir, err := w.NewRun(stage, now)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(dir)
}

// runNames lists what is in the runs folder.
func runNames(t *testing.T, w *Workspace) []string {
	t.Helper()
	entries, err := os.ReadDir(w.statePath(runsDir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestNewRunMakesAFolderOfItsOwnAndPointsLatestAtIt(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	tests := []struct {
		stage string
		now   time.Time
		want  string
	}{
		{"http-api", noon, "20260102-150405-http-api"},
		{"http-api", noon, "20260102-150405-http-api-2"},
		{"http-api", noon.Add(time.Millisecond), "20260102-150405-http-api-3"},
		{"persistence", noon, "20260102-150405-persistence"},
		{"http-api", noon.Add(time.Second), "20260102-150406-http-api"},
	}
	for _, test := range tests {
		dir, err := w.NewRun(test.stage, test.now)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(".lsfr", "runs", test.want); dir != want {
			t.Errorf("got %s, want %s", dir, want)
		}
		// Through the link: what is written into the run is found at latest.
		writeFile(t, filepath.Join(w.Dir, dir, "history.json"), test.want)
		if got := readFile(t, w.statePath(latestLink, "history.json")); got != test.want {
			t.Errorf("latest leads to %s, want %s", got, test.want)
		}
	}
	if entries, _ := os.ReadDir(w.statePath()); len(entries) != 2 {
		t.Errorf("more than runs and latest: %v", entries)
	}
}

func TestNewRunLeavesNothingWhenItFails(t *testing.T) {
	t.Run("names that lead elsewhere", func(t *testing.T) {
		for _, stage := range []string{"", ".", "..", "../x", "a/b", "-x", "a b", "a\n"} {
			w := &Workspace{Dir: t.TempDir()}
			if dir, err := w.NewRun(stage, noon); err == nil {
				t.Errorf("%q: got %s", stage, dir)
			}
			if entries, _ := os.ReadDir(w.Dir); len(entries) != 0 {
				t.Errorf("%q: left %v", stage, entries)
			}
		}
	})
	t.Run("a folder in place of the link", func(t *testing.T) {
		w := &Workspace{Dir: t.TempDir()}
		writeFile(t, w.statePath(latestLink, "mine"), "mine")
		if _, err := w.NewRun("http-api", noon); err == nil || !strings.Contains(err.Error(), w.statePath(latestLink)) {
			t.Errorf("got %v, want the path that is in the way", err)
		}
		if names := runNames(t, w); len(names) != 0 {
			t.Errorf("left %v", names)
		}
		if entries, _ := os.ReadDir(w.statePath()); len(entries) != 2 {
			t.Errorf("left %v", entries)
		}
		if got := readFile(t, w.statePath(latestLink, "mine")); got != "mine" {
			t.Errorf("the file in it is now %q", got)
		}
	})
}

func TestPruneRemovesTheOldestRunsOnly(t *testing.T) {
	tests := []struct {
		name string
		make func(w *Workspace)
		keep int
		want []string
	}{
		{"more than keep", func(w *Workspace) {
			for i := range 4 {
				newRun(t, w, "http-api", noon.Add(time.Duration(i)*time.Second))
			}
		}, 2, []string{"20260102-150407-http-api", "20260102-150408-http-api"}},
		{"not more than keep", func(w *Workspace) {
			newRun(t, w, "http-api", noon)
			newRun(t, w, "http-api", noon)
		}, 2, []string{"20260102-150405-http-api", "20260102-150405-http-api-2"}},
		{"keep 0 still keeps the newest", func(w *Workspace) {
			newRun(t, w, "http-api", noon)
			newRun(t, w, "persistence", noon.Add(time.Second))
		}, 0, []string{"20260102-150406-persistence"}},
		{"keep below 0 still keeps the newest", func(w *Workspace) { newRun(t, w, "http-api", noon) },
			-1, []string{"20260102-150405-http-api"}},
		{"time counts before stage", func(w *Workspace) {
			newRun(t, w, "persistence", noon)
			newRun(t, w, "http-api", noon.AddDate(1, 0, 0))
		}, 1, []string{"20270102-150405-http-api"}},
		{"the tenth run in a second is later than the ninth", func(w *Workspace) {
			for range 11 {
				newRun(t, w, "http-api", noon)
			}
		}, 2, []string{"20260102-150405-http-api-10", "20260102-150405-http-api-11"}},
		{"the latest run, though the clock went back", func(w *Workspace) {
			newRun(t, w, "http-api", noon)
			newRun(t, w, "http-api", noon.Add(-time.Hour))
		}, 1, []string{"20260102-140405-http-api"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &Workspace{Dir: t.TempDir()}
			test.make(w)
			for _, name := range runNames(t, w) {
				writeFile(t, w.statePath(runsDir, name, "nodes", "n1.log"), "x")
			}
			if err := w.Prune(test.keep); err != nil {
				t.Fatal(err)
			}
			if got := runNames(t, w); !slices.Equal(got, test.want) {
				t.Errorf("kept %v, want %v", got, test.want)
			}
			if _, err := os.Stat(w.statePath(latestLink)); err != nil {
				t.Errorf("latest leads nowhere: %v", err)
			}
		})
	}
}

func TestPruneLeavesEverythingElseAlone(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	if err := w.Prune(1); err != nil {
		t.Errorf("without any run: %v", err)
	}
	newRun(t, w, "http-api", noon)
	newRun(t, w, "http-api", noon.Add(time.Second))
	outside := filepath.Join(w.Dir, "20250102-150405-outside")
	writeFile(t, filepath.Join(outside, "mine"), "mine")
	others := []string{"20250102-150405-file", "20250102-150405-link", "20250102-150405", "my-20250102-150405-x", "notes", "2025-01-02-x"}
	for _, name := range others {
		var err error
		switch path := w.statePath(runsDir, name); {
		case strings.HasSuffix(name, "-file"):
			writeFile(t, path, "mine")
		case strings.HasSuffix(name, "-link"):
			err = os.Symlink(outside, path)
		default:
			err = os.Mkdir(path, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Prune(1); err != nil {
		t.Fatal(err)
	}
	want := append(slices.Clone(others), "20260102-150406-http-api")
	slices.Sort(want)
	if got := runNames(t, w); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := readFile(t, filepath.Join(outside, "mine")); got != "mine" {
		t.Errorf("behind the link: %q", got)
	}
}
