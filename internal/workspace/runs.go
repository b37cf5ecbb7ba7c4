package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	runsDir    = "runs"   // the run folders, below .lsfr
	latestLink = "latest" // points at the newest run folder, below .lsfr
	runTime    = "20060102-150405"
)

var (
	stageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	runName   = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[A-Za-z0-9][A-Za-z0-9_-]*$`)
)

// NewRun makes a new folder for one run of stage that starts at now, and lets
// .lsfr/latest point at it. The result is relative to the workspace, such as
// .lsfr/runs/20260102-150405-http-api, with -2, -3, … for further runs of the
// same stage in the same second.
func (w *Workspace) NewRun(stage string, now time.Time) (dir string, err error) {
	if !stageName.MatchString(stage) {
		return "", fmt.Errorf("new run folder: %q cannot be part of a folder's name", stage)
	}
	if err := w.makeStateDir(runsDir); err != nil {
		return "", err
	}
	base := now.Format(runTime) + "-" + stage
	name := base
	for n := 2; ; n++ {
		err := os.Mkdir(w.statePath(runsDir, name), 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", writeError(w.statePath(runsDir, name), err)
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	if err := w.pointLatest(name); err != nil {
		os.Remove(w.statePath(runsDir, name))
		return "", err
	}
	return filepath.Join(StateDir, runsDir, name), nil
}

// pointLatest replaces the link in one step, so that it always leads somewhere.
func (w *Workspace) pointLatest(name string) error {
	link, temp := w.statePath(latestLink), w.statePath(latestLink+"-"+name)
	os.Remove(temp) // left behind by a process that was killed
	if err := os.Symlink(filepath.Join(runsDir, name), temp); err != nil {
		return writeError(link, err)
	}
	if err := os.Rename(temp, link); err != nil {
		os.Remove(temp)
		return writeError(link, err)
	}
	return nil
}

// Prune removes the oldest run folders, so that keep of them remain; the newest
// one remains whatever keep is, and so do those that are spared, paths as NewRun
// returns them, which do not count. Other files and folders beside them are left
// alone. What cannot be removed is reported together at the end.
func (w *Workspace) Prune(keep int, spared ...string) error {
	names, err := w.Runs()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.Contains(spared, filepath.Join(StateDir, runsDir, name))
	})
	var failed []error
	for len(names) > max(keep, 1) {
		if err := os.RemoveAll(w.statePath(runsDir, names[0])); err != nil {
			failed = append(failed, fmt.Errorf("remove old run folder: %w", err))
		}
		names = names[1:]
	}
	return errors.Join(failed...)
}

// sortRuns puts the oldest first. Within a second the longer name is the later
// one (-10 comes after -2), and what .lsfr/latest points at is newest in any
// case, also when the clock went back.
func (w *Workspace) sortRuns(names []string) {
	target, _ := os.Readlink(w.statePath(latestLink))
	latest := filepath.Base(target)
	slices.SortFunc(names, func(a, b string) int {
		if (a == latest) != (b == latest) {
			if a == latest {
				return 1
			}
			return -1
		}
		return cmp.Or(
			cmp.Compare(a[:len(runTime)], b[:len(runTime)]),
			cmp.Compare(len(a), len(b)),
			cmp.Compare(a, b))
	})
}

// RunsDir is the folder of all run folders.
func (w *Workspace) RunsDir() string { return w.statePath(runsDir) }
