package kvnode

import (
	"slices"
	"time"
)

// Mistakes in the order of the commit's steps. With all of them a clean shutdown leaves a complete log or
// snapshot, so only a crash shows them, and visible-before-durable only a loss of power: the log has the write long before
// its fsync returns.
const (
	ackBeforeLog bug = "ack-before-log"
	dirtyRead    bug = "dirty-read"
	logOrder     bug = "log-order"

	visibleBeforeDurable bug = "visible-before-durable"
)

const (
	// How long memory is ahead of the log, at most: so much longer than an fsync that nearly every kill under load
	// comes in between. A dirty read takes longer to be likely: somebody has to have read what is lost.
	lateAppendDelay      = 25 * time.Millisecond
	lateAppendDelayDirty = 50 * time.Millisecond
	// gatherTime lets most batches have several writes of one key: one alone has no order to be wrong.
	gatherTime = 25 * time.Millisecond
)

func (b bug) breaksCommit() bool {
	return b == ackBeforeLog || b == dirtyRead || b == logOrder || b == visibleBeforeDurable
}

func (e *engine) commitWrongly(batch []*pendingWrite) {
	switch e.bug {
	case ackBeforeLog, dirtyRead:
		e.apply(batch)
		delay := lateAppendDelayDirty
		if e.bug == ackBeforeLog {
			acknowledge(batch, nil)
			delay = lateAppendDelay
		}
		e.bugs.late = append(e.bugs.late, batch...)
		if e.bugs.lateAppendDue == nil {
			e.bugs.lateAppendDue = time.After(delay)
		}
	case visibleBeforeDurable:
		e.apply(batch)
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

// appendLate writes what is visible already to the log. With ack-before-log an error has nobody left to be told
// to: they have their answer.
func (e *engine) appendLate() {
	late := e.bugs.late
	e.bugs.late, e.bugs.lateAppendDue = nil, nil
	err := e.append(late)
	if e.bug == dirtyRead {
		acknowledge(late, err)
	}
}
