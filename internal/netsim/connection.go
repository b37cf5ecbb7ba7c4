package netsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// past is a deadline that interrupts whoever waits.
var past = time.Unix(1, 0)

// connection is one relayed connection. near leads to the node that dialled, far to
// the target.
type connection struct {
	link              *Link
	forward, backward *stream
	near              *net.TCPConn
	ctx               context.Context // ends with the connection
	cancel            context.CancelFunc

	mu       sync.Mutex
	far      *net.TCPConn // nil until the target is reached
	ended    bool
	finished int // streams that were passed on to their end
	broken   int // streams that found their destination dead
	met      map[*Fault]struct{}
}

// serve begins to relay a connection, in a goroutine of its own.
func (l *Link) serve(near *net.TCPConn) {
	n := l.network
	c := &connection{link: l, near: near, met: make(map[*Fault]struct{})}
	c.ctx, c.cancel = context.WithCancel(n.ctx)
	c.forward = newStream(c, l.forward)
	c.backward = newStream(c, l.backward)
	c.forward.other, c.backward.other = c.backward, c.forward
	c.forward.src = near
	c.backward.dst = near

	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		c.end(rst)
		return
	}
	n.connections[c] = struct{}{}
	l.forward.add(c)
	l.backward.add(c)
	n.tasks.Go(c.run)
}

func (c *connection) run() {
	defer c.forget()
	defer c.end(rst)
	if !c.handshake() || !c.dial() {
		return
	}
	var other sync.WaitGroup
	other.Go(c.backward.run)
	c.forward.run()
	other.Wait()
}

func (c *connection) forget() {
	c.link.forward.remove(c)
	c.link.backward.remove(c)
	n := c.link.network
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.connections, c)
}

// handshake waits for as long as a handshake would take under the conditions of both
// directions. It returns false if the dialer gave up meanwhile, or the connection
// ended. To notice who gives up it reads ahead; that is delivered later.
func (c *connection) handshake() bool {
	f := c.forward
	var done time.Time
	for c.ctx.Err() == nil {
		f.adapt()
		there, back := f.dir.state.Load(), c.backward.dir.state.Load()
		switch {
		case f.ended:
			return false
		case there.cut || back.cut:
			c.attempt(there, back)
			done = time.Time{}
			if f.queue.full() {
				f.sleep(time.Time{})
			} else {
				f.fill(time.Time{})
			}
		case there.open && back.open:
			return true
		case done.IsZero():
			done = time.Now().Add(f.dir.transit(there, c, 0) + c.backward.dir.transit(back, c, 0))
		case !done.After(time.Now()):
			return true
		default:
			f.sleep(done)
		}
	}
	return false
}

// attempt counts the connection, once, with each cut that holds it.
func (c *connection) attempt(states ...*state) {
	for _, s := range states {
		for _, f := range s.faults {
			if f.conditions.Cut && c.touchedBy(f) {
				f.attempts.Add(1)
			}
		}
	}
}

// touchedBy counts the connection with the fault; it returns false if it was before.
func (c *connection) touchedBy(f *Fault) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.met[f]; known {
		return false
	}
	c.met[f] = struct{}{}
	f.connections.Add(1)
	return true
}

// dial reaches the target. If that refuses, the dialer, who is connected already,
// gets a reset.
func (c *connection) dial() bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(c.ctx, "tcp", c.link.currentTarget())
	if err != nil {
		if c.ctx.Err() == nil && !unreachable(err) {
			c.link.network.fail(fmt.Errorf("link %s: %w", c.link.pair, err))
		}
		return false
	}
	far, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		abort(far)
		return false
	}
	c.far = far
	c.forward.dst, c.backward.src = far, far
	return true
}

// unreachable reports whether dialling failed because of the target.
func unreachable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ETIMEDOUT)
}

// poke interrupts both streams, wherever they wait, to look at their conditions.
func (c *connection) poke() {
	c.mu.Lock()
	far := c.far
	c.mu.Unlock()
	// First that, so that whoever sets another deadline meanwhile notices.
	c.forward.poked.Store(true)
	c.backward.poked.Store(true)
	_ = c.near.SetDeadline(past)
	if far != nil {
		_ = far.SetDeadline(past)
	}
	c.forward.awake()
	c.backward.awake()
}

// awaitPassing returns when no stream in this direction, which is cut, passes
// anything on any more. The connection must have been poked.
func (c *connection) awaitPassing(d *direction) {
	for _, s := range []*stream{c.forward, c.backward} {
		if s.dir == d {
			s.passing.Lock()
			//lint:ignore SA2001 to have had it is what counts
			s.passing.Unlock()
		}
	}
}

// finish notes that a stream was passed on to its end. With both, the connection
// ends.
func (c *connection) finish() {
	c.mu.Lock()
	c.finished++
	last := c.finished == 2
	c.mu.Unlock()
	if last {
		c.end(fin)
	}
}

// broke notes that a stream found its destination dead. The other stream passes that
// on, unless it cannot either.
func (c *connection) broke() {
	c.mu.Lock()
	c.broken++
	both := c.broken == 2
	c.mu.Unlock()
	if both {
		c.end(rst)
		return
	}
	c.poke()
}

// end closes both sides, with rst such that both see a reset. It returns false if
// the connection had ended before.
func (c *connection) end(how end) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.ended = true
	c.cancel()
	for _, side := range []*net.TCPConn{c.near, c.far} {
		switch {
		case side == nil:
		case how == rst:
			abort(side)
		default:
			_ = side.Close()
		}
	}
	return true
}

// abort closes a connection with a reset.
func abort(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
