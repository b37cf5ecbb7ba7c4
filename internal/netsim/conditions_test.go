package netsim

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c  Conditions
		ok bool
	}{
		{Conditions{}, false},
		{Conditions{Cut: true}, true},
		{Conditions{Delay: time.Nanosecond}, true},
		{Conditions{Delay: -time.Nanosecond}, false},
		{Conditions{Jitter: time.Nanosecond}, true},
		{Conditions{Jitter: -time.Nanosecond}, false},
		{Conditions{Loss: 0.99}, true},
		{Conditions{Loss: 1}, false},
		{Conditions{Loss: -0.01}, false},
		{Conditions{Loss: math.NaN()}, false},
		{Conditions{Bandwidth: 1}, true},
		{Conditions{Bandwidth: -1}, false},
	} {
		if err := tt.c.validate(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.c, err)
		}
	}
}

func TestALostSegmentTakesTheRetransmissionPausesOfTCP(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tt := range []struct {
		losses int
		want   time.Duration
	}{{0, 0}, {1, 200 * ms}, {2, 600 * ms}, {3, 1400 * ms}, {10, 204_600 * ms}, {11, 324_600 * ms}, {12, 444_600 * ms}} {
		left := tt.losses
		random := func() float64 {
			if left--; left >= 0 {
				return 0.49
			}
			return 0.5
		}
		took, lost := Conditions{Loss: 0.5}.transit(random)
		if took != tt.want || lost != int64(tt.losses) {
			t.Errorf("lost %d times: %v, counted %d; want %v", tt.losses, took, lost, tt.want)
		}
	}
}

func TestJitterIsSpreadOverItsRange(t *testing.T) {
	t.Parallel()
	for random, want := range map[float64]time.Duration{0: 30, 0.5: 35, 0.99: 39} {
		if got, _ := (Conditions{Delay: 30, Jitter: 10}).transit(func() float64 { return random }); got != want {
			t.Errorf("%v: %d, want %d", random, got, want)
		}
	}
}

func TestTheSeedAndTheDirectionDecideWhatIsDrawn(t *testing.T) {
	t.Parallel()
	draw := func(seed int64, pair Direction) (draws []float64) {
		d := newDirection(seed, pair)
		for range 10 {
			draws = append(draws, d.random.Float64())
		}
		return draws
	}
	first := draw(1, forth)
	if !slices.Equal(first, draw(1, forth)) {
		t.Error("the same seed draws something else")
	}
	if slices.Equal(first, draw(2, forth)) || slices.Equal(first, draw(1, back)) {
		t.Error("another seed or direction draws the same")
	}
}

func TestADelayKeepsSegmentsUnderWayInOrder(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Delay: time.Hour, Jitter: time.Hour}, forth)
	var all string
	for i := range 50 {
		text := fmt.Sprintf("%d ", i)
		send(t, p.near, text)
		all += text
		holds(t, f, int64(len(all))) // the next does not wait for this one
	}
	wantSilence(t, p.far)
	f.Heal()
	want(t, p.far, all)
	if got := f.Counts(); got.Segments != 50 || got.Lost != 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestJitterNeverReorders(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	inject(t, p.network, Conditions{Jitter: 3 * time.Millisecond}, forth)
	inject(t, p.network, Conditions{Delay: time.Millisecond, Jitter: 2 * time.Millisecond}, forth)
	var all string
	for i := range 100 {
		text := fmt.Sprintf("%d ", i)
		send(t, p.near, text)
		all += text
	}
	want(t, p.far, all)
}

func TestDelaysAddUp(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	p := newPair(t)
	inject(t, p.network, Conditions{Delay: delay}, forth)
	inject(t, p.network, Conditions{Delay: delay}, forth, back)
	begun := time.Now()
	send(t, p.near, "x")
	want(t, p.far, "x")
	if took := time.Since(begun); took < 2*delay {
		t.Errorf("two delays of %v made %v", delay, took)
	}
	begun = time.Now()
	send(t, p.far, "y")
	want(t, p.near, "y")
	if took := time.Since(begun); took < delay {
		t.Errorf("a delay of %v made %v", delay, took)
	}
}

// With a longer delay still in force, healing the other one hastens what it slowed.
func TestHealingADelayHastensWhatItSlowed(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	long := inject(t, p.network, Conditions{Delay: time.Hour}, forth)
	inject(t, p.network, Conditions{Delay: time.Millisecond}, forth)
	send(t, p.near, "hurry")
	holds(t, long, 5)
	long.Heal()
	want(t, p.far, "hurry")
}

func TestALostSegmentHoldsUpWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Loss: 0.9}, forth)
	var all string
	eventually(t, "a segment is lost for long", func() bool {
		send(t, p.near, "x")
		all += "x"
		return f.Counts().Lost >= 20
	})
	c := f.Counts()
	if c.Segments > c.Lost || c.Hits() == 0 || c.Bytes > int64(len(all)) {
		t.Errorf("counted %+v", c)
	}
	f.Heal()
	want(t, p.far, all)
	send(t, p.near, "y")
	want(t, p.far, "y")
}

func TestALostSegmentArrivesByItself(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Loss: 0.3}, forth, back)
	eventually(t, "a segment is lost", func() bool {
		begun, before := time.Now(), f.Counts().Lost
		send(t, p.near, "x")
		want(t, p.far, "x")
		send(t, p.far, "y")
		want(t, p.near, "y")
		lost := f.Counts().Lost - before
		if took, least := time.Since(begun), time.Duration(lost)*firstPause; took < least {
			t.Fatalf("lost %d times, and arrived after %v", lost, took)
		}
		return lost > 0
	})
}

func TestALossThatHitsNothingCountsNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Loss: 1e-12}, forth)
	send(t, p.near, "x")
	want(t, p.far, "x")
	if got := f.Counts(); got != (Counts{}) {
		t.Errorf("counted %+v", got)
	}
}

func TestConnectionsShareTheBandwidth(t *testing.T) {
	t.Parallel()
	const perSecond, each, pairs = 1_000_000, 75_000, 2
	n := newNetwork(t)
	l := newLink(t, n, "n1", "n2")
	addr, conns := accepted(t)
	up(t, l, addr)
	f := inject(t, n, Conditions{Bandwidth: 1 << 40}, forth)
	inject(t, n, Conditions{Bandwidth: perSecond}, forth)
	begun := time.Now()
	for range pairs {
		near := dial(t, l.Addr())
		send(t, near, string(make([]byte, each)))
		if err := near.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	for range pairs {
		if got := drain(t, receive(t, conns)); got != each {
			t.Errorf("%d bytes of %d arrived", got, each)
		}
	}
	// Two streams that are 50 ms late may catch up that much, not more.
	least := time.Duration(pairs*each)*time.Second/perSecond - 50*time.Millisecond
	if took := time.Since(begun); took < least {
		t.Errorf("it took %v, want at least %v", took, least)
	}
	if got := f.Counts(); got.Bytes != pairs*each || got.Segments < 2 {
		t.Errorf("counted %+v", got)
	}
}

func TestHealingABandwidthLimitDeliversAtOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	f := inject(t, p.network, Conditions{Bandwidth: 1}, forth)
	text := string(make([]byte, 100_000)) // would take a day
	send(t, p.near, text)
	eventually(t, "it is met", func() bool { return f.Counts().Segments > 0 })
	f.Heal()
	want(t, p.far, text)
}
