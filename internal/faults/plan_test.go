package faults

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func between(low, high int) Range {
	return Range{time.Duration(low) * time.Millisecond, time.Duration(high) * time.Millisecond}
}

func testTrack() Track {
	return Track{
		{Fault: Kill(), Weight: 3, Gap: between(100, 900), Hold: between(0, 50)},
		{Fault: Stop(), Weight: 0, Gap: between(1, 2)},
		{Fault: KillRecovering(), Weight: 1, Gap: between(300, 303), Hold: between(7, 7), Delay: between(1, 200)},
	}
}

func networkTrack() Track {
	return Track{
		{Fault: Isolate(), Weight: 1, Target: Target{Role: Leader}, Gap: between(1, 500), Hold: between(1, 500)},
		{Fault: Slow(), Weight: 1, Target: Target{Role: Follower, Count: 2}, Gap: between(1, 500), Hold: between(1, 500)},
	}
}

// drawn is a step without its functions, which cannot be compared.
type drawn struct {
	fault            string
	target           Target
	seed             uint64
	gap, hold, delay time.Duration
}

func plain(s Step) drawn {
	return drawn{s.Fault.Name, s.Target, s.Seed, s.Gap, s.Hold, s.Delay}
}

func next(t *testing.T, p *Plan, track, n int) []drawn {
	t.Helper()
	out := make([]drawn, n)
	for i := range out {
		s, ok := p.Next(track)
		if !ok {
			t.Fatal("the plan has ended")
		}
		out[i] = plain(s)
	}
	return out
}

func steps(t *testing.T, seed int64, nodes, n int) []drawn {
	t.Helper()
	return next(t, NewPlan(seed, []Track{testTrack()}, named(nodes)), 0, n)
}

func TestASeedMakesThePlan(t *testing.T) {
	t.Parallel()
	plan := steps(t, 42, 5, 50)
	if !slices.Equal(plan, steps(t, 42, 5, 50)) {
		t.Error("the same seed makes another plan")
	}
	for _, seed := range []int64{0, 41, 43, math.MaxInt64} {
		if slices.Equal(plan, steps(t, seed, 5, 50)) {
			t.Errorf("seed %d makes the same plan", seed)
		}
	}
}

func TestEachTrackHasRandomNumbersOfItsOwn(t *testing.T) {
	t.Parallel()
	tracks := []Track{testTrack(), networkTrack(), testTrack()}
	p := NewPlan(42, tracks, named(5))
	if p.Tracks() != 3 {
		t.Fatalf("got %d tracks", p.Tracks())
	}
	first, second, third := next(t, p, 0, 30), next(t, p, 1, 30), next(t, p, 2, 30)
	if slices.Equal(first, third) {
		t.Error("equal tracks have the same steps")
	}
	for name, changed := range map[string][]Track{
		"another first track": {networkTrack(), networkTrack(), testTrack()},
		"an empty one":        {nil, networkTrack(), testTrack()},
		"no third track":      {testTrack(), networkTrack()},
	} {
		if !slices.Equal(next(t, NewPlan(42, changed, named(5)), 1, 30), second) {
			t.Errorf("%s changes the second", name)
		}
	}
	// In whatever order the tracks are asked.
	q := NewPlan(42, tracks, named(5))
	if !slices.Equal(next(t, q, 2, 30), third) || !slices.Equal(next(t, q, 0, 30), first) {
		t.Error("the order of asking changes the steps")
	}
}

func TestAPlanKeepsToItsSpecs(t *testing.T) {
	t.Parallel()
	const n, nodes = 8000, 5
	count := make(map[string]int)
	targets := make([]int, nodes)
	seen := make(map[time.Duration]bool)
	for _, s := range steps(t, 1, nodes, n) {
		count[s.fault]++
		targets[s.target.choose(named(nodes), history.Group{}, "", s.seed)[0]]++
		for _, spec := range testTrack() {
			if spec.Fault.Name != s.fault {
				continue
			}
			for _, d := range []struct {
				Range
				drawn time.Duration
			}{{spec.Gap, s.gap}, {spec.Hold, s.hold}, {spec.Delay, s.delay}} {
				if d.drawn < d.Min || d.drawn > d.Max {
					t.Fatalf("%s is out of %v: %+v", d.drawn, d.Range, s)
				}
			}
		}
		if s.fault == "kill" {
			seen[s.gap.Truncate(100*time.Millisecond)] = true
		}
	}
	if share := float64(count["kill"]) / n; math.Abs(share-0.75) > 0.03 || count["stop"] != 0 {
		t.Errorf("got %v", count)
	}
	for i, hits := range targets {
		if math.Abs(float64(hits)/n-1.0/nodes) > 0.03 {
			t.Errorf("node %d is the target %d times of %d", i, hits, n)
		}
	}
	if len(seen) < 8 {
		t.Errorf("the gaps fill only %d of 8 parts of their range", len(seen))
	}
}

