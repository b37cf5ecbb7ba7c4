package consensus

import (
	"context"
	"sync"
	"time"
)

// NoReadConfirm and LeaseReads count ticks, in which a process that is stopped does not get on.
const (
	tickTime    = 20 * time.Millisecond
	beliefTicks = 10  // NoReadConfirm: how often a node looks who leads
	leaseTicks  = 100 // LeaseReads: how long it believes what a majority has confirmed
)

// belief is what a node with one of these faults takes for its role, for a number of ticks.
type belief struct {
	node      *Node
	confirmed uint64 // LeaseReads: until when a majority is known to have followed

	mu     sync.Mutex
	ticks  int
	leader string
	term   uint64
	state  string
}

func (n *Node) newBelief() *belief {
	if !n.cfg.Faults.NoReadConfirm && !n.cfg.Faults.LeaseReads {
		return nil
	}
	return &belief{node: n, state: Follower}
}

// keepTicking looks at the truth when the time is up.
func (b *belief) keepTicking() {
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.tick()
		case <-b.node.closing:
			return
		}
	}
}

func (b *belief) tick() {
	if term, leads := b.node.leads(); leads && b.node.cfg.Faults.LeaseReads && b.confirmedAgain(term) {
		b.lease(term)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ticks--; b.ticks > 0 {
		return
	}
	leader, term := b.node.knownLeader()
	if b.node.cfg.Faults.NoReadConfirm {
		b.ticks = beliefTicks
		if b.state == Leader && leader == "" {
			return // It hears of no other, so it takes itself for the leader still.
		}
	}
	b.leader, b.term, b.state = leader, term, b.node.knownState()
}

// confirmedAgain tells whether a majority has followed this node in the term later than it was known to. Only the
// goroutine that ticks calls it.
func (b *belief) confirmedAgain(term uint64) bool {
	moment := b.node.confirmations.latestConfirmed(term)
	if moment <= b.confirmed {
		return false
	}
	b.confirmed = moment
	return true
}

// lease makes the node believe that it leads.
func (b *belief) lease(term uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leader, b.term, b.state, b.ticks = b.node.cfg.ID, term, Leader, leaseTicks
}

func (b *belief) get() (leader string, term uint64, state string, lasting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leader, b.term, b.state, b.ticks > 0
}

// wrongReads says that a fault concerns reads.
func (f Faults) wrongReads() bool { return f.NoReadConfirm || f.LeaseReads || f.NoBarrier }

// readIndexWrongly is ReadIndex with the mistake that is switched on.
func (n *Node) readIndexWrongly(ctx context.Context) error {
	term, leads := n.leads()
	if n.belief != nil {
		_, believed, state, lasting := n.belief.get()
		if lasting && state == Leader {
			return n.readConfirmed(ctx, believed)
		}
	}
	switch {
	case !leads:
		return ErrNotLeader
	case n.cfg.Faults.NoReadConfirm:
		return n.readConfirmed(ctx, term)
	}
	if err := n.confirm(ctx, term, n.confirmations.ask()); err != nil || n.cfg.Faults.NoBarrier {
		return err
	}
	return n.readConfirmed(ctx, term)
}

// readConfirmed does what is left to do for a read once it is sure that this node leads.
func (n *Node) readConfirmed(ctx context.Context, term uint64) error {
	if err := n.awaitBegin(ctx, term); err != nil {
		return err
	}
	return n.awaitApplied(ctx, n.raft.CommitIndex())
}
