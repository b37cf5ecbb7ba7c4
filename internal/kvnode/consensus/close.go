package consensus

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// settleTime bounds how long Close hands over the leadership and waits for proposals.
const settleTime = 2 * time.Second

// Close hands over the leadership if this node has it, finishes what was proposed,
// and returns when no goroutine is left: after 3 s at most, unless the disk or the
// machine hang. Further calls do nothing else.
func (n *Node) Close() error {
	n.closed.Do(func() {
		n.mu.Lock()
		n.refusing = true
		n.mu.Unlock()
		n.settle()
		n.err = n.end()
	})
	return n.err
}

// settle waits for proposals: the library forgets those who wait when it ends. They are committed, or told that this
// node leads no more, which happens at the latest when it has not heard from a majority for a while.
func (n *Node) settle() {
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		n.transferLeadership()
		n.asking.Wait()
	}()
	select {
	case <-settled:
	case <-time.After(settleTime):
	}
}

// transferLeadership lets another node lead at once, if there is one that answers: nobody has to notice first that
// this one is gone.
func (n *Node) transferLeadership() {
	term, leads := n.leads()
	if !leads {
		return
	}
	if to := n.confirmations.latest(term); to != "" {
		// It ends after the time of an election or two; an error means that the others will notice by themselves.
		_ = n.raft.LeadershipTransferToServer(to, raft.ServerAddress(to)).Error()
	}
}

// end stops everything that start has started, as far as that came.
func (n *Node) end() error {
	close(n.closing)
	n.confirmations.bell.ring()
	n.applied.bell.ring()
	var ended raft.Future
	if n.raft != nil {
		ended = n.raft.Shutdown()
	}
	if n.transport != nil {
		_ = n.transport.Close() // It cannot fail. It ends the streams, and with them what waits for peers.
	}
	if ended != nil {
		_ = ended.Error() // It only waits.
	}
	n.running.Wait()
	n.streams.serving.Wait()
	if n.bolt == nil {
		return nil
	}
	if n.unsynced != nil {
		if err := n.unsynced.flush(); err != nil {
			return fmt.Errorf("write the log: %w", err)
		}
	}
	if err := n.bolt.Close(); err != nil {
		return fmt.Errorf("close log.db: %w", err)
	}
	return nil
}

// ask runs a request to the library in a goroutine that Close waits for, unless the node closes.
func (n *Node) ask(request func()) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refusing {
		return ErrClosed
	}
	n.asking.Go(request)
	return nil
}
