package consensus

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// streams are the library's connections, dialled and accepted ones, so that they can all be ended. The library
// itself would wait for a peer that does not answer, and forgets those it keeps for later.
type streams struct {
	self string
	dial func(ctx context.Context, peer string) (net.Conn, error)

	ctx     context.Context
	stop    context.CancelFunc
	arrived chan net.Conn
	serving sync.WaitGroup // the library's goroutines that serve accepted streams

	mu    sync.Mutex
	open  map[*stream]struct{}
	ended bool
}

var _ raft.StreamLayer = (*streams)(nil)

var errStreamsEnded = errors.New("this node is closed")

func newStreams(cfg Config) *streams {
	ctx, stop := context.WithCancel(context.Background())
	return &streams{
		self:    cfg.ID,
		dial:    cfg.Dial,
		ctx:     ctx,
		stop:    stop,
		arrived: make(chan net.Conn),
		open:    make(map[*stream]struct{}),
	}
}

// deliver takes a stream that a peer has opened.
func (s *streams) deliver(conn net.Conn) {
	select {
	case s.arrived <- conn:
	case <-s.ctx.Done():
		_ = conn.Close() // Nobody waits for it.
	}
}

// Accept gives the library a stream, whose goroutine closes it at its end.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case conn := <-s.arrived:
		return s.keep(conn, true)
	case <-s.ctx.Done():
		return nil, errStreamsEnded
	}
}

// Dial opens a stream to the peer, whose address is its ID.
func (s *streams) Dial(peer raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	conn, err := s.dial(ctx, string(peer))
	if err != nil {
		return nil, err
	}
	return s.keep(conn, false)
}

func (s *streams) keep(conn net.Conn, accepted bool) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		_ = conn.Close() // Nobody waits for it.
		return nil, errStreamsEnded
	}
	kept := &stream{Conn: conn, of: s, accepted: accepted}
	s.open[kept] = struct{}{}
	if accepted {
		s.serving.Add(1)
	}
	return kept, nil
}

// end breaks all streams and lets none in any more.
func (s *streams) end() {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for kept := range s.open {
		_ = kept.Conn.Close() // The goroutine that uses it sees the same.
	}
}

// Close is the library's way to stop accepting.
func (s *streams) Close() error { s.end(); return nil }

// Addr is this node's address, which is its ID.
func (s *streams) Addr() net.Addr { return nodeAddr(s.self) }

type nodeAddr string

func (a nodeAddr) Network() string { return "consensus" }
func (a nodeAddr) String() string  { return string(a) }

// A stream leaves the set when its user closes it.
type stream struct {
	net.Conn
	of       *streams
	accepted bool
	once     sync.Once
}

func (s *stream) Close() error {
	err := s.Conn.Close()
	s.once.Do(func() {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		delete(s.of.open, s)
		if s.accepted {
			s.of.serving.Done()
		}
	})
	return err
}
