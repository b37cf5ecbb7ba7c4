package kvnode

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Mistakes in the checkpoint. All of them write a right snapshot at a clean shutdown, so only a crash
// shows them.
const (
	snapshotDropsConcurrent bug = "snapshot-drops-concurrent"
	truncateBeforeSnapshot  bug = "truncate-before-snapshot"
	snapshotInPlace         bug = "snapshot-in-place"
	snapshotKeepsDeleted    bug = "snapshot-keeps-deleted"
)

const (
	// eagerCheckpointBytes makes checkpoints so frequent that most kills come during one or soon after.
	eagerCheckpointBytes = 1 << 9
	// rareCheckpointBytes leaves the recovery to the log: a checkpoint repairs what a bad log would show.
	rareCheckpointBytes = 64 << 20

	droppingTime = 40 * time.Millisecond // a snapshot's time to write, in which writes go on, to be dropped
	droppedTime  = 60 * time.Millisecond // writes stand still, so that new ones do not hide the dropped ones
	emptyTime    = 60 * time.Millisecond // from the log's end to the snapshot
	inPlaceSteps = 10
	inPlacePause = 15 * time.Millisecond // before each step of writing the snapshot
	ghostTime    = 60 * time.Millisecond // writes stand still after the snapshot, so that the log does not repair it
)

func (b bug) breaksCheckpoint() bool {
	switch b {
	case snapshotDropsConcurrent, truncateBeforeSnapshot, snapshotInPlace, snapshotKeepsDeleted:
		return true
	}
	return false
}

// breaksLog says that the log is incomplete, not durable or badly read, which a snapshot of memory would repair.
func (b bug) breaksLog() bool {
	switch b {
	case deleteNotLogged, clearNotLogged, textLogBreaks, replayStopsAtDuplicate, tornTailKept, lineLimit64k,
		noFsync, fsyncWrongFile, fsyncErrorRetried, acksOnENOSPC, noChecksum:
		return true
	}
	return false
}

// checkpointBytes is the size of the log that makes a checkpoint due, if the bug needs one of its own.
func (b bug) checkpointBytes() (int64, bool) {
	switch {
	case b == snapshotDropsConcurrent:
		return 1, true // One after the other: what the next one does not cover is what a kill loses.
	case b.breaksCheckpoint():
		return eagerCheckpointBytes, true
	case b.breaksLog():
		return rareCheckpointBytes, true
	}
	return 0, false
}

// startWrongCheckpoint is startCheckpoint with the bug.
func (e *engine) startWrongCheckpoint() chan error {
	done := make(chan error, 1)
	switch e.bug {
	case snapshotDropsConcurrent:
		// The segment that is being written goes on being written, and yet the snapshot says that it covers it.
		s := snapshot{first: e.log.number + 1, values: maps.Clone(e.values)}
		go func() {
			time.Sleep(droppingTime)
			_, err := s.writeTemp(e.dir)
			done <- err // checkpointEnded does the rest
		}()
	case snapshotInPlace:
		if err := e.log.rotate(); err != nil {
			done <- err
			break
		}
		s := snapshot{first: e.log.number, values: maps.Clone(e.values)}
		go func() {
			err := s.saveInPlace(e.dir)
			if err == nil {
				err = dropBefore(e.dir, s.first)
			}
			done <- err
		}()
	case truncateBeforeSnapshot:
		done <- e.truncateThenSnapshot()
	case snapshotKeepsDeleted:
		done <- e.snapshotValues(e.bugs.ghosts)
		time.Sleep(ghostTime)
	}
	return done
}

// checkpointEnded does what a bug does at the end of a checkpoint that went well.
func (b *engineBugs) checkpointEnded() error {
	switch e := b.engine; e.bug {
	case snapshotDropsConcurrent:
		defer time.Sleep(droppedTime)
		if err := e.log.rotate(); err != nil {
			return err
		}
		if err := installSnapshot(e.dir); err != nil {
			return err
		}
		return dropBefore(e.dir, e.log.number)
	case bigValuesAsync:
		return dropSideFiles(e.dir, e.log.number)
	}
	return nil
}

func (e *engine) truncateThenSnapshot() error {
	if err := e.log.rotate(); err != nil {
		return err
	}
	if err := dropBefore(e.dir, e.log.number); err != nil {
		return err
	}
	time.Sleep(emptyTime)
	_, err := snapshot{first: e.log.number, values: e.values}.save(e.dir)
	return err
}

// snapshotValues replaces all of the log by a snapshot of the values.
func (e *engine) snapshotValues(values map[string]string) error {
	if err := e.log.rotate(); err != nil {
		return err
	}
	s := snapshot{first: e.log.number, position: e.position, epoch: e.epoch, values: values}
	if _, err := s.save(e.dir); err != nil {
		return err
	}
	return dropBefore(e.dir, e.log.number)
}

// saveInPlace overwrites the snapshot, a tenth at a time.
func (s snapshot) saveInPlace(dir string) error {
	file, err := os.Create(filepath.Join(dir, snapshotName))
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 256<<10)
	put := func(r record) { _, _ = w.Write(binaryFormat{}.encode(nil, r)) } // Flush has the error
	put(record{op: opSnapshot, value: strconv.Itoa(s.first)})
	step, written := len(s.values)/inPlaceSteps+1, 0
	for key, value := range s.values {
		if written%step == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
			time.Sleep(inPlacePause)
		}
		written++
		put(record{op: opPut, key: key, value: value})
	}
	put(record{op: opSnapshotEnd, value: strconv.Itoa(len(s.values))})
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Sync()
}
