package consensus

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// askTime is how soon a majority that has not answered is asked again.
const askTime = 50 * time.Millisecond

// reads is what a leader needs to know to serve reads.
type reads struct {
	wanted chan struct{} // has an item when a read waits for the word of the followers
	// begun is the term in which this node has committed an entry of its own, and so knows of all that were committed
	// before.
	begun atomic.Uint64
}

// ReadIndex returns nil when a read of the local machine is linearizable from now on:
// this node led at a moment after the call, as a majority has confirmed, and has
// applied everything that was committed by then (section 6.4 of the dissertation).
// Errors are ErrNotLeader, ErrClosed, and the cause of ctx's end.
func (n *Node) ReadIndex(ctx context.Context) error {
	if n.cfg.Faults.wrongReads() {
		return n.readIndexWrongly(ctx)
	}
	term, leads := n.leads()
	if !leads {
		return ErrNotLeader
	}
	if err := n.awaitBegin(ctx, term); err != nil {
		return err
	}
	moment := n.confirmations.ask()
	index := n.raft.CommitIndex()
	if err := n.confirm(ctx, term, moment); err != nil {
		return err
	}
	return n.awaitApplied(ctx, index)
}

// awaitBegin returns nil when this node knows what was committed before its term.
func (n *Node) awaitBegin(ctx context.Context, term uint64) error {
	return n.whileLeading(ctx, term, func() bool { return n.reads.begun.Load() == term })
}

// awaitApplied returns nil when the machine has got to the entry at the index, or a later one.
func (n *Node) awaitApplied(ctx context.Context, index uint64) error {
	return n.await(ctx, &n.applied.bell, func() (bool, error) { return n.applied.reached(index), nil })
}

// confirm returns nil when a majority has followed this node in the term later than at the moment.
func (n *Node) confirm(ctx context.Context, term, moment uint64) error {
	select {
	case n.reads.wanted <- struct{}{}:
	default: // The followers are about to be asked.
	}
	return n.whileLeading(ctx, term, func() bool { return n.confirmations.since(term, moment) })
}

// whileLeading waits until done says so.
func (n *Node) whileLeading(ctx context.Context, term uint64, done func() bool) error {
	return n.await(ctx, &n.confirmations.bell, func() (bool, error) {
		if done() {
			return true, nil
		}
		if now, leads := n.leads(); !leads || now != term {
			return false, ErrNotLeader
		}
		return false, nil
	})
}

// askFollowers lets the library send heartbeats at once while reads wait for the answers. All that came before a
// heartbeat was sent share it, and those that come later share the next.
func (n *Node) askFollowers() {
	for {
		select {
		case <-n.reads.wanted:
		case <-n.closing:
			return
		}
		for term, leads := n.leads(); leads && n.confirmations.awaited(term); term, leads = n.leads() {
			ringing := n.confirmations.bell.ringing()
			n.raft.VerifyLeader() // What it finds comes too early to count; see the package's comment.
			select {
			case <-ringing:
			case <-time.After(askTime):
			case <-n.closing:
				return
			}
		}
	}
}

// watchLeadership commits an entry at the beginning of each of this node's terms, and tells those who wait when a
// term ends.
func (n *Node) watchLeadership() {
	for {
		select {
		case leads := <-n.raft.LeaderCh():
			if leads {
				_ = n.ask(n.beginTerm) // A node that closes serves no reads.
			}
			n.confirmations.bell.ring()
		case <-n.closing:
			return
		}
	}
}

// beginTerm commits an entry. What the library has committed after it is all for the machine, so that the machine
// gets there.
func (n *Node) beginTerm() {
	term, _ := n.leads()
	barrier := n.raft.Barrier(0)
	if barrier.Error() != nil || n.raft.CurrentTerm() != term {
		return
	}
	if entry, ok := barrier.(raft.IndexFuture); ok {
		n.applied.advance(entry.Index())
		n.reads.begun.Store(term)
		n.confirmations.bell.ring()
	}
}
