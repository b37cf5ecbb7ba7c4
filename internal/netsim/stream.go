package netsim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// stream is one of the two byte streams of a connection. A single goroutine reads
// and writes: what is not to be passed on yet waits in the queue, and the read that
// waits for more has the queue's next due time as its deadline.
type stream struct {
	conn     *connection
	dir      *direction
	other    *stream
	src, dst *net.TCPConn
	wake     chan struct{}
	poked    atomic.Bool
	// passing is held from looking at the conditions until what they allow is
	// written, so that who cuts can wait for the last of it.
	passing sync.Mutex
	// sourceReset is set when writing to the source failed: then its end is a reset,
	// even if reading reports the end of a stream.
	sourceReset atomic.Bool

	// What follows belongs to the goroutine.
	state       *state // that the queue was last adapted to
	queue       queue
	buffer      []byte    // grows up to segmentSize
	deadline    time.Time // of reads, as last set
	interrupted bool      // a deadline has passed
	ended       bool      // the source gives no more
	resetQueued bool
	broken      bool // the destination takes no more
}

func newStream(c *connection, d *direction) *stream {
	return &stream{
		conn: c, dir: d, state: d.state.Load(),
		wake:   make(chan struct{}, 1),
		buffer: make([]byte, segmentSize/16),
	}
}

func (s *stream) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run relays until the connection ends.
func (s *stream) run() {
	for s.conn.ctx.Err() == nil {
		s.adapt()
		if s.ended && s.sourceReset.Load() {
			s.queueReset()
		}
		next := s.deliver()
		switch {
		case !next.IsZero() && !next.After(time.Now()):
		case s.ended || s.broken || s.queue.full():
			s.sleep(next)
		default:
			s.fill(next)
		}
	}
}

// adapt undoes an interruption, and applies changed conditions to the queue.
func (s *stream) adapt() {
	// A poke that is under way may interrupt once more; that does no harm.
	if s.poked.Swap(false) || s.interrupted {
		s.interrupted = false
		s.deadline = time.Time{}
		_ = s.src.SetReadDeadline(s.deadline)
		if s.dst != nil {
			_ = s.dst.SetWriteDeadline(time.Time{})
		}
	}
	s.refresh()
}

func (s *stream) refresh() {
	now := s.dir.state.Load()
	if now == s.state {
		return
	}
	before := s.state
	s.state = now
	for _, f := range now.faults {
		if !f.conditions.Cut || slices.Contains(before.faults, f) {
			continue
		}
		for i := range s.queue.segments {
			f.meet(s.conn, len(s.queue.segments[i].data), 0)
		}
	}
	// Nothing waits longer than it would if it had come just now, except for the
	// retransmission of what a loss that is still there has met.
	if !now.lossy {
		s.queue.hasten(time.Now().Add(now.delay))
	}
}

// deliver passes on what is due. It returns when the next segment is, or zero if
// there is none or it is held. A time that is not in the future means: adapt first.
func (s *stream) deliver() (next time.Time) {
	if s.queue.empty() {
		return time.Time{}
	}
	s.passing.Lock()
	defer s.passing.Unlock()
	for !s.queue.empty() {
		if s.state != s.dir.state.Load() {
			return past
		}
		if s.state.cut {
			return time.Time{}
		}
		head := s.queue.head()
		if s.state.bandwidth > 0 && !head.booked && !head.due.After(time.Now()) {
			head.due = s.dir.book(len(head.data), s.state.bandwidth)
			head.booked = true
		}
		if head.due.After(time.Now()) {
			return head.due
		}
		if !s.write(head) {
			return past
		}
	}
	return time.Time{}
}

// write passes on the head of the queue. It returns false if not all of it was.
func (s *stream) write(head *segment) bool {
	switch head.end {
	case fin:
		s.queue.pop()
		_ = s.dst.CloseWrite()
		s.conn.finish()
	case rst:
		s.queue.clear()
		s.conn.end(rst)
	default:
		n, err := s.dst.Write(head.data)
		s.queue.advance(n)
		if err != nil {
			s.failed(err)
			return false
		}
		s.queue.pop()
	}
	return true
}

// fill reads what there is until the time given, if any, and passes it on at once or
// queues it.
func (s *stream) fill(until time.Time) {
	if !s.deadline.Equal(until) {
		s.deadline = until
		_ = s.src.SetReadDeadline(until)
		if s.poked.Load() {
			return // its deadline may just have been overwritten
		}
	}
	n, err := s.src.Read(s.buffer[:min(s.state.chunk(), len(s.buffer))])
	if rest := s.pass(s.buffer[:n]); len(rest) > 0 {
		s.enqueue(segment{data: bytes.Clone(rest)})
	}
	// Most connections carry little, and idle ones are many.
	if n == len(s.buffer) && n < segmentSize {
		s.buffer = make([]byte, 4*n)
	}
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.interrupted = true
	default:
		s.ended = true
		if errors.Is(err, io.EOF) && !s.sourceReset.Load() {
			s.enqueue(segment{end: fin})
		} else {
			s.queueReset()
		}
	}
}

// pass writes at once if nothing stands in the way, and returns what is left.
func (s *stream) pass(data []byte) (rest []byte) {
	if len(data) == 0 || s.dst == nil || !s.queue.empty() {
		return data
	}
	s.passing.Lock()
	defer s.passing.Unlock()
	if !s.dir.state.Load().open {
		return data
	}
	n, err := s.dst.Write(data)
	if err != nil {
		s.failed(err)
	}
	return data[n:]
}

// failed handles an error of writing. If it is no interruption, the destination has
// reset the connection: the other stream passes that on, subject to its conditions.
func (s *stream) failed(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.interrupted = true
		return
	}
	s.broken = true
	s.queue.clear()
	s.other.sourceReset.Store(true)
	s.conn.broke()
}

// queueReset queues a reset, once. It drops what a cut holds: the kernel that sends a
// reset no longer sends again what was lost.
func (s *stream) queueReset() {
	if s.resetQueued {
		return
	}
	s.resetQueued = true
	if s.refresh(); s.state.cut {
		s.queue.clear()
	}
	s.enqueue(segment{end: rst})
}

// enqueue queues a segment that was just read.
func (s *stream) enqueue(g segment) {
	if s.broken {
		return
	}
	s.refresh()
	g.due = time.Now().Add(s.dir.transit(s.state, s.conn, len(g.data)))
	s.queue.push(g)
}

// sleep waits until the time given, if any, or until there is news.
func (s *stream) sleep(until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-s.wake:
	case <-s.conn.ctx.Done():
	}
}
