package kvnode

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// engine is the durable store. One goroutine, the committer, takes the writes that wait, appends them
// to the log with one fsync, applies them to memory in the same order and then acknowledges them.
// So the order of the log is the order of memory, and nothing is seen before it is durable: a crash
// cannot take back what any client has seen. Reads are served from memory.
type engine struct {
	dir  string
	bug  bug
	logf logFunc

	writes  chan *pendingWrite
	orders  chan order
	closing chan struct{} // closed by close
	closed  chan struct{} // closed when the committer has ended

	// Guarded by mu, and changed by the committer only.
	mu       sync.RWMutex
	values   map[string]string
	position int64  // the number of records that made the values; it never goes back
	epoch    string // names the history that the positions belong to; "" before it has a name

	// What follows belongs to the committer.
	log             *segmentLog
	failed          error        // set once nobody knows any more what is durable; nothing is written from then on
	full            bool         // the last write has found no space
	checkpointing   chan error   // the running checkpoint's result; nil while there is none
	checkpointAfter time.Time    // none begins before
	snapshotBytes   atomic.Int64 // size of the last snapshot; set by a checkpoint too
	tail            *tail        // is told the records that are committed; nil where nobody asks for them
	closeErr        error        // for close, once closed is closed

	bugs engineBugs
}

// pendingWrite is a write that waits for its acknowledgement.
type pendingWrite struct {
	record
	done chan error
}

// maxBatchBytes bounds the memory of one append; writes beyond it wait for the next one.
const maxBatchBytes = 4 << 20

// openEngine recovers the data in dir and starts the committer.
func openEngine(dir string, b bug, logf logFunc) (*engine, error) {
	e := &engine{
		dir:     dir,
		bug:     b,
		logf:    logf,
		writes:  make(chan *pendingWrite),
		orders:  make(chan order),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
		values:  make(map[string]string),
	}
	e.bugs.open(e)
	if err := e.recover(); err != nil {
		return nil, err
	}
	go e.commitWrites()
	return e, nil
}

func (e *engine) get(key string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	value, ok := e.values[key]
	return value, ok
}

func (e *engine) write(r record) error {
	w := &pendingWrite{record: r, done: make(chan error, 1)}
	select {
	case e.writes <- w:
		return <-w.done // what the committer has taken it also answers
	case <-e.closing:
		return errClosed
	}
}

// close waits for the committer and a running checkpoint, and closes the log.
// It must be called once.
func (e *engine) close() error {
	close(e.closing)
	<-e.closed
	return e.closeErr
}

// commitWrites is the committer.
func (e *engine) commitWrites() {
	defer close(e.closed)
	for {
		select {
		case w := <-e.writes:
			e.commit(e.gather([]*pendingWrite{w}))
			e.checkpointIfDue()
		case o := <-e.orders:
			o.done <- o.work()
			e.checkpointIfDue()
		case err := <-e.checkpointing:
			e.checkpointing = nil
			e.checkpointEnded(err)
		case <-e.bugs.lateAppendDue:
			e.appendLate()
		case <-e.closing:
			e.closeErr = e.finish()
			return
		}
	}
}

// gather adds the writes that wait at this moment to the batch: they share its fsync.
func (e *engine) gather(batch []*pendingWrite) []*pendingWrite {
	size := 0
	for _, w := range batch {
		size += len(w.value)
	}
	for size < maxBatchBytes {
		select {
		case w := <-e.writes:
			batch = append(batch, w)
			size += len(w.value)
		default:
			return batch
		}
	}
	return batch
}

// commit makes a batch durable, then visible, then acknowledges it.
func (e *engine) commit(batch []*pendingWrite) {
	if e.bug.breaksCommit() {
		e.commitWrongly(batch)
		return
	}
	err := e.append(batch)
	if err == nil {
		e.apply(batch)
	}
	acknowledge(batch, err)
}

// append writes a batch to the log. On a full disk it is refused. After any other error nobody knows what the file
// holds, nor will a second fsync tell; so no more writes are accepted, and a restart finds out.
func (e *engine) append(batch []*pendingWrite) error {
	if e.failed != nil {
		return e.failed
	}
	records := make([]record, len(batch))
	for i, w := range batch {
		records[i] = w.record
	}
	err := e.log.append(e.bugs.logged(records))
	full := errors.Is(err, errDiskFull)
	switch {
	case full && !e.full:
		e.logf("writes are refused while there is no space: %v", err)
	case err == nil && e.full:
		e.logf("there is space again, writes are accepted")
	}
	e.full = full
	if err != nil && !full {
		return e.fail(err)
	}
	return err
}

// failIfInDoubt ends the writing if the error is one after which nobody knows what is durable. It returns the error.
func (e *engine) failIfInDoubt(err error) error {
	if durable.InDoubt(err) {
		return e.fail(err)
	}
	return err
}

// fail ends the writing.
func (e *engine) fail(err error) error {
	e.failed = fmt.Errorf("no more writes are accepted until a restart: %w", err)
	e.logf("%v", e.failed)
	return e.failed
}

func (e *engine) apply(batch []*pendingWrite) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range batch {
		apply(e.values, w.record)
		e.bugs.applied(w.record)
	}
	e.position += int64(len(batch))
	if e.tail != nil {
		e.tail.append(batch)
	}
}

func acknowledge(batch []*pendingWrite, err error) {
	for _, w := range batch {
		w.done <- err
	}
}

// finish ends the committer's work at shutdown. It takes no snapshot: the log has everything.
func (e *engine) finish() error {
	if e.checkpointing != nil {
		e.checkpointEnded(<-e.checkpointing)
		e.checkpointing = nil
	}
	if err := e.bugs.finish(); err != nil {
		return err
	}
	return e.log.close()
}

// since is for the log's lines.
func since(start time.Time) time.Duration { return time.Since(start).Round(time.Millisecond) }
