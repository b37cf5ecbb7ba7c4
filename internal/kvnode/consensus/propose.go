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
	// ErrRefused says that the machine has refused the proposal, with the reason that it
	// gave. It has not happened and will not.
	ErrRefused = errors.New("it is refused")
)

// Propose appends an entry to the log, and returns nil when it is committed and
// applied here. The entry must not be changed any more. Errors are ErrNotLeader and
// ErrClosed for a proposal that was not made, ErrRefused together with the machine's
// reason, and ErrUnknown for all else, also when ctx ends.
func (n *Node) Propose(ctx context.Context, entry []byte) error {
	if _, leads := n.leads(); !leads {
		return ErrNotLeader
	}
	done := make(chan error, 1)
	apply := func() { done <- result(n.raft.Apply(entry, 0)) }
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

// result waits for a proposal's end.
func result(proposal raft.ApplyFuture) error {
	if err := proposal.Error(); err != nil {
		return err
	}
	if refused, ok := proposal.Response().(refusal); ok {
		return refused
	}
	return nil
}

// outcome tells what the end of a proposal means.
func outcome(err error) error {
	var refused refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", ErrRefused, refused.error)
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return ErrNotLeader // It was refused before it came into the log.
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}
