package kvnode

import (
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	dropsInFlight bug = "drops-in-flight"
	waitsForIdle  bug = "waits-for-idle"
	leavesChild   bug = "leaves-child"
)

// shutdown ends the serving of requests: by drain, or as the bug does it.
type shutdown struct {
	bug   bug
	store store

	mu          sync.Mutex
	disconnects *sync.Cond
	connections int
}

func newShutdown(b bug, st store) *shutdown {
	s := &shutdown{bug: b, store: st}
	s.disconnects = sync.NewCond(&s.mu)
	return s
}

// connState counts the open connections, for waits-for-idle.
func (s *shutdown) connState(_ net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.connections++
	case http.StateClosed:
		s.connections--
		s.disconnects.Broadcast()
	}
}

func (s *shutdown) run(server *http.Server, listener net.Listener) error {
	switch s.bug {
	case dropsInFlight:
		return server.Close()
	case waitsForIdle:
		return s.waitForIdle(listener)
	}
	if saving, ok := s.store.(*savingStore); ok && s.bug == snapshotBeforeDrain {
		if err := saving.save(); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond) // A large snapshot takes its time, in which more requests come.
	}
	return drain(server, drainTime)
}

// waitForIdle stops listening but goes on serving, and never tells a client to close its connection.
func (s *shutdown) waitForIdle(listener net.Listener) error {
	if err := listener.Close(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.connections > 0 {
		s.disconnects.Wait()
	}
	return nil
}

// startChild starts a helper in a session of its own that ignores SIGTERM. It ends by itself after a minute, for
// those who try the bug by hand.
func startChild(logf logFunc) {
	child := exec.Command("sh", "-c", "trap '' TERM; exec sleep 60")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		logf("cannot start a helper: %v", err)
		return
	}
	logf("started a helper, process %d", child.Process.Pid)
	go func() { _ = child.Wait() }() // Reaps it if it ends first; that nobody ends it is the bug.
}
