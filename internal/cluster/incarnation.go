package cluster

import (
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// An incarnation is the life of a node from one start to its end.
type incarnation struct {
	node    *Node
	process *os.Process
	pid     int
	start   uint64 // of the first process, see process.start
	begun   time.Time
	output  *os.File // read end of what the node prints

	rootEnded chan struct{} // closed when the first process ended
	gone      chan struct{} // closed when every process is gone and the log complete
	poke      chan struct{} // asks watch to look again now
	logged    chan struct{} // closed when the output was read to its end

	mu       sync.Mutex
	reaped   bool
	expected bool // lsfr is ending it
	paused   bool
	ready    bool
	failure  *NodeError
}

// expectEnd marks the end as lsfr's doing; false means that it was over before.
func (inc *incarnation) expectEnd() bool {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	if inc.reaped {
		return false
	}
	inc.expected = true
	return true
}

// isEnding reports whether lsfr is ending it.
func (inc *incarnation) isEnding() bool {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	return inc.expected
}

// signalGroup signals the node's own process group. The group cannot be another's:
// its first process, dead or alive, has not been reaped.
func (inc *incarnation) signalGroup(sig syscall.Signal) {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	if !inc.reaped {
		// It fails only if nobody is left to be signalled, as a scan then shows.
		_ = syscall.Kill(-inc.pid, sig)
	}
}

func (inc *incarnation) setPaused(yes bool) {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	inc.paused = yes
}

func (inc *incarnation) isPaused() bool {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	return inc.paused
}

func (inc *incarnation) setReady() {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	inc.ready = true
}

func (inc *incarnation) isGone() bool {
	select {
	case <-inc.gone:
		return true
	default:
		return false
	}
}

// failed returns a *NodeError if the node exited by itself, else nil.
func (inc *incarnation) failed() error {
	inc.mu.Lock()
	defer inc.mu.Unlock()
	if inc.failure == nil {
		return nil // not a nil *NodeError, which would not be a nil error
	}
	return inc.failure
}

// wake makes watch look at once whether processes are left.
func (inc *incarnation) wake() {
	select {
	case inc.poke <- struct{}{}:
	default:
	}
}

// watch waits for the end of every process of the node, and reports it if nobody
// asked for it.
func (inc *incarnation) watch() {
	n := inc.node
	go func() {
		defer close(inc.logged)
		// It ends at the end of the output, or at the deadline that is set below.
		_, _ = io.Copy(n.log, inc.output)
	}()
	if err := awaitExit(inc.pid); err != nil {
		n.cluster.cfg.Log.Warn().Err(err).Str("node", n.id).Msg("cannot wait for a node")
	}
	close(inc.rootEnded)
	inc.awaitRest()
	if err := n.linksDown(); err != nil {
		n.cluster.cfg.Log.Warn().Err(err).Str("node", n.id).Msg("its peers may not see that it is gone")
	}

	// Whoever still holds the output is not known to belong to the node; what a
	// pipe can hold is read, and no more is waited for.
	_ = inc.output.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
	<-inc.logged
	inc.output.Close()

	inc.mu.Lock()
	state, err := inc.process.Wait()
	inc.reaped = true
	expected := inc.expected
	inc.mu.Unlock()
	n.family.forget(inc.pid)
	n.cluster.guard.forget(inc.pid)

	code, signal := -1, syscall.Signal(0)
	if err == nil {
		status := state.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			signal = status.Signal()
		} else {
			code = status.ExitStatus()
		}
	}
	n.log.event("it %s; no process is left", describeEnd(code, signal))
	if !expected && !n.tolerant.Load() {
		inc.report(code, signal)
	}
	close(inc.gone)
}

// awaitRest returns when no process of the node is alive.
func (inc *incarnation) awaitRest() {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		alive, err := inc.node.family.scan()
		if err == nil && len(alive) == 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-inc.poke:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// report makes the failure known.
func (inc *incarnation) report(code int, signal syscall.Signal) {
	n := inc.node
	when := "while it was running"
	inc.mu.Lock()
	if !inc.ready {
		when = "before it was ready"
	}
	inc.mu.Unlock()
	failure := &NodeError{
		Kind:      Exited,
		Node:      n.id,
		Problem:   fmt.Sprintf("node %s %s %s", n.id, describeEnd(code, signal), when),
		ExitCode:  code,
		Signal:    signal,
		LogTail:   n.log.tail(shownLines),
		LogPath:   n.logPath,
		RunByHand: n.runByHand(),
		Hint:      n.exitHint(code, signal),
	}
	inc.mu.Lock()
	inc.failure = failure
	inc.mu.Unlock()
	select {
	case n.cluster.failures <- failure:
	default:
	}
}

// exitHint says what to look for after an exit.
func (n *Node) exitHint(code int, signal syscall.Signal) string {
	command := n.cluster.cfg.Command[0]
	switch {
	case n.log.saysAddressInUse():
		return n.addressHint()
	case signal == syscall.SIGKILL:
		return "lsfr did not send this signal: the system may have run out of memory"
	case code == 126 || code == 127:
		return fmt.Sprintf("%s calls a program that does not exist or may not be executed; the log names it", command)
	case code == 0:
		return fmt.Sprintf("%s must stay in the foreground until it gets SIGTERM", command)
	}
	return ""
}

// addressHint explains a node that could not listen on its port.
func (n *Node) addressHint() string {
	n.mu.Lock()
	again := n.everReady
	n.mu.Unlock()
	if !again {
		return fmt.Sprintf("port %d was free when the node was started; listen on it once, and on no other port", n.port)
	}
	return fmt.Sprintf("connections of the previous process linger on port %d (TIME_WAIT): set SO_REUSEADDR on the listening socket; "+
		"and see that no process of yours outlives a stop and keeps the port", n.port)
}
