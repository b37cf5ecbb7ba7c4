package netsim

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Link is the relay by which one node reaches another.
type Link struct {
	network           *Network
	pair              Direction
	forward, backward *direction
	place             *place

	mu        sync.Mutex
	closed    bool
	listener  *net.TCPListener // nil while the link is down
	accepting chan struct{}    // closed when the listener's goroutine has ended

	targetMu sync.Mutex
	target   string
}

// Pair returns who dials whom.
func (l *Link) Pair() Direction { return l.pair }

// Addr is where From reaches To, as in "127.0.0.1:30412". It never changes.
func (l *Link) Addr() string { return l.place.addr }

// Up makes the link accept connections and pass them on to the target, an address as
// in "127.0.0.1:10042". It belongs right after the start of the target's process:
// until that listens, a connection is accepted and reset at once. A link that is up
// gets the new target for new connections.
func (l *Link) Up(target string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("link %s: %w", l.pair, ErrClosed)
	}
	l.targetMu.Lock()
	l.target = target
	l.targetMu.Unlock()
	if l.listener != nil {
		return nil
	}
	listener, err := l.place.listen()
	if err != nil {
		return fmt.Errorf("link %s: listen on %s: %w", l.pair, l.Addr(), err)
	}
	ended := make(chan struct{})
	if !l.network.spawn(func() { defer close(ended); l.accept(listener) }) {
		return errors.Join(fmt.Errorf("link %s: %w", l.pair, ErrClosed), l.place.leave(listener))
	}
	l.listener, l.accepting = listener, ended
	return nil
}

// Down makes the link refuse connections from now on, also those that wait to be
// accepted. It belongs right after the end of the target's process, whose kernel has
// closed the established connections: the relay passes that on as it comes. A link
// that is down stays so.
func (l *Link) Down() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down()
}

func (l *Link) down() error {
	if l.listener == nil {
		return nil
	}
	err := l.place.leave(l.listener)
	<-l.accepting
	l.listener = nil
	if err != nil {
		return fmt.Errorf("link %s: stop listening on %s: %w", l.pair, l.Addr(), err)
	}
	return nil
}

// close gives up the address.
func (l *Link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	_ = l.down()
	l.place.giveUp()
}

func (l *Link) currentTarget() string {
	l.targetMu.Lock()
	defer l.targetMu.Unlock()
	return l.target
}

// accept serves connections until the listener is closed.
func (l *Link) accept(listener *net.TCPListener) {
	// How long to wait when there are too many open files, or the like.
	const pause = 20 * time.Millisecond
	for {
		near, err := listener.AcceptTCP()
		if err == nil {
			l.serve(near)
			continue
		}
		if stopped(err) {
			return
		}
		if aborted(err) {
			continue
		}
		l.network.fail(fmt.Errorf("link %s: accept: %w", l.pair, err))
		select {
		case <-time.After(pause):
		case <-l.network.ctx.Done():
			return
		}
	}
}
