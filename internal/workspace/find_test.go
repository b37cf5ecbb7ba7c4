package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFindRunFindsTheLatestAndTheNamed(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	var unknown *UnknownRunError
	if _, err := w.FindRun(""); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "no runs") {
		t.Errorf("without any: %v", err)
	}
	newRun(t, w, "http-api", noon)
	newRun(t, w, "http-api", noon)
	newRun(t, w, "persistence", noon.Add(time.Hour))
	latest := newRun(t, w, "http-api", noon.Add(-time.Hour)) // the clock went back
	for _, c := range []struct{ name, want, problem string }{
		{"", latest, ""},
		{"20260102-150405-http-api", "20260102-150405-http-api", ""}, // though another one begins so
		{"20260102-150405-http-api-2", "20260102-150405-http-api-2", ""},
		{"20260102-16", "20260102-160405-persistence", ""},
		{"20260102-1504", "", "may be any of 2 runs, such as 20260102-150405-http-api and 20260102-150405-http-api-2"},
		{"2027", "", `no run "2027"`},
		{"..", "", "no run"},
	} {
		got, err := w.FindRun(c.name)
		switch {
		case c.problem == "" && (err != nil || got != w.statePath(runsDir, c.want)):
			t.Errorf("%q: got %s, %v, want %s", c.name, got, err, c.want)
		case c.problem != "" && (!errors.As(err, &unknown) || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%q: got %s, %v, want %q", c.name, got, err, c.problem)
		}
	}
	if err := os.RemoveAll(w.statePath(runsDir, latest)); err != nil {
		t.Fatal(err)
	}
	if got, err := w.FindRun(""); err != nil || filepath.Base(got) != "20260102-160405-persistence" {
		t.Errorf("when the latest was removed: got %s, %v", got, err)
	}
}

func TestPruneSparesWhatItIsTold(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	first, err := w.NewRun("http-api", noon)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		newRun(t, w, "http-api", noon.Add(time.Duration(i+1)*time.Second))
	}
	if err := w.Prune(2, first); err != nil {
		t.Fatal(err)
	}
	want := []string{"20260102-150405-http-api", "20260102-150407-http-api", "20260102-150408-http-api"}
	if got := runNames(t, w); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}
