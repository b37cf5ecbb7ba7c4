package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// groups splits a detail such as "n4 | n1 n2; held 2 connections, 4 segments".
func groups(detail string) [][]string {
	text, _, _ := strings.Cut(detail, ";")
	text, _, _ = strings.Cut(text, ",")
	var out [][]string
	for part := range strings.SplitSeq(text, " | ") {
		out = append(out, strings.Fields(part))
	}
	return out
}

// Each cut is observed on real links: what is said of it must be what happens.
func TestCutsHaveTheirShapes(t *testing.T) {
	t.Parallel()
	for n := 2; n <= 6; n++ {
		t.Run(fmt.Sprintf("%d nodes", n), func(t *testing.T) {
			t.Parallel()
			m := newMesh(t, n)
			ids := named(n)
			for _, tt := range []struct {
				fault Fault
				check func(t *testing.T, sees map[string][]string, off []string, detail string)
			}{
				{Isolate(), func(t *testing.T, sees map[string][]string, off []string, detail string) {
					twoSides(t, sees, off, detail)
					if len(off) != 1 {
						t.Errorf("%v are cut off", off)
					}
				}},
				{Halves(), func(t *testing.T, sees map[string][]string, off []string, detail string) {
					twoSides(t, sees, off, detail)
					if len(off) != n/2 {
						t.Errorf("%v are cut off", off)
					}
				}},
				{Majority(), func(t *testing.T, sees map[string][]string, off []string, detail string) {
					twoSides(t, sees, off, detail)
					if len(off) < 1 || len(off) >= n-n/2 {
						t.Errorf("%v are cut off", off)
					}
				}},
				{Bridge(), func(t *testing.T, sees map[string][]string, off []string, detail string) {
					sides := groups(detail)
					if len(sides) != 2 || !slices.Equal(sides[0], off) || len(off) != (n-1)/2 || len(sides[0])+len(sides[1]) != n-1 {
						t.Fatalf("%v are cut off: %s", off, detail)
					}
					bridge := without(ids, slices.Concat(sides...))
					if got := sees[bridge[0]]; !slices.Equal(got, ids) || !strings.Contains(detail, ", "+bridge[0]+" sees both;") {
						t.Errorf("%s sees %v: %s", bridge, got, detail)
					}
					for _, side := range sides {
						want := slices.Sorted(slices.Values(append(bridge[:1:1], side...)))
						for _, id := range side {
							if !slices.Equal(sees[id], want) {
								t.Errorf("%s sees %v, want %v: %s", id, sees[id], want, detail)
							}
						}
					}
				}},
				{Ring(), func(t *testing.T, sees map[string][]string, off []string, detail string) {
					// A least majority: 3 of 4, 3 of 5, 4 of 6.
					views := make(map[string]bool)
					for _, id := range ids {
						if len(sees[id]) != n/2+1 {
							t.Errorf("%s sees %v: %s", id, sees[id], detail)
						}
						views[fmt.Sprint(sees[id])] = true
					}
					if len(views) != n || !slices.Equal(off, ids) {
						t.Errorf("two nodes see the same majority: %v; cut off %v", sees, off)
					}
					circle := strings.Fields(strings.Split(strings.TrimPrefix(detail, "ring "), ",")[0])
					for i, id := range circle {
						if next := circle[(i+1)%n]; !slices.Contains(sees[id], next) || len(circle) != n {
							t.Errorf("%s does not see its neighbour %s: %s", id, next, detail)
						}
					}
				}},
			} {
				if n < tt.fault.MinNodes {
					continue
				}
				details := make(map[string]bool)
				for seed := range uint64(12) {
					step := Step{Fault: tt.fault, Seed: seed, nodes: ids}
					target := step.known()
					held, i := m.observe(t, tt.fault, step, target...)
					if len(held) == 0 || !symmetric(held) || i.Hits() != len(held) {
						t.Errorf("%s holds %v with %d hits", tt.fault.Name, held, i.Hits())
					}
					m.heal(t, i)
					detail := i.Detail()
					suffix := fmt.Sprintf("; held %s, %s", counted(len(held), "connection"), counted(len(held), "segment"))
					text, ok := strings.CutSuffix(detail, suffix)
					if !ok {
						t.Errorf("%s: got detail %q, want suffix %q", tt.fault.Name, detail, suffix)
					}
					if planned := step.String(); planned != "cut "+text {
						t.Errorf("planned %q, was %q", planned, detail)
					}
					if !slices.Contains(i.Targets, target[0]) && tt.fault.Name != "bridge" {
						t.Errorf("%s aimed at %v cuts off %v", tt.fault.Name, target, i.Targets)
					}
					if tt.fault.Name == "bridge" && slices.Contains(slices.Concat(groups(detail)...), target[0]) {
						t.Errorf("the bridge is not %v: %s", target, detail)
					}
					tt.check(t, m.sees(held), i.Targets, detail)
					details[text] = true
				}
				if len(details) < 2 {
					t.Errorf("%s is always %v", tt.fault.Name, details)
				}
			}
		})
	}
}

// twoSides checks that each node sees its own side and nobody else.
func twoSides(t *testing.T, sees map[string][]string, off []string, detail string) {
	t.Helper()
	sides := groups(detail)
	if len(sides) != 2 || !slices.Equal(sides[0], off) || len(sides[0])+len(sides[1]) != len(sees) {
		t.Fatalf("%v are cut off: %s", off, detail)
	}
	for _, side := range sides {
		for _, id := range side {
			if !slices.Equal(sees[id], side) {
				t.Errorf("%s sees %v: %s", id, sees[id], detail)
			}
		}
	}
}

