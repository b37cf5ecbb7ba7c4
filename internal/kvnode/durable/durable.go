// Package durable changes files so that a loss of power, at any moment, leaves the old state or the new one.
//
// It relies on what POSIX promises and no more: fsync of a file makes its content durable, and fsync of a folder makes
// durable which names it has. That some file systems do more, such as syncing a file's name with its content, is not
// made use of.
package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A SyncError says that a file or folder could not be synced. What a loss of power leaves of it is in doubt from then on,
// and stays so: Linux reports an error of writing back once and drops what it could not write, so a second fsync that
// succeeds proves nothing (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
type SyncError struct{ Err error }

func (e *SyncError) Error() string { return e.Err.Error() }

// Unwrap returns what the sync has returned.
func (e *SyncError) Unwrap() error { return e.Err }

// InDoubt tells whether an error is, or comes from, a SyncError.
func InDoubt(err error) bool {
	var failed *SyncError
	return errors.As(err, &failed)
}

// IsFull tells whether an error says that there is no space for what was to be written. It is false for a sync that
// reports this: then nobody knows what was written.
func IsFull(err error) bool {
	return !InDoubt(err) && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT))
}

// A Syncer is a file as far as syncing it goes; *os.File is one.
type Syncer interface{ Sync() error }

// Sync makes a file's content durable. Its error is a SyncError.
func Sync(file Syncer) error {
	if err := file.Sync(); err != nil {
		return &SyncError{err}
	}
	return nil
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	err = Sync(folder)
	if closeErr := folder.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("sync the folder %s: %w", dir, err)
	}
	return nil
}

// MakeFolder creates a folder if it is missing, and makes its name durable. The one above it must be there.
func MakeFolder(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncFolder(filepath.Dir(dir))
}

// tempSuffix ends the names of files that are being written.
const tempSuffix = ".tmp"

// TempName is what a file is called while WriteTemp writes it.
func TempName(name string) string { return name + tempSuffix }

// Replace gives a file in dir new content, or creates it.
func Replace(dir, name string, write func(io.Writer) error) error {
	if err := WriteTemp(dir, name, write); err != nil {
		return err
	}
	return Install(dir, name)
}

// WriteTemp is the first half of Replace: it writes the content to a temporary file, durably. After an error there is no
// such file, so that it takes no space.
func WriteTemp(dir, name string, write func(io.Writer) error) error {
	path := filepath.Join(dir, TempName(name))
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = Write(file, write)
	if err == nil {
		err = Sync(file)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path) // The first error says more.
	}
	return err
}

// bufferBytes is the size of the writes that content is written with.
const bufferBytes = 256 << 10

// Write writes content to a file, in few pieces.
func Write(to io.Writer, write func(io.Writer) error) error {
	buffered := bufio.NewWriterSize(to, bufferBytes)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// Install is the second half of Replace: it puts what WriteTemp has written in its place. After a SyncError the new
// content is what is read, and nobody knows which one a loss of power leaves.
func Install(dir, name string) error {
	if err := os.Rename(filepath.Join(dir, TempName(name)), filepath.Join(dir, name)); err != nil {
		return err
	}
	return SyncFolder(dir)
}

// RemoveTemps removes what a crash has left of WriteTemp. It is for a folder in which nothing is being written.
func RemoveTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != tempSuffix {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Rewrite writes a file's first bytes over themselves, cuts off what is behind them, and makes that durable. It takes no
// space, and whoever is interrupted leaves them as they are. It is for content that was read but whose sync may have
// failed: only a page that is written again is synced again.
func Rewrite(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(content, 0)
	if err == nil {
		err = file.Truncate(int64(len(content)))
	}
	if err == nil {
		err = Sync(file)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
