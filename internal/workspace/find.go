package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// UnknownRunError says that there is no such run, or that there are several.
type UnknownRunError struct {
	// Dir is the workspace, Name what was asked for; empty for the latest run.
	Dir, Name string
	// Matches are the names of the runs that Name may mean, the oldest first; none if
	// it means none.
	Matches []string
	// Newest is the name of the newest run, empty if there are none at all.
	Newest string
}

func (e *UnknownRunError) Error() string {
	switch {
	case e.Newest == "":
		return fmt.Sprintf("there are no runs in %s yet; lsfr test makes one", filepath.Join(e.Dir, StateDir, runsDir))
	case len(e.Matches) == 0:
		return fmt.Sprintf("there is no run %q in %s; the newest is %s", e.Name, filepath.Join(e.Dir, StateDir, runsDir), e.Newest)
	}
	return fmt.Sprintf("%q may be any of %d runs, such as %s and %s", e.Name, len(e.Matches), e.Matches[0], e.Matches[len(e.Matches)-1])
}

// FindRun returns the folder of a run: the latest if name is empty, else the one of
// that name, or whose name alone begins so. The result begins with the workspace's
// own path; the error is an *UnknownRunError if there is no such run.
func (w *Workspace) FindRun(name string) (dir string, err error) {
	names, err := w.Runs()
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", &UnknownRunError{Dir: w.Dir, Name: name}
	}
	newest := names[len(names)-1]
	if name == "" {
		return w.statePath(runsDir, newest), nil
	}
	if slices.Contains(names, name) {
		return w.statePath(runsDir, name), nil
	}
	matches := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, name) })
	if len(matches) == 1 {
		return w.statePath(runsDir, matches[0]), nil
	}
	return "", &UnknownRunError{Dir: w.Dir, Name: name, Matches: matches, Newest: newest}
}

// Runs lists the names of the run folders, the oldest first; none if there never was a run.
func (w *Workspace) Runs() ([]string, error) {
	runs := w.statePath(runsDir)
	entries, err := os.ReadDir(runs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list run folders %s: %w", runs, reason(err))
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && runName.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	w.sortRuns(names)
	return names, nil
}
