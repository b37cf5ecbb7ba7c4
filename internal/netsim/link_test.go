package netsim

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

// refused reports whether nobody listens at the address.
func refused(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		_ = conn.Close()
		return false
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	return true
}

func TestALinkListensOnlyWhileItIsUp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	addr := l.Addr()
	if !refused(t, addr) {
		t.Error("a new link accepts connections")
	}
	target, conns := accepted(t)
	for range 3 {
		up(t, l, target)
		up(t, l, target)
		near := dial(t, addr)
		far := receive(t, conns)
		send(t, near, "x")
		want(t, far, "x")
		for range 2 {
			if err := l.Down(); err != nil {
				t.Fatal(err)
			}
			if !refused(t, addr) {
				t.Error("a link that is down accepts connections")
			}
		}
		// What is established is the business of the target's kernel.
		send(t, far, "y")
		want(t, near, "y")
		if l.Addr() != addr {
			t.Errorf("the address became %s", l.Addr())
		}
	}
}

func TestALinkLeadsToWhereItsTargetIsNow(t *testing.T) {
	t.Parallel()
	l := newLink(t, newNetwork(t), "n1", "n2")
	for range 2 {
		addr, conns := accepted(t)
		up(t, l, addr)
		near := dial(t, l.Addr())
		send(t, near, "x")
		want(t, receive(t, conns), "x")
	}
}

func TestATargetThatDoesNotListenYetResetsConnections(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	up(t, l, nobody(t))
	wantReset(t, l.Addr())
	if err := n.Err(); err != nil {
		t.Errorf("that is not lsfr's fault, but: %v", err)
	}
}

// The kernel of a paused process goes on accepting connections and bytes.
func TestAPausedTargetAcceptsConnections(t *testing.T) {
	t.Parallel()
	paused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer paused.Close()
	l := newLink(t, newNetwork(t), "n1", "n2")
	up(t, l, paused.Addr().String())
	near := dial(t, l.Addr())
	send(t, near, "anyone?")
	wantSilence(t, near)
	far, err := paused.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	want(t, far, "anyone?")
}

func TestEveryLinkHasItsOwnAddress(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	nodes := []string{"n1", "n2", "n3", "n4", "n5", "n6"}
	seen := make(map[string]bool)
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			l := newLink(t, n, from, to)
			if seen[l.Addr()] || !strings.HasPrefix(l.Addr(), "127.0.0.1:3") {
				t.Errorf("%s listens on %s", l.Pair(), l.Addr())
			}
			seen[l.Addr()] = true
			if newLink(t, n, from, to) != l {
				t.Errorf("there are two links %s", l.Pair())
			}
		}
	}
}