func TestBothEndsOfARangeArePossible(t *testing.T) {
	t.Parallel()
	p := NewPlan(3, []Track{{{Fault: Kill(), Weight: 1, Gap: Range{5, 7}, Hold: Range{9, 9}, Delay: Range{8, 2}}}}, named(1))
	seen := make(map[time.Duration]bool)
	for range 200 {
		s, _ := p.Next(0)
		seen[s.Gap] = true
		if s.Hold != 9 || s.Delay != 8 {
			t.Fatalf("got %+v", s)
		}
	}
	if len(seen) != 3 || !seen[5] || !seen[7] {
		t.Errorf("got %v", seen)
	}
}

func TestFaultsThatMakeNoSenseInSoSmallAClusterAreLeftOut(t *testing.T) {
	t.Parallel()
	track := Track{{Fault: Ring(), Weight: 9}, {Fault: Majority(), Weight: 9}, {Fault: Kill(), Weight: 1}}
	for nodes, want := range [][]string{1: {"kill"}, 2: {"kill"}, 3: {"kill", "majority"}, 4: {"kill", "majority", "ring"}} {
		p := NewPlan(1, []Track{track}, named(nodes))
		seen := make(map[string]bool)
		for range 200 {
			if s, ok := p.Next(0); ok {
				seen[s.Fault.Name] = true
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%d nodes: got %v, want %v", nodes, seen, want)
		}
	}
	if track[0].Fault.Name != "ring" {
		t.Error("the track of the caller is changed")
	}
}

func TestThePlannedStepsAreThoseThatComeNext(t *testing.T) {
	t.Parallel()
	p := NewPlan(7, []Track{testTrack(), nil, networkTrack()}, named(5))
	p.Next(0) // Steps begins at the start all the same
	const length = 20 * time.Second
	planned := p.Steps(length)
	if len(planned) != 3 || len(planned[1]) != 0 {
		t.Fatalf("got %v", planned)
	}
	fresh := NewPlan(7, []Track{testTrack(), nil, networkTrack()}, named(5))
	for _, track := range []int{0, 2} {
		var at time.Duration
		for i, got := range planned[track] {
			want, _ := fresh.Next(track)
			at += want.Gap
			if plain(got.Step) != plain(want) || got.At != at || at >= length {
				t.Fatalf("step %d: got %v at %s, want %v at %s", i, got, got.At, want, at)
			}
			at += want.Hold
		}
		if after, _ := fresh.Next(track); at+after.Gap < length || len(planned[track]) < 10 {
			t.Errorf("track %d: it ends after %d steps", track, len(planned[track]))
		}
	}
	// It took nothing from Next, which is one step further.
	again := NewPlan(7, []Track{testTrack()}, named(5))
	again.Next(0)
	if !slices.Equal(next(t, p, 0, 5), next(t, again, 0, 5)) {
		t.Error("the next steps have changed")
	}
}

func TestAPlanWhoseStepsTakeNoTimeIsBounded(t *testing.T) {
	t.Parallel()
	p := NewPlan(1, []Track{{{Fault: Kill(), Weight: 1}}}, named(1))
	if got := len(p.Steps(time.Second)[0]); got != mostPlanned {
		t.Errorf("got %d steps", got)
	}
	if got := len(p.Steps(0)[0]); got != 0 {
		t.Errorf("got %d steps in no time", got)
	}
}

func TestAmongAsManyStepsAsTheWeightsSumUpToEachFaultComesAsOftenAsItsWeight(t *testing.T) {
	t.Parallel()
	track := Track{{Fault: Kill(), Weight: 3}, {Fault: Pause(), Weight: 1}, {Fault: Stop(), Weight: 0}, {Fault: Slow(), Weight: 2}}
	orders := make(map[string]bool)
	for seed := range int64(20) {
		p := NewPlan(seed, []Track{track}, named(3))
		for range 3 {
			came, order := make(map[string]int), ""
			for range 6 {
				s, ok := p.Next(0)
				if !ok {
					t.Fatal("the plan ended")
				}
				came[s.Fault.Name]++
				order += s.Fault.Name + " "
			}
			if want := map[string]int{"kill": 3, "pause": 1, "slow": 2}; !maps.Equal(came, want) {
				t.Errorf("seed %d: %v came, want %v", seed, came, want)
			}
			orders[order] = true
		}
	}
	if len(orders) < 20 { // of 60
		t.Errorf("only %d orders", len(orders))
	}
}
