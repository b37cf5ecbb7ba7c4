package consensus

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

var (
	// ErrNotLeader says that this node does not lead: what it was asked has not
	// happened and will not.
	ErrNotLeader = errors.New("this node does not lead")
	// ErrUnknown says that a proposal may have happened, may still, or may never.
	ErrUnknown = errors.New("the proposal may have happened or not")
	// ErrClosed says that the node is closed. What it was asked has not happened.
	ErrClosed = errors.New("this node is closed")
)

// Propose appends an entry to the log, and returns nil when it is committed and
// applied here. The entry must not be changed any more. Errors are ErrNotLeader and
// ErrClosed for a proposal that was not made, and ErrUnknown for all else, also when
// ctx ends.
func (n *Node) Propose(ctx context.Context, entry []byte) error {
	if _, leads := n.leads(); !leads {
		return ErrNotLeader
	}
	done := make(chan error, 1)
	apply := func() { done <- n.raft.Apply(entry, 0).Error() }
	if n.early != nil {
		apply = func() { n.early.apply(n.raft, entry, done) }
	}
	if err := n.ask(apply); err != nil {
		return err
	}
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// outcome tells what the library's answer to a proposal means.
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return ErrNotLeader // It was refused before it came into the log.
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}
