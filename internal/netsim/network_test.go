package netsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, d := range []Direction{{}, {"n1", ""}, {"", "n1"}, {"n1", "n1"}} {
		if _, err := n.Link(d.From, d.To); err == nil {
			t.Errorf("a link %q is accepted", d)
		}
		if _, err := n.Inject(cut, forth, d); err == nil {
			t.Errorf("a fault %q is accepted", d)
		}
	}
	if _, err := n.Inject(cut); err == nil {
		t.Error("a fault nowhere is accepted")
	}
	if !n.directions[forth].state.Load().open {
		t.Error("a refused fault is active")
	}
}

func TestAClosedNetworkDoesNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	send(t, p.near, "x")
	want(t, p.far, "x")
	f := inject(t, p.network, cut, forth)
	if err := errors.Join(p.network.Close(), p.network.Close()); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, p.near, rst)
	wantEnd(t, p.far, rst)
	if !refused(t, p.link.Addr()) {
		t.Error("the link accepts connections")
	}
	f.Heal()
	_, linkErr := p.network.Link("n1", "n3")
	_, injectErr := p.network.Inject(cut, forth)
	for _, err := range []error{linkErr, injectErr, p.link.Up("127.0.0.1:1")} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := p.link.Down(); err != nil {
		t.Error(err)
	}
}

func TestANetworkEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := New(ctx, Config{})
	p := pairOf(t, n, forth)
	send(t, p.near, "x")
	want(t, p.far, "x") // so the relay knows as well that it has reached the target
	inject(t, n, cut, forth)
	cancel()
	wantEnd(t, p.near, rst)
	wantEnd(t, p.far, rst)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	// Also with one that had ended before.
	if err := New(ctx, Config{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestAnErrorOfLsfrItselfIsReported(t *testing.T) {
	t.Parallel()
	n := New(t.Context(), Config{})
	l := newLink(t, n, "n1", "n2")
	up(t, l, "127.0.0.1:no-such-port")
	wantReset(t, l.Addr())
	if n.Err() == nil || n.Close() == nil {
		t.Error("it is not")
	}
}

// Under all faults that there are, connections are opened, used, left half open,
// reset and forgotten.
func TestAThousandConnectionsLeaveNothingBehind(t *testing.T) {
	// Not in parallel: it counts what the whole process has.
	files, routines := openFiles(t), runtime.NumGoroutine()
	t.Run("connections", func(t *testing.T) {
		n := newNetwork(t)
		target := serveTCP(t, echo)
		links := []*Link{newLink(t, n, "n1", "n2"), newLink(t, n, "n2", "n1")}
		for _, l := range links {
			up(t, l, target)
		}
		conditions := []Conditions{
			cut, {Delay: time.Millisecond, Jitter: time.Millisecond}, {Loss: 0.1}, {Bandwidth: 1 << 20}, {Cut: true, Loss: 0.5},
		}
		// In waves, so that few descriptors do.
		const waves, size = 50, 20
		for wave := range waves {
			f := inject(t, n, conditions[wave%len(conditions)], forth)
			var users sync.WaitGroup
			for i := range size {
				l := links[i%2]
				if wave%10 == 9 && i == size/2 {
					if err := l.Down(); err != nil {
						t.Error(err)
					}
					up(t, l, target)
				}
				conn := dial(t, l.Addr())
				users.Go(func() {
					defer conn.Close()
					_ = conn.SetDeadline(time.Now().Add(5 * time.Millisecond))
					_, _ = conn.Write(make([]byte, 10_000))
					switch i % 5 {
					case 0:
						abort(conn)
					case 1:
						_ = conn.CloseWrite()
					}
					_, _ = conn.Read(make([]byte, 5_000))
				})
			}
			if wave%7 == 0 {
				n.Reset(forth, back)
			}
			users.Wait()
			f.Heal()
			eventually(t, "the connections end", func() bool { return n.Open(forth, back) == 0 })
		}
	})
	eventually(t, fmt.Sprintf("back to %d files and %d goroutines", files, routines), func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= routines
	})
}

// A connection that is in any state does not keep Close from ending.
func TestClosingLeavesNothingBehind(t *testing.T) {
	// Not in parallel: it counts what the whole process has.
	files, routines := openFiles(t), runtime.NumGoroutine()
	t.Run("states", func(t *testing.T) {
		n := newNetwork(t)
		idle := pairOf(t, n, forth)
		fillUp(t, idle.near)
		held := pairOf(t, n, Direction{"n1", "n3"})
		slow := pairOf(t, n, Direction{"n3", "n1"})
		inject(t, n, cut, Direction{"n1", "n3"})
		f := inject(t, n, Conditions{Delay: time.Hour}, Direction{"n3", "n1"})
		fillUp(t, held.near)
		send(t, slow.near, "x")
		holds(t, f, 1)
		shaking := dial(t, held.link.Addr())
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		wantEnd(t, shaking, rst)
	})
	eventually(t, fmt.Sprintf("back to %d files and %d goroutines", files, routines), func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= routines
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	for _, path := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(path); err == nil {
			return len(entries)
		}
	}
	t.Skip("open files cannot be counted here")
	return 0
}
