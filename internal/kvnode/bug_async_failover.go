package kvnode

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// asyncFailover has copies that lag behind, as the stage read-replicas has them, and then elections on top: whoever leads
// applies and acknowledges a write at once, and ships it a moment later.
const asyncFailover bug = "async-failover"

// shipInterval is about how far the copies are behind.
const shipInterval = 50 * time.Millisecond

// aheadOfLog is what a leader has applied that is not in the log yet, and may never be.
type aheadOfLog struct {
	run     string // this process; what it ships begins with a record that says so
	own     bool   // what is being applied was shipped by this process, and is applied already
	pending []byte // guarded by the store's mu, as own is
	stop    context.CancelFunc
	running sync.WaitGroup
}

// has tells whether a record from the log has been applied already.
func (a *aheadOfLog) has(r record) bool {
	if r.op == opShipped {
		a.own = r.key == a.run
	}
	return a.own
}

// openAhead begins to ship.
func (s *raftStore) openAhead() {
	ctx, stop := context.WithCancel(context.Background())
	a := &s.bugs.ahead
	a.run, a.stop = rand.Text(), stop
	a.running.Go(func() {
		for ctx.Err() == nil {
			select {
			case <-time.After(shipInterval):
			case <-ctx.Done(): // What is left is shipped before a clean shutdown ends.
			}
			s.shipPending()
		}
	})
}

// writeAhead applies a write before anybody else knows of it.
func (s *raftStore) writeAhead(r record) error {
	if leader, _ := s.node.Leader(); leader != s.id {
		return consensus.ErrNotLeader
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	apply(s.values, r)
	s.bugs.ahead.pending = binaryFormat{}.encode(s.bugs.ahead.pending, r)
	return nil
}

// shipPending puts into the log what was written since it was called last. What a leader cannot ship any more is lost.
func (s *raftStore) shipPending() {
	s.mu.Lock()
	pending := s.bugs.ahead.pending
	s.bugs.ahead.pending = nil
	s.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	entry := binaryFormat{}.encode(nil, record{op: opShipped, key: s.bugs.ahead.run})
	ctx, cancel := context.WithTimeout(context.Background(), agreeTime)
	defer cancel()
	if err := s.node.Propose(ctx, append(entry, pending...)); err != nil {
		s.logf("what was written is not replicated: %v", err)
	}
}
