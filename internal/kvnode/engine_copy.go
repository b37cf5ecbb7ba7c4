package kvnode

import (
	"errors"
	"fmt"
	"maps"
)

// What replication needs of the engine: the data at one position, and changing it as the leader did.

// An order is work for the committer, between two batches of writes.
type order struct {
	work func() error
	done chan error
}

// do has the committer carry out work, and returns its error.
func (e *engine) do(work func() error) error {
	o := order{work: work, done: make(chan error, 1)}
	select {
	case e.orders <- o:
		return <-o.done // what the committer has taken it also answers
	case <-e.closing:
		return errClosed
	}
}

// at returns the history that the data belongs to and how far it has come.
func (e *engine) at() (epoch string, position int64) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.epoch, e.position
}

// copyOut returns all values as they are at one position.
func (e *engine) copyOut() snapshot {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return snapshot{first: 1, position: e.position, epoch: e.epoch, values: maps.Clone(e.values)}
}

// keepTail has the records that are committed from now on kept in t.
func (e *engine) keepTail(t *tail) error {
	return e.do(func() error {
		e.tail = t
		t.begin(e.position)
		return nil
	})
}

// errGap is returned for records that do not begin where the data ends.
var errGap = errors.New("the records do not follow the data")

// replicate commits the records that follow a position of an epoch, all of them or, after an error, none
// that can be seen. Each record takes one position, as it did on the leader.
func (e *engine) replicate(epoch string, after int64, records []record) error {
	return e.do(func() error {
		if e.epoch != epoch || e.position != after {
			return errGap
		}
		batch := make([]*pendingWrite, len(records))
		for i, r := range records {
			batch[i] = &pendingWrite{record: r, done: make(chan error, 1)}
		}
		err := e.append(batch)
		if err == nil {
			e.apply(e.bugs.heldBack(batch))
		}
		return err
	})
}

// install replaces all data by a snapshot, which a crash leaves undone or done, never half done: the log goes
// on in a segment of its own, and whether the snapshot that covers all segments before it is in its place
// decides.
func (e *engine) install(s snapshot) error {
	return e.do(func() error {
		if e.failed != nil {
			return e.failed
		}
		if e.checkpointing != nil {
			e.checkpointEnded(<-e.checkpointing)
			e.checkpointing = nil
		}
		if err := e.log.rotate(); err != nil {
			return e.failIfInDoubt(err)
		}
		s.first = e.log.number
		size, err := s.writeTemp(e.dir)
		if err != nil {
			return e.failIfInDoubt(err)
		}
		if err := installSnapshot(e.dir); err != nil {
			// Nobody knows which of the two a restart would find, so nothing may follow either of them.
			return e.fail(fmt.Errorf("replace the data: %w", err))
		}
		e.mu.Lock()
		e.values, e.position, e.epoch = s.values, s.position, s.epoch
		e.mu.Unlock()
		e.snapshotBytes.Store(size)
		return dropBefore(e.dir, s.first)
	})
}

// beginEpoch gives the data's history a name.
func (e *engine) beginEpoch(epoch string) error {
	s := e.copyOut()
	s.epoch = epoch
	return e.install(s)
}
