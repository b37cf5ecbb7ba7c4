package kvnode

import (
	"maps"
	"time"
)

// minCheckpointBytes is the size of the log that makes a checkpoint due; a larger log is waited for when the
// data is larger than that, so that snapshots cost no more than the log does.
const minCheckpointBytes = 1 << 20

// checkpointAgain is how long nothing is tried after a checkpoint that failed, as on a full disk.
const checkpointAgain = time.Second

func (e *engine) checkpointIfDue() {
	if e.checkpointing != nil || e.failed != nil || e.log.bytes < e.checkpointBytes() || time.Now().Before(e.checkpointAfter) || !e.bugs.mayCheckpoint() {
		return
	}
	e.checkpointing = e.startCheckpoint()
}

func (e *engine) checkpointBytes() int64 {
	if size, ok := e.unsafeCheckpointBytes(); ok {
		return size
	}
	if size, ok := e.bug.checkpointBytes(); ok {
		return size
	}
	return max(minCheckpointBytes, e.snapshotBytes.Load())
}

// startCheckpoint begins a new segment and copies memory, which at this moment is what all segments before
// say. From then on writes go on, to the new segment, while the copy is written. The segments that it covers
// are dropped once it is durable; whenever a crash comes, a snapshot and all segments after it are there.
func (e *engine) startCheckpoint() chan error {
	if e.bug.breaksCheckpoint() {
		return e.startWrongCheckpoint()
	}
	if e.bug.unsafeCheckpoint() {
		return e.startUnsafeCheckpoint()
	}
	start := time.Now()
	done := make(chan error, 1)
	if err := e.log.rotate(); err != nil {
		done <- err
		return done
	}
	s := snapshot{first: e.log.number, position: e.position, epoch: e.epoch, values: maps.Clone(e.values)}
	go func() {
		size, err := s.save(e.dir)
		if err == nil {
			e.snapshotBytes.Store(size)
			err = dropBefore(e.dir, s.first)
		}
		if err == nil {
			e.logf("checkpoint: %d keys, %d bytes, in %v", len(s.values), size, since(start))
		}
		done <- err
	}()
	return done
}

// checkpointEnded reports a checkpoint that failed. Nothing is lost by it: the log is complete, only longer. But after a
// failed sync nobody knows which snapshot a loss of power leaves, or whether the segment that is being written has a name.
func (e *engine) checkpointEnded(err error) {
	if err == nil {
		err = e.bugs.checkpointEnded()
	}
	if err = e.failIfInDoubt(err); err != nil && e.failed == nil {
		e.logf("checkpoint failed, will try again: %v", err)
		e.checkpointAfter = time.Now().Add(checkpointAgain)
	}
}
