package workspace

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// lockFile is held locked below .lsfr while lsfr works in the folder. Its
// content only informs; the lock itself ends with the process that holds it.
const lockFile = "lock"

// LockedError says that another lsfr works in the folder.
type LockedError struct {
	// Dir is the folder.
	Dir string
	// PID is the other one's process id; 0 if it is not known.
	PID int
	// Since is when the other one took the lock; zero if that is not known.
	Since time.Time
}

func (e *LockedError) Error() string {
	var who strings.Builder
	if e.PID != 0 {
		fmt.Fprintf(&who, " (process %d", e.PID)
		if !e.Since.IsZero() {
			fmt.Fprintf(&who, ", since %s", e.Since.Local().Format("15:04:05"))
		}
		who.WriteString(")")
	}
	return fmt.Sprintf("another lsfr%s is running in %s; wait until it is done, or stop it", who.String(), e.Dir)
}

// Lock keeps other lsfr processes out of the folder until release is called, or
// this process ends in whatever way. If one is in already, the error is a
// *LockedError; it does not wait. release may be called more than once.
func (w *Workspace) Lock() (release func(), err error) {
	if err := w.makeStateDir(); err != nil {
		return nil, err
	}
	path := w.statePath(lockFile)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
	held, err := lock.TryLock()
	if err != nil {
		return nil, writeError(path, err)
	}
	if !held {
		pid, since := lockHolder(path)
		return nil, &LockedError{Dir: w.Dir, PID: pid, Since: since}
	}
	holder := fmt.Sprintf("%d %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(path, []byte(holder), 0o644); err != nil {
		lock.Unlock()
		return nil, writeError(path, err)
	}
	return sync.OnceFunc(func() {
		// Emptied, not removed: a file that another process has just opened must
		// stay the one that everybody locks.
		os.Truncate(path, 0)
		lock.Unlock()
	}), nil
}

// lockHolder reads who holds the lock; zero values if the file does not say.
func lockHolder(path string) (pid int, since time.Time) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, time.Time{}
	}
	first, second, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	pid, err = strconv.Atoi(first)
	if err != nil || pid <= 0 {
		return 0, time.Time{}
	}
	since, err = time.Parse(time.RFC3339, second)
	if err != nil {
		return pid, time.Time{}
	}
	return pid, since
}
