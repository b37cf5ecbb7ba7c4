package cluster

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stop sends SIGTERM to every process of the node, having resumed a paused one,
// and returns when all are gone. Those still there after Config.StopGrace are
// killed, and named in a *NodeError of kind StopTimeout. If the node exited by
// itself before, that *NodeError is returned; if it is not running, nil.
func (n *Node) Stop(ctx context.Context) error {
	inc, err := n.beginEnd(ctx)
	if inc == nil {
		return err
	}
	grace := n.cluster.cfg.StopGrace
	deadline := time.Now().Add(grace)
	n.signal(inc, syscall.SIGTERM)
	if err := n.signalOthers(inc, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop node %s: %w", n.id, err)
	}
	if inc.isPaused() {
		// Now that SIGTERM is pending, it is the first thing they see.
		if err := n.resume(ctx, inc); err != nil {
			return fmt.Errorf("stop node %s: %w", n.id, err)
		}
	}
	for wait := 5 * time.Millisecond; time.Now().Before(deadline); wait = min(2*wait, 50*time.Millisecond) {
		timer := time.NewTimer(min(wait, time.Until(deadline)))
		select {
		case <-ctx.Done():
		case <-inc.gone:
		case <-timer.C:
			inc.wake()
		}
		timer.Stop()
		if inc.isGone() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	alive, err := n.family.scan()
	if err != nil {
		return fmt.Errorf("stop node %s: %w", n.id, err)
	}
	if len(alive) == 0 {
		return n.awaitGone(ctx, inc)
	}
	failure := &NodeError{
		Kind:      StopTimeout,
		Node:      n.id,
		ExitCode:  -1,
		Processes: describeAll(alive),
		RunByHand: n.runByHand(),
		LogPath:   n.logPath,
		Hint:      n.stopHint(inc, alive),
	}
	failure.Problem = fmt.Sprintf("node %s did not stop within %s after SIGTERM; still running: %s", n.id, seconds(grace), joinNames(failure.Processes))
	n.log.event("still running %s after SIGTERM: %s", seconds(grace), joinNames(failure.Processes))
	n.signal(inc, syscall.SIGKILL)
	err = n.finish(ctx, inc)
	failure.LogTail = n.log.tail(shownLines)
	if err != nil {
		return fmt.Errorf("stop node %s: %w", n.id, err)
	}
	return failure
}

// stopHint says why processes may have outlived SIGTERM.
func (n *Node) stopHint(inc *incarnation, alive []process) string {
	for _, p := range alive {
		if p.pid == inc.pid {
			return "on SIGTERM answer the requests at hand, close the idle connections that clients keep alive, and exit"
		}
	}
	return fmt.Sprintf("%s ended, but not what it started: use exec for the last command, or pass the signal on and wait for it", n.cluster.cfg.Command[0])
}

// Kill sends SIGKILL to every process of the node, its process group first, and
// returns when all are gone. If the node exited by itself before, that *NodeError
// is returned; if it is not running, nil.
func (n *Node) Kill(ctx context.Context) error { return n.kill(ctx, func() {}) }

// kill is Kill, and calls signalled when every process has its SIGKILL: from then on none
// does anything more, whatever the kernel still tells it.
func (n *Node) kill(ctx context.Context, signalled func()) error {
	inc, err := n.beginEnd(ctx)
	if inc == nil {
		return err
	}
	n.signal(inc, syscall.SIGKILL)
	if err := n.signalOthers(inc, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill node %s: %w", n.id, err)
	}
	signalled()
	if err := n.finish(ctx, inc); err != nil {
		return fmt.Errorf("kill node %s: %w", n.id, err)
	}
	return nil
}

// signal signals the node's own process group. The log says so before: what comes of it
// may be there at once.
func (n *Node) signal(inc *incarnation, sig syscall.Signal) {
	n.log.event("sent %s", unix.SignalName(sig))
	inc.signalGroup(sig)
}

// finish kills what is still there and waits until it is gone.
func (n *Node) finish(ctx context.Context, inc *incarnation) error {
	survivors, err := killAll(ctx, n.family)
	if err != nil {
		return err
	}
	if len(survivors) > 0 {
		return fmt.Errorf("these processes cannot be ended: %s", joinNames(describeAll(survivors)))
	}
	return n.awaitGone(ctx, inc)
}

// awaitGone waits for the watcher of a node whose processes are gone.
func (n *Node) awaitGone(ctx context.Context, inc *incarnation) error {
	inc.wake()
	select {
	case <-inc.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginEnd announces that lsfr is about to end the node. It returns no incarnation
// if there is none to end: with the failure of a node that exited by itself.
func (n *Node) beginEnd(ctx context.Context) (*incarnation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inc := n.current()
	if inc == nil {
		return nil, nil
	}
	// A node that is already dead is not ended by lsfr; what killed it must show.
	alive, err := n.lives(inc)
	if err != nil {
		return nil, fmt.Errorf("end node %s: %w", n.id, err)
	}
	if alive && inc.expectEnd() {
		return inc, nil
	}
	if err := n.awaitGone(ctx, inc); err != nil {
		return nil, err
	}
	return nil, inc.failed()
}

// lives reports whether any process of the node is alive. It looks at the first
// one first, which is quick and nearly always enough.
func (n *Node) lives(inc *incarnation) (bool, error) {
	if inc.isGone() {
		return false, nil
	}
	row, ok, err := lookup(inc.pid)
	if err != nil || ok && row.start == inc.start && row.alive() {
		return err == nil, err
	}
	alive, err := n.family.scan()
	return len(alive) > 0, err
}

// signalOthers signals each process of the node that is not in its first group.
func (n *Node) signalOthers(inc *incarnation, sig syscall.Signal) error {
	alive, err := n.family.scan()
	if err != nil {
		return err
	}
	for _, p := range alive {
		if p.pgid != inc.pid {
			_ = p.signal(sig) // one that refuses shows up as still running
		}
	}
	return nil
}

// Pause sends SIGSTOP to every process of the node and returns when all have
// stopped. A node that is not running returns its *NodeError, or ErrNotRunning.
func (n *Node) Pause(ctx context.Context) error {
	inc, err := n.running(ctx)
	if err != nil {
		return fmt.Errorf("pause node %s: %w", n.id, err)
	}
	inc.setPaused(true)
	n.signal(inc, syscall.SIGSTOP)
	// Of a process without its first thread the table does not tell.
	pending, err := signalUntil(ctx, n.family, syscall.SIGSTOP, func(p process) bool { return !p.stopped && !p.traced && !p.zombie })
	if err == nil && len(pending) > 0 {
		err = fmt.Errorf("these processes cannot be stopped: %s", joinNames(describeAll(pending)))
	}
	if err != nil {
		return fmt.Errorf("pause node %s: %w", n.id, err)
	}
	// A stop that began meanwhile may have looked too early to see the pause, and would
	// wait in vain. Either it sees the pause, or this sees the stop.
	if inc.isEnding() {
		if err := n.resume(ctx, inc); err != nil {
			return fmt.Errorf("pause node %s: %w", n.id, err)
		}
	}
	return nil
}

// Resume sends SIGCONT to every process of the node. A node that is not running
// returns its *NodeError, or ErrNotRunning.
func (n *Node) Resume(ctx context.Context) error {
	inc, err := n.running(ctx)
	if err == nil {
		err = n.resume(ctx, inc)
	}
	if err != nil {
		return fmt.Errorf("resume node %s: %w", n.id, err)
	}
	return nil
}

func (n *Node) resume(ctx context.Context, inc *incarnation) error {
	n.signal(inc, syscall.SIGCONT)
	pending, err := signalUntil(ctx, n.family, syscall.SIGCONT, func(p process) bool { return p.stopped })
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("these processes cannot be resumed: %s", joinNames(describeAll(pending)))
	}
	inc.setPaused(false)
	return nil
}

// running returns the incarnation that is running now.
func (n *Node) running(ctx context.Context) (*incarnation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inc := n.current()
	if inc == nil {
		return nil, ErrNotRunning
	}
	if inc.isGone() {
		if err := inc.failed(); err != nil {
			return nil, err
		}
		return nil, ErrNotRunning
	}
	return inc, nil
}