func TestCutsOfSeveralTargetsKeepThemTogetherAsFarAsTheyFit(t *testing.T) {
	t.Parallel()
	const n = 5
	m := newMesh(t, n)
	tests := []struct {
		fault   Fault
		targets string
		off     string // empty: two of the targets
		held    int
	}{
		{Isolate(), "n2 n4", "n2 n4", 2 * 2 * 3},
		{Isolate(), "n1 n2 n3 n4", "n1 n2 n3 n4", 2 * 4},
		{Isolate(), "n1 n2 n3 n4 n5", "n1 n2 n3 n4 n5", n * (n - 1)},
		{Halves(), "n2 n4", "n2 n4", 2 * 2 * 3},
		{Halves(), "n2 n3 n4", "", 2 * 2 * 3},
		{Halves(), "n1 n2 n3 n4 n5", "", 2 * 2 * 3},
		{Majority(), "n2 n4", "n2 n4", 2 * 2 * 3},
		{Majority(), "n2 n3 n4", "", 2 * 2 * 3},
	}
	for _, tt := range tests {
		for seed := range uint64(8) {
			targets := strings.Fields(tt.targets)
			held, i := m.observe(t, tt.fault, Step{Seed: seed}, targets...)
			m.heal(t, i)
			if len(held) != tt.held || !symmetric(held) {
				t.Errorf("%s of %s holds %v", tt.fault.Name, tt.targets, held)
			}
			if tt.off != "" && strings.Join(i.Targets, " ") != tt.off {
				t.Errorf("%s of %s cuts off %v", tt.fault.Name, tt.targets, i.Targets)
			}
			if len(without(i.Targets, targets)) > 0 || tt.off == "" && len(i.Targets) != 2 {
				t.Errorf("%s of %s cuts off %v", tt.fault.Name, tt.targets, i.Targets)
			}
		}
	}
}

func TestAOneWayCutHoldsOneDirection(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 4)
	seen := make(map[string]int)
	for seed := range uint64(20) {
		held, i := m.observe(t, OneWay(), Step{Seed: seed}, "n3")
		m.heal(t, i)
		switch detail := i.Detail(); {
		case slices.Equal(held, arrows("n3>n1 n3>n2 n3>n4")) && strings.HasPrefix(detail, "n3 -> n1 n2 n4; held 3 "):
			seen["from"]++
		case slices.Equal(held, arrows("n1>n3 n2>n3 n4>n3")) && strings.HasPrefix(detail, "n1 n2 n4 -> n3; held 3 "):
			seen["to"]++
		default:
			t.Fatalf("%v: %s", held, detail)
		}
		if !slices.Equal(i.Targets, []string{"n3"}) {
			t.Errorf("got targets %v", i.Targets)
		}
	}
	if seen["from"] < 3 || seen["to"] < 3 {
		t.Errorf("got %v", seen)
	}
	for seed := range uint64(4) {
		held, i := m.observe(t, OneWay(), Step{Seed: seed}, named(4)...)
		m.heal(t, i)
		if len(held) != 4 || len(i.Targets) != 2 {
			t.Errorf("of all: %v, %v", held, i.Targets)
		}
	}
}

// What the seed can choose, it does choose, and nothing else.
func TestTheSeedChoosesAmongAllShapes(t *testing.T) {
	t.Parallel()
	n1, all := Target{Node: "n1"}, Target{Role: All}
	for _, tt := range []struct {
		fault  Fault
		nodes  int
		target Target
		shapes int
	}{
		{Isolate(), 5, n1, 1},
		{Isolate(), 5, Target{}, 5},
		{Isolate(), 5, Target{Count: 2}, 10},
		{Halves(), 4, n1, 3},
		{Halves(), 5, n1, 4},
		{Halves(), 5, all, 10},
		{Majority(), 3, n1, 1},
		{Majority(), 5, n1, 1 + 4},
		{Majority(), 5, Target{}, 5 + 10},
		{Majority(), 5, all, 10},
		{Ring(), 4, Target{}, 24},
		{Bridge(), 3, n1, 2},
		{Bridge(), 5, n1, 6},
		{Bridge(), 4, all, 4 * 3},
		{OneWay(), 3, n1, 2},
		{OneWay(), 4, all, 6},
	} {
		plan := NewPlan(1, []Track{{{Fault: tt.fault, Weight: 1, Target: tt.target}}}, named(tt.nodes))
		seen := make(map[string]bool)
		for _, s := range plan.Steps(time.Second)[0] {
			seen[s.String()] = true
		}
		if len(seen) != tt.shapes {
			t.Errorf("%s of %d, %+v: %d shapes, want %d", tt.fault.Name, tt.nodes, tt.target, len(seen), tt.shapes)
		}
	}
}

// Without links: the circles that are too large for a test with connections, and those
// that are too small for a cut.
func TestOnARingEachSeesALeastMajorityWherePossible(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 5: 3, 6: 4, 7: 5, 8: 5, 9: 5, 10: 6, 11: 7, 12: 7} {
		for i := range n {
			seen := 0
			for j := range n {
				if seesOnRing(n, i, j) != seesOnRing(n, j, i) {
					t.Errorf("%d nodes: %d and %d see each other one way", n, i, j)
				}
				if seesOnRing(n, i, j) {
					seen++
				}
			}
			if seen != want || seen < n/2+1 {
				t.Errorf("%d nodes: %d sees %d, want %d", n, i, seen, want)
			}
		}
	}
}
