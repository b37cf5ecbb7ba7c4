package netsim

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestAnOpenLinkCarriesBothStreams(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	send(t, p.near, "question")
	want(t, p.far, "question")
	send(t, p.far, "answer")
	want(t, p.near, "answer")
}

func TestTheEndOfOneStreamLeavesTheOtherOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first func(p *pair) (closes, stays *net.TCPConn)
	}{
		{"the dialer's ends first", func(p *pair) (*net.TCPConn, *net.TCPConn) { return p.near, p.far }},
		{"the target's ends first", func(p *pair) (*net.TCPConn, *net.TCPConn) { return p.far, p.near }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			closes, stays := tt.first(p)
			send(t, closes, "last words")
			if err := closes.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			want(t, stays, "last words")
			wantEnd(t, stays, fin)
			send(t, stays, "still here")
			want(t, closes, "still here")
			if p.network.Open(forth) != 1 {
				t.Error("the connection has ended already")
			}
			if err := stays.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			wantEnd(t, closes, fin)
			eventually(t, "the connection ends", func() bool { return p.network.Open(forth) == 0 })
		})
	}
}

func TestAResetIsPassedOnAsAReset(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reset func(p *pair) (from, to *net.TCPConn)
	}{
		{"by the dialer", func(p *pair) (*net.TCPConn, *net.TCPConn) { return p.near, p.far }},
		{"by the target", func(p *pair) (*net.TCPConn, *net.TCPConn) { return p.far, p.near }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			from, to := tt.reset(p)
			send(t, from, "before")
			want(t, to, "before")
			abort(from)
			wantEnd(t, to, rst)
			eventually(t, "the connection ends", func() bool { return p.network.Open(forth) == 0 })
		})
	}
}

// A node that closes a connection resets it when more comes.
func TestWritingToAClosedEndIsAnsweredWithAReset(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	if err := p.far.Close(); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, p.near, fin)
	eventually(t, "writing fails", func() bool {
		_, err := p.near.Write([]byte("anyone?"))
		return err != nil
	})
	eventually(t, "the connection ends", func() bool { return p.network.Open(forth) == 0 })
}

func TestTheResetFaultResetsBothEndsOfTheChosenLinksOnly(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hit, hit2, spared := pairOf(t, n, forth), pairOf(t, n, Direction{"n1", "n3"}), pairOf(t, n, back)
	for _, p := range []*pair{hit, hit2, spared} {
		send(t, p.near, "x")
		want(t, p.far, "x")
	}
	if got := n.Reset(forth, Direction{"n1", "n3"}); got != 2 {
		t.Errorf("%d connections were reset", got)
	}
	for _, p := range []*pair{hit, hit2} {
		wantEnd(t, p.near, rst)
		wantEnd(t, p.far, rst)
	}
	send(t, spared.near, "y")
	want(t, spared.far, "y")
	eventually(t, "the connections end", func() bool { return n.Open(forth, Direction{"n1", "n3"}) == 0 })
	if got := n.Reset(forth); got != 0 {
		t.Errorf("%d connections were reset again", got)
	}
}

// A target that reads nothing makes the source wait, and neither a fault nor its
// healing waits for the target.
func TestATargetThatDoesNotReadMakesTheSourceWait(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	sent := fillUp(t, p.near)
	for _, c := range []Conditions{{Cut: true}, {Delay: time.Hour}, {Bandwidth: 1 << 30}} {
		inject(t, p.network, c, forth, back).Heal()
	}
	send(t, p.far, "the other stream goes on")
	want(t, p.near, "the other stream goes on")
	if err := p.near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, p.far); got != sent {
		t.Errorf("%d bytes of %d arrived", got, sent)
	}
}

// fillUp writes until nothing moves any more.
func fillUp(t *testing.T, conn *net.TCPConn) (sent int) {
	t.Helper()
	piece := make([]byte, 1<<20)
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := conn.Write(piece)
		sent += n
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout() && n == 0:
			_ = conn.SetWriteDeadline(time.Time{})
			return sent
		case errors.As(err, &timeout) && timeout.Timeout():
		case err != nil:
			t.Fatal(err)
		}
		if sent > 1<<30 {
			t.Fatal("nothing ever makes the source wait")
		}
	}
}

// drain reads until the end of the stream.
func drain(t *testing.T, conn *net.TCPConn) (read int) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buffer)
		read += n
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return read
		}
	}
}

func TestAConnectionWhoseEndsBothDiedIsForgotten(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Delay: time.Hour}, forth, back)
	for _, conn := range []*net.TCPConn{p.near, p.far} {
		send(t, conn, "x")
	}
	holds(t, f, 2)
	abort(p.near)
	abort(p.far)
	eventually(t, "both resets are under way", func() bool { return f.Counts().Segments == 4 })
	f.Heal()
	eventually(t, "it is forgotten", func() bool { return p.network.Open(forth) == 0 })
}
