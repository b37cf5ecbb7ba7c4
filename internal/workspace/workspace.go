// Package workspace is the learner's folder: its lsfr.yaml, the files that
// "lsfr new" puts there, and what lsfr keeps below .lsfr (lock, run folders,
// record of passed stages).
package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// ConfigFile is the name of the file that marks a folder as a workspace.
	ConfigFile = "lsfr.yaml"
	// StateDir is the folder below the workspace that belongs to lsfr alone.
	StateDir = ".lsfr"
)

// Workspace is a learner's folder whose lsfr.yaml was read. Load makes one.
// Its methods are meant for one goroutine; Lock keeps other lsfr processes out.
type Workspace struct {
	// Dir is the folder as it was given to Load.
	Dir string
	// Config is what lsfr.yaml says; Advance keeps it up to date.
	Config Config

	lines map[string]int
}

// NotWritableError says that lsfr may not write where it has to.
type NotWritableError struct {
	// Path is the file or folder that could not be written.
	Path string
	// Err is the operating system's reason.
	Err error
}

func (e *NotWritableError) Error() string {
	return fmt.Sprintf("cannot write to %s: %v; make it writable for your user, or work on a copy of the folder",
		e.Path, reason(e.Err))
}

// Unwrap returns the operating system's reason.
func (e *NotWritableError) Unwrap() error { return e.Err }

// writeError gives a failed write its context: missing rights have their own
// type, since the user can mend them.
func writeError(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return &NotWritableError{Path: path, Err: err}
	}
	return fmt.Errorf("write %s: %w", path, reason(err))
}

// reason strips the path off a file error whose message names the path already.
func reason(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return linkErr.Err
	}
	return err
}

// statePath is a path below .lsfr.
func (w *Workspace) statePath(elem ...string) string {
	return filepath.Join(append([]string{w.Dir, StateDir}, elem...)...)
}

// makeStateDir makes a folder below .lsfr, with its parents, if it is not there.
func (w *Workspace) makeStateDir(elem ...string) error {
	path := w.statePath(elem...)
	err := os.MkdirAll(path, 0o755)
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("create folder %s: a file is in the way; move it away: %w", path, reason(err))
	}
	if err != nil {
		return writeError(path, err)
	}
	return nil
}

// writeAtomic replaces a file: after a crash at any moment it holds the old
// content or the new one, wholly.
func writeAtomic(path string, data []byte, mode fs.FileMode) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".lsfr-*.tmp")
	if err != nil {
		return writeError(path, err)
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
			err = writeError(path, err)
		}
	}()
	if _, err := temp.Write(data); err != nil {
		return err
	}
	if err := temp.Chmod(mode); err != nil {
		return err
	}
	// Without it a power cut may leave the new name with no content behind it.
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
