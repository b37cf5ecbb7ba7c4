package netsim

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long to wait for what must come, before giving up.
const patience = 30 * time.Second

func newNetwork(t testing.TB) *Network {
	t.Helper()
	n := New(context.Background(), Config{Seed: 1})
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func newLink(t testing.TB, n *Network, from, to string) *Link {
	t.Helper()
	l, err := n.Link(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func up(t testing.TB, l *Link, target string) {
	t.Helper()
	if err := l.Up(target); err != nil {
		t.Fatal(err)
	}
}

func inject(t testing.TB, n *Network, c Conditions, directions ...Direction) *Fault {
	t.Helper()
	f, err := n.Inject(c, directions...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The two nodes of most tests: n1 dials n2.
var (
	forth = Direction{"n1", "n2"}
	back  = Direction{"n2", "n1"}
)

// serveTCP runs a server for the test, and returns its address. Connections are
// closed when serve returns.
func serveTCP(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() {
				defer conn.Close()
				// A test that failed must not wait for what never comes.
				defer context.AfterFunc(t.Context(), func() { _ = conn.SetDeadline(past) })()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		tasks.Wait()
	})
	return listener.Addr().String()
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// accepted runs a server that hands out the connections it gets.
func accepted(t testing.TB) (addr string, conns chan *net.TCPConn) {
	t.Helper()
	conns = make(chan *net.TCPConn, 2000)
	addr = serveTCP(t, func(c net.Conn) {
		conns <- c.(*net.TCPConn)
		<-t.Context().Done()
	})
	return addr, conns
}

// pair is a relayed connection with both of its ends in the test's hands: near is
// that of the node which dialled.
type pair struct {
	network   *Network
	link      *Link
	near, far *net.TCPConn
}

// newPair makes n1 dial n2.
func newPair(t testing.TB) *pair {
	t.Helper()
	return pairOf(t, newNetwork(t), forth)
}

func pairOf(t testing.TB, n *Network, d Direction) *pair {
	t.Helper()
	l := newLink(t, n, d.From, d.To)
	addr, conns := accepted(t)
	up(t, l, addr)
	near := dial(t, l.Addr())
	return &pair{network: n, link: l, near: near, far: receive(t, conns)}
}

func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func send(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// want reads exactly this text.
func want(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(text))
	n, err := io.ReadFull(conn, got)
	if err != nil || string(got) != text {
		t.Fatalf("read %q, %v, want %q", got[:n], err, text)
	}
}

// wantEnd reads the end of the stream, or a reset.
func wantEnd(t testing.TB, conn net.Conn, how end) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	n, err := conn.Read(make([]byte, 1))
	ok := errors.Is(err, io.EOF)
	if how == rst {
		ok = errors.Is(err, syscall.ECONNRESET)
	}
	if n != 0 || !ok {
		t.Fatalf("read %d bytes, %v", n, err)
	}
}

// wantSilence checks that nothing comes for a moment.
func wantSilence(t testing.TB, conn *net.TCPConn) {
	t.Helper()
	if n := available(t, conn, time.Millisecond); n > 0 {
		t.Fatalf("%d bytes came", n)
	}
}

// available reads until nothing came for that long, and returns how much did. An end
// of the stream is an error.
func available(t testing.TB, conn *net.TCPConn, silence time.Duration) (read int) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	// The second time is for a machine so busy that the first deadline had passed
	// before the first look.
	for silent := 0; silent < 2; {
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		n, err := conn.Read(buffer)
		read += n
		var timeout net.Error
		switch {
		case n > 0:
			silent = 0
		case errors.As(err, &timeout) && timeout.Timeout():
			silent++
		default:
			t.Fatal(err)
		}
	}
	return read
}

// wantReset dials and expects a reset, which may come before dialling has returned.
func wantReset(t testing.TB, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantEnd(t, conn, rst)
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
