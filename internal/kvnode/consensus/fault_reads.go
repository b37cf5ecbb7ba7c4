package consensus

import (
	"context"
	"sync/atomic"
	"time"
)

// LeaseReads counts its lease in ticks.
const (
	tickTime   = 100 * time.Millisecond
	leaseTicks = 20
)

// lease is how many ticks a leader still relies on what a majority has confirmed.
type lease struct{ ticks atomic.Int64 }

func (l *lease) keepTicking(closing <-chan struct{}) {
	ticker := time.NewTicker(tickTime)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.ticks.Add(-1)
		case <-closing:
			return
		}
	}
}

// readIndexWrongly is ReadIndex with the mistake that is switched on.
func (n *Node) readIndexWrongly(ctx context.Context, term uint64) error {
	if n.cfg.Faults.NoBarrier {
		return n.confirm(ctx, term, n.confirmations.ask())
	}
	if err := n.awaitBegin(ctx, term); err != nil {
		return err
	}
	index := n.raft.CommitIndex()
	if n.lease != nil && n.lease.ticks.Load() <= 0 {
		if err := n.confirm(ctx, term, n.confirmations.ask()); err != nil {
			return err
		}
		n.lease.ticks.Store(leaseTicks)
	}
	return n.awaitApplied(ctx, index)
}

// wrongReads says that a fault concerns reads.
func (f Faults) wrongReads() bool { return f.NoReadConfirm || f.LeaseReads || f.NoBarrier }
