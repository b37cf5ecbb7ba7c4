package kvnode

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// Mistakes in the checkpoint that only a loss of power shows: at every moment a killed process leaves a whole snapshot and
// the log behind it.
const (
	renameNotSynced      bug = "rename-not-synced"
	snapshotRenamedEarly bug = "snapshot-renamed-before-durable"
	logTruncatedEarly    bug = "log-truncated-before-snapshot-durable"
)

const (
	// So much log, or that share of a larger snapshot, makes a checkpoint due: they are frequent, but not all that is done.
	unsafeCheckpointBytes = 64 << 10
	unsafeCheckpointShare = 8
	// lateSnapshotTime makes it likely that a loss of power comes between the emptying of the log and the sync of the snapshot.
	lateSnapshotTime = 500 * time.Millisecond
)

// unsafeCheckpoint says that the bug is in the checkpoint.
func (b bug) unsafeCheckpoint() bool {
	return b == renameNotSynced || b == snapshotRenamedEarly || b == logTruncatedEarly
}

// unsafeCheckpointBytes is the size of the log that makes a checkpoint due, if the bug needs one of its own that depends on
// the data.
func (e *engine) unsafeCheckpointBytes() (int64, bool) {
	switch {
	case e.bug.unsafeCheckpoint():
		return max(unsafeCheckpointBytes, e.snapshotBytes.Load()/unsafeCheckpointShare), true
	case e.bug == fsyncWrongFile && e.log.bugs.began.Name() == segmentPath(e.dir, e.log.number):
		return eagerCheckpointBytes, true // The mistake begins with the next segment.
	}
	return 0, false
}

// startUnsafeCheckpoint is startCheckpoint with the bug.
func (e *engine) startUnsafeCheckpoint() chan error {
	done := make(chan error, 1)
	if e.bug == snapshotRenamedEarly {
		if err := e.log.rotate(); err != nil {
			done <- err
			return done
		}
		s := snapshot{first: e.log.number, values: maps.Clone(e.values)}
		go func() {
			size, err := s.writeUnsynced(e.dir, snapshotName)
			if err == nil {
				e.snapshotBytes.Store(size)
				err = installSnapshot(e.dir)
			}
			if err == nil {
				err = dropBefore(e.dir, s.first)
			}
			done <- err
		}()
		return done
	}
	done <- e.emptyLog()
	return done
}

// emptyLog takes a snapshot of everything and empties the log, which has one file only with these bugs. The snapshot does
// not say that it covers the log: replaying both has the same result.
func (e *engine) emptyLog() error {
	s := snapshot{first: e.log.number, values: e.values}
	// Each has a name of its own, because syncing a new file of the same name would make the last one's new name durable too.
	e.bugs.checkpoints++
	name := fmt.Sprintf("%s-%d", snapshotName, e.bugs.checkpoints)
	write := s.writeUnsynced
	if e.bug == renameNotSynced {
		write = s.writeSynced
	}
	size, err := write(e.dir, name)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(e.dir, durable.TempName(name)), filepath.Join(e.dir, snapshotName)); err != nil {
		return fmt.Errorf("install the snapshot: %w", err)
	}
	if err := e.log.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the log: %w", err)
	}
	e.log.size, e.log.bytes = 0, 0
	e.snapshotBytes.Store(size)
	if e.bug == logTruncatedEarly {
		if err := e.log.file.Sync(); err != nil {
			return fmt.Errorf("empty the log: %w", err)
		}
		e.bugs.side.pending.Go(e.syncSnapshotLate)
	}
	return nil
}

func (e *engine) syncSnapshotLate() {
	time.Sleep(lateSnapshotTime)
	file, err := os.Open(filepath.Join(e.dir, snapshotName))
	if err == nil {
		err = file.Sync()
		_ = file.Close() // It was only read.
	}
	if err == nil {
		err = durable.SyncFolder(e.dir)
	}
	if err != nil {
		e.logf("sync the snapshot: %v", err)
	}
}

// writeUnsynced writes the snapshot to the temporary file of a name, and leaves it to the kernel when it gets to the disk.
func (s snapshot) writeUnsynced(dir, name string) (size int64, err error) {
	file, err := os.Create(filepath.Join(dir, durable.TempName(name)))
	if err != nil {
		return 0, err
	}
	err = durable.Write(file, func(w io.Writer) error {
		size, err = s.writeTo(w)
		return err
	})
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return size, err
}
