package netsim

import (
	"net"
	"testing"
	"time"
)

// attempts waits until the fault holds that many attempts to connect.
func attempts(t *testing.T, f *Fault, n int64) {
	t.Helper()
	eventually(t, "the attempt is held", func() bool { return f.Counts().Attempts == n })
}

// cutLink is a link from n1 to n2 under a cut, and the connections that n2 gets.
func cutLink(t *testing.T, d Direction) (*Link, *Fault, chan *net.TCPConn) {
	t.Helper()
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	addr, conns := accepted(t)
	up(t, l, addr)
	return l, inject(t, n, cut, d), conns
}

func TestAConnectionIsHeldIfEitherDirectionIsCut(t *testing.T) {
	t.Parallel()
	for _, d := range []Direction{forth, back} {
		l, f, conns := cutLink(t, d)
		near := dial(t, l.Addr())
		send(t, near, "question")
		attempts(t, f, 1)
		if d == forth {
			holds(t, f, 8)
		}
		wantSilence(t, near)
		if len(conns) > 0 {
			t.Errorf("%s: the target was reached", d)
		}
		f.Heal()
		far := receive(t, conns)
		want(t, far, "question")
		send(t, far, "answer")
		want(t, near, "answer")
		if got := f.Counts(); got.Attempts != 1 || got.Connections != 1 || got.Hits() < 1 {
			t.Errorf("%s: counted %+v", d, got)
		}
	}
}

func TestATargetNeverHearsOfADialerWhoGaveUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		giveUp func(*testing.T, *net.TCPConn)
	}{
		{"without a word", func(_ *testing.T, c *net.TCPConn) { _ = c.Close() }},
		{"after sending a request", func(t *testing.T, c *net.TCPConn) { send(t, c, "stale"); _ = c.Close() }},
		{"with a reset", func(t *testing.T, c *net.TCPConn) { send(t, c, "stale"); abort(c) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, f, conns := cutLink(t, forth)
			near := dial(t, l.Addr())
			attempts(t, f, 1)
			tt.giveUp(t, near)
			eventually(t, "it is forgotten", func() bool { return l.network.Open(forth) == 0 })
			f.Heal()
			next := dial(t, l.Addr())
			send(t, next, "fresh")
			want(t, receive(t, conns), "fresh")
			if len(conns) > 0 {
				t.Error("the target heard of it")
			}
		})
	}
}

func TestAHeldAttemptToADeadTargetIsResetWhenTheCutHeals(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	up(t, l, nobody(t))
	f := inject(t, n, cut, back)
	near := dial(t, l.Addr())
	attempts(t, f, 1)
	wantSilence(t, near)
	f.Heal()
	wantEnd(t, near, rst)
}

func TestAnAttemptThatIsHeldCanBeReset(t *testing.T) {
	t.Parallel()
	l, f, conns := cutLink(t, forth)
	near := dial(t, l.Addr())
	attempts(t, f, 1)
	if got := l.network.Reset(forth); got != 1 {
		t.Errorf("%d connections were reset", got)
	}
	wantEnd(t, near, rst)
	f.Heal()
	if len(conns) > 0 {
		t.Error("the target was reached")
	}
}

func TestAHandshakeIsDelayedByBothDirections(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	addr, conns := accepted(t)
	up(t, l, addr)
	f := inject(t, n, Conditions{Delay: delay}, forth, back)
	begun := time.Now()
	near := dial(t, l.Addr())
	send(t, near, "question")
	far := receive(t, conns)
	want(t, far, "question")
	if took := time.Since(begun); took < 3*delay {
		t.Errorf("the first byte arrived after %v, want at least three delays of %v", took, delay)
	}
	if got, want := f.Counts(), (Counts{Connections: 1, Segments: 3, Bytes: 8}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// A cut that comes during a slow handshake holds it, and healing everything ends it.
func TestAHandshakeFollowsItsConditions(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	addr, conns := accepted(t)
	up(t, l, addr)
	slow := inject(t, n, Conditions{Delay: time.Hour}, back)
	near := dial(t, l.Addr())
	eventually(t, "the handshake is delayed", func() bool { return slow.Counts().Segments == 1 })
	f := inject(t, n, cut, forth)
	attempts(t, f, 1)
	f.Heal()
	slow.Heal()
	send(t, near, "at last")
	want(t, receive(t, conns), "at last")
}

// nobody returns an address on which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	p, err := reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.giveUp)
	return p.addr
}
