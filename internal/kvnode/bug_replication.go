package kvnode

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Mistakes in the replication. Nobody sees them while the leader alone answers reads.
const (
	dropsReplicatedWrite bug = "drops-replicated-write"
	appliesOutOfOrder    bug = "applies-out-of-order"
	deletesNotReplicated bug = "deletes-not-replicated"
	catchUpSkips         bug = "catch-up-skips"
	snapshotMerges       bug = "snapshot-merges"
	positionForgotten    bug = "position-forgotten"
	positionBeforeData   bug = "position-before-data"
	neverReconnects      bug = "never-reconnects"
	oneQueueForAll       bug = "one-queue-for-all"
	shipsOneBehind       bug = "ships-one-behind"
)

const (
	dropsEvery = 100
	heldTime   = 200 * time.Millisecond // a slow worker is that much behind the other one, at least
	lagTime    = 30 * time.Millisecond  // local-reads: makes a copy's lag longer than a request takes
	// A short tail makes catching up by a snapshot as frequent as the mistakes in it need it.
	shortTail = 100
	// hangTime lets never-reconnects give up even a link that hangs for a second.
	hangTime     = 2 * pollTime
	snapshotTime = 150 * time.Millisecond // a large snapshot's time to write, in which writes go on
)

func (b bug) tailRecords() int {
	if b == catchUpSkips || b == snapshotMerges {
		return shortTail
	}
	return tailRecords
}

// isCopy says that the engine follows a leader.
func (e *engine) isCopy() bool { return e.tail == nil && e.epoch != "" }

// jump changes the position without the records.
func (e *engine) jump(position int64) error {
	return e.do(func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.position = position
		return nil
	})
}

// heldRecord is one that the slow worker of applies-out-of-order has not applied yet.
type heldRecord struct {
	record
	due time.Time
}

// heldBack takes every other record out of a batch, for the slow worker. Their positions stay: the log is right.
func (b *engineBugs) heldBack(batch []*pendingWrite) []*pendingWrite {
	if b.engine.bug != appliesOutOfOrder {
		return batch
	}
	for i, w := range batch {
		if (b.engine.position+int64(i))%2 == 0 {
			b.held = append(b.held, heldRecord{record: w.record, due: time.Now().Add(heldTime)})
			w.record = record{op: opSkipped}
		}
	}
	return batch
}

func (b *engineBugs) applyHeld() error {
	e := b.engine
	return e.do(func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		for len(b.held) > 0 && time.Now().After(b.held[0].due) {
			apply(e.values, b.held[0].record)
			b.held = b.held[1:]
		}
		return nil
	})
}

// afterHeader tells a follower where the records begin that it gets: not where its own end, with one-queue-for-all.
const afterHeader = "Kvnode-After"

// senderBugs is what the bugs of a leader remember.
type senderBugs struct {
	sender *logSender
	mu     sync.Mutex
	sent   int64 // one-queue-for-all: the position up to which somebody has got the records
}

// misdate changes the position that a snapshot is sent with: catch-up-skips reads it after it has read the values.
func (b *senderBugs) misdate(s snapshot) snapshot {
	if b.sender.engine.bug == catchUpSkips && len(s.values) > 0 { // of nothing it takes no time
		time.Sleep(snapshotTime)
		_, s.position = b.sender.engine.at()
	}
	return s
}

// after returns the records that follow a position.
func (b *senderBugs) after(w http.ResponseWriter, position int64) (records []record, changed <-chan struct{}, ok bool) {
	t := b.sender.tail
	switch b.sender.engine.bug {
	case oneQueueForAll:
		b.mu.Lock()
		defer b.mu.Unlock()
		position = max(position, b.sent)
		records, changed, ok = t.after(position, sendBytes)
		b.sent = position + int64(len(records))
		w.Header().Set(afterHeader, strconv.FormatInt(position, 10))
		return records, changed, ok
	case shipsOneBehind:
		records, changed, ok = t.after(position, sendBytes)
		if _, end := b.sender.engine.at(); len(records) > 0 && position+int64(len(records)) >= end {
			records = records[:len(records)-1]
		}
		return records, changed, ok
	}
	return t.after(position, sendBytes)
}

// receiverBugs is what the bugs of a follower remember.
type receiverBugs struct {
	receiver *logReceiver
	started  bool
	received int
}

func (b *receiverBugs) stallTime() time.Duration {
	if b.receiver.engine.bug == neverReconnects {
		return hangTime
	}
	return stallTime
}

// beforeFetch is told of each fetch.
func (b *receiverBugs) beforeFetch(ctx context.Context) error {
	e := b.receiver.engine
	switch epoch, _ := e.at(); {
	case e.bug == appliesOutOfOrder:
		return e.bugs.applyHeld()
	case e.bug == positionForgotten && epoch != "" && !b.started:
		s, _, err := b.receiver.snapshot(ctx)
		if err != nil {
			return err
		}
		b.started = true
		return e.jump(s.position)
	}
	b.started = true
	return nil
}

// misreceive changes what a follower has received.
func (b *receiverBugs) misreceive(header http.Header, after int64, records []record) (int64, []record, error) {
	e := b.receiver.engine
	for i := range records {
		b.received++
		if e.bug == dropsReplicatedWrite && b.received%dropsEvery == 0 ||
			e.bug == deletesNotReplicated && records[i].op == opDelete {
			records[i] = record{op: opSkipped}
		}
	}
	switch e.bug {
	case localReads:
		time.Sleep(lagTime)
	case oneQueueForAll:
		begins, err := strconv.ParseInt(header.Get(afterHeader), 10, 64)
		if err != nil {
			return 0, nil, err
		}
		return begins, records, e.jump(begins)
	}
	return after, records, nil
}

// merge adds the copy's own values to those of a snapshot that is to replace them: bug snapshot-merges.
func (b *receiverBugs) merge(s *snapshot) {
	if b.receiver.engine.bug != snapshotMerges {
		return
	}
	values := b.receiver.engine.copyOut().values
	maps.Copy(values, s.values)
	s.values = values
}
