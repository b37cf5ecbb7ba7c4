package kvnode

import (
	"maps"
	"time"
)

// engineBugs is what the engine's bugs remember. Without a bug nothing in it is used.
type engineBugs struct {
	engine        *engine
	late          []*pendingWrite   // ack-before-log, dirty-read: in memory, not in the log yet
	lateAppendDue <-chan time.Time  // when they are to be written; nil if there are none
	ghosts        map[string]string // snapshot-keeps-deleted: every key put since the last clear
	side          sideFiles         // big-values-async
	replayed      chan struct{}     // serves-before-replay: closed when the replay is done
	held          []heldRecord      // applies-out-of-order
	checkpoints   int               // rename-not-synced, log-truncated-before-snapshot-durable: how many there were
}

func (b *engineBugs) open(e *engine) {
	b.engine = e
	if e.bug == snapshotKeepsDeleted {
		b.ghosts = make(map[string]string)
	}
}

// applied is told each change of memory.
func (b *engineBugs) applied(r record) {
	if b.ghosts != nil && r.op != opDelete {
		apply(b.ghosts, r)
	}
}

// mayCheckpoint keeps serves-before-replay from taking a snapshot of half of the data.
func (b *engineBugs) mayCheckpoint() bool {
	if b.replayed == nil {
		return true
	}
	select {
	case <-b.replayed:
		return true
	default:
		return false
	}
}

// finish makes good, at a clean shutdown, what only a crash is to show.
func (b *engineBugs) finish() error {
	e := b.engine
	switch e.bug {
	case ackBeforeLog, dirtyRead:
		e.appendLate()
		return e.failed
	case bigValuesAsync, logTruncatedEarly:
		b.side.pending.Wait()
	case servesBeforeReplay:
		<-b.replayed
		return e.snapshotValues(maps.Clone(e.values))
	case logOrder, lineLimit64k, snapshotDropsConcurrent, truncateBeforeSnapshot, snapshotKeepsDeleted:
		return e.snapshotValues(e.values)
	case positionBeforeData:
		if e.isCopy() {
			return e.snapshotValues(e.values)
		}
	}
	return nil
}
