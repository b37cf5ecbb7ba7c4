package kvnode

import (
	"slices"
	"time"
)

// Mistakes in the order of the commit's steps. With all of them a clean shutdown leaves a complete log or
// snapshot, so only a crash shows them.
const (
	ackBeforeLog bug = "ack-before-log"
	dirtyRead    bug = "dirty-read"
	logOrder     bug = "log-order"
)

const (
	// lateAppendDelay is how long ack-before-log leaves writes out of the log: long enough that every kill
	// under load loses some.
	lateAppendDelay = 25 * time.Millisecond
	// dirtyTime is much longer than an fsync, so that most kills come between the two.
	dirtyTime = 25 * time.Millisecond
	// gatherTime lets most batches have several writes of one key: one alone has no order to be wrong.
	gatherTime = 25 * time.Millisecond
)

func (b bug) breaksCommit() bool { return b == ackBeforeLog || b == dirtyRead || b == logOrder }

func (e *engine) commitWrongly(batch []*pendingWrite) {
	switch e.bug {
	case ackBeforeLog:
		e.apply(batch)
		acknowledge(batch, nil)
		for _, w := range batch {
			e.bugs.late = append(e.bugs.late, w.record)
		}
		if e.bugs.lateAppendDue == nil {
			e.bugs.lateAppendDue = time.After(lateAppendDelay)
		}
	case dirtyRead:
		e.apply(batch)
		time.Sleep(dirtyTime)
		acknowledge(batch, e.append(batch))
	case logOrder:
		time.Sleep(gatherTime)
		batch = e.gather(batch)
		newestFirst := slices.Clone(batch)
		slices.Reverse(newestFirst)
		err := e.append(newestFirst)
		if err == nil {
			e.apply(batch)
		}
		acknowledge(batch, err)
	}
}

// appendLate writes what ack-before-log has acknowledged to the log.
func (e *engine) appendLate() {
	late := e.bugs.late
	e.bugs.late, e.bugs.lateAppendDue = nil, nil
	_ = e.appendRecords(late) // It is logged, and there is nobody left to tell: they have their answer.
}
