package netsim

import (
	"net"
	"testing"
	"time"
)

var cut = Conditions{Cut: true}

// holds waits until the fault holds that many bytes.
func holds(t *testing.T, f *Fault, bytes int64) {
	t.Helper()
	eventually(t, "the bytes are held", func() bool { return f.Counts().Bytes == bytes })
}

func TestACutHoldsOneDirectionInBothPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		dialled, cut Direction
		requests     bool // whether the requests are held, else the answers
	}{
		{"what n1 asks of n2", forth, forth, true},
		{"what n2 answers n1", forth, back, false},
		{"what n1 answers n2", back, forth, false},
		{"what n2 asks of n1", back, back, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pairOf(t, newNetwork(t), tt.dialled)
			source, target := p.near, p.far
			if !tt.requests {
				source, target = p.far, p.near
			}
			f := inject(t, p.network, cut, tt.cut)
			send(t, source, "held")
			holds(t, f, 4)
			wantSilence(t, target)
			send(t, target, "the other way")
			want(t, source, "the other way")
			if got, want := f.Counts(), (Counts{Connections: 1, Segments: 1, Bytes: 4}); got != want || got.Hits() != 1 {
				t.Errorf("counted %+v, want %+v", got, want)
			}
			f.Heal()
			want(t, target, "held")
			send(t, source, "open again")
			want(t, target, "open again")
			if f.Counts().Bytes != 4 {
				t.Error("a healed fault counts on")
			}
		})
	}
}

func TestACutLeavesOtherNodesAlone(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	p := pairOf(t, n, Direction{"n1", "n3"})
	f := inject(t, n, cut, forth, back, Direction{"n3", "n2"})
	send(t, p.near, "x")
	want(t, p.far, "x")
	send(t, p.far, "y")
	want(t, p.near, "y")
	if got := f.Counts(); got != (Counts{}) || got.Hits() != 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestEndsOfStreamsAreHeldBehindTheirBytes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, cut, forth)
	send(t, p.near, "last words")
	if err := p.near.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is held", func() bool { return f.Counts().Segments == 2 })
	wantSilence(t, p.far)
	f.Heal()
	want(t, p.far, "last words")
	wantEnd(t, p.far, fin)
}

func TestAResetUnderACutArrivesAfterHealingWithoutWhatWasHeld(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, cut, forth)
	send(t, p.near, "lost with its sender")
	holds(t, f, 20)
	abort(p.near)
	eventually(t, "the reset is held", func() bool { return f.Counts().Segments == 2 })
	wantSilence(t, p.far)
	f.Heal()
	wantEnd(t, p.far, rst)
}

func TestTheDeathOfATargetIsNotSeenThroughACut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		die  func(*net.TCPConn)
		how  end
	}{
		{"an end of the stream", func(c *net.TCPConn) { _ = c.Close() }, fin},
		{"a reset", abort, rst},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			f := inject(t, p.network, cut, back)
			tt.die(p.far)
			eventually(t, "its end is held", func() bool { return f.Counts().Segments == 1 })
			wantSilence(t, p.near)
			f.Heal()
			wantEnd(t, p.near, tt.how)
		})
	}
}

// A reset that is answered to held bytes is itself subject to the cut of its way.
func TestTheAnswerOfADeadTargetIsNotSeenThroughACut(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, cut, back)
	if err := p.far.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is held", func() bool { return f.Counts().Segments == 1 })
	eventually(t, "the reset is held", func() bool {
		send(t, p.near, "x")
		return f.Counts().Segments == 2
	})
	wantSilence(t, p.near)
	f.Heal()
	wantEnd(t, p.near, rst)
}

func TestTwoCutsOfADirectionHoldUntilBothHave(t *testing.T) {
	t.Parallel()
	for _, firstFirst := range []bool{true, false} {
		p := newPair(t)
		first, second := inject(t, p.network, cut, forth, back), inject(t, p.network, cut, forth, forth)
		if !firstFirst {
			first, second = second, first
		}
		send(t, p.near, "held")
		holds(t, first, 4)
		holds(t, second, 4)
		first.Heal()
		first.Heal()
		send(t, p.near, " twice")
		holds(t, second, 10)
		wantSilence(t, p.far)
		second.Heal()
		want(t, p.far, "held twice")
		if got := first.Counts().Bytes; got != 4 {
			t.Errorf("the healed one counted %d bytes", got)
		}
	}
}

func TestACutHoldsWhatADelayHadUnderWay(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	slow := inject(t, p.network, Conditions{Delay: time.Hour}, forth)
	send(t, p.near, "under way")
	holds(t, slow, 9)
	f := inject(t, p.network, cut, forth)
	holds(t, f, 9)
	slow.Heal()
	send(t, p.near, " and more")
	holds(t, f, 18)
	wantSilence(t, p.far)
	f.Heal()
	want(t, p.far, "under way and more")
}

func TestNoByteArrivesOnceTheCutIsMade(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	sent := make(chan int)
	go func() {
		total := 0
		for piece := make([]byte, 10_000); ; {
			n, err := p.near.Write(piece)
			total += n
			if err != nil {
				sent <- total
				return
			}
		}
	}()
	want(t, p.far, string(make([]byte, 100_000))) // the stream flows
	arrived := 100_000
	for range 5 {
		f := inject(t, p.network, cut, forth)
		arrived += available(t, p.far, 50*time.Millisecond) // what had been passed on before
		eventually(t, "the queue is full", func() bool { return f.Counts().Bytes >= queueLimit/2 })
		if late := available(t, p.far, 10*time.Millisecond); late > 0 {
			t.Fatalf("%d bytes came through the cut", late)
		}
		f.Heal()
	}
	f := inject(t, p.network, cut, forth)
	_ = p.near.SetWriteDeadline(past) // the source gives up
	total := receive(t, sent)
	if err := p.near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f.Heal()
	if arrived += drain(t, p.far); arrived != total {
		t.Errorf("%d bytes of %d arrived", arrived, total)
	}
}

func TestACutStreamTakesABoundedAmountOfMemory(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, cut, forth)
	sent := fillUp(t, p.near)
	if held := f.Counts().Bytes; held > queueLimit+segmentSize || held == 0 {
		t.Errorf("%d of %d bytes are held in memory", held, sent)
	}
	if err := p.near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f.Heal()
	if got := drain(t, p.far); got != sent {
		t.Errorf("%d bytes of %d arrived", got, sent)
	}
}
