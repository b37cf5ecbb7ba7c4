package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAStepSaysWhatItDoesToWhom(t *testing.T) {
	t.Parallel()
	// A seed that chooses the 2nd of two followers, and n1 and n3 of three nodes.
	var seed uint64
	for fmt.Sprint(pick(2, 1, seed), pick(3, 2, seed)) != "[1] [0 2]" {
		seed++
	}
	three := named(3)
	inTwo := uint64(0)
	for drawGroup(twoGroups(), inTwo).Shard != "s2" {
		inTwo++
	}
	tests := []struct {
		step Step
		want string
	}{
		{Step{Fault: Kill(), Target: Target{Role: Follower}, Seed: seed, Hold: 400 * time.Millisecond, nodes: three}, "kill a follower (the 2nd) for 400 ms"},
		{Step{Fault: Kill(), Target: Target{Role: Follower, Count: 2}, Seed: seed, nodes: three}, "kill 2 followers (the 1st and the 2nd)"},
		{Step{Fault: Pause(), Target: Target{Role: Leader}, Hold: 2340 * time.Millisecond, nodes: three}, "pause the leader for 2.3 s"},
		{Step{Fault: Stop(), Target: Target{Role: All}, nodes: three}, "stop all nodes"},
		{Step{Fault: Stop(), Target: Target{Count: 2}, Seed: seed, nodes: three}, "stop n1 and n3"},
		{Step{Fault: Kill(), Target: Target{Node: "n2"}, nodes: three}, "kill n2"},
		// Those that are not from a plan know no nodes.
		{Step{Fault: Kill()}, "kill a node"},
		{Step{Fault: Kill(), Target: Target{Count: 2}}, "kill 2 nodes"},
		{Step{Fault: Kill(), Target: Target{Role: Follower}}, "kill a follower"},
		{Step{Fault: Isolate(), Target: Target{Node: "n2"}}, "cut off n2"},
		{Step{Fault: Ring()}, "leave each node a majority of its own"},

		{Step{Fault: KillRecovering(), Target: Target{Node: "n2"}, Delay: 70 * time.Millisecond}, "kill n2, and again 70 ms after the restart"},
		{Step{Fault: Isolate(), Target: Target{Node: "n2"}, Hold: time.Second, nodes: three}, "cut n2 | n1 n3 for 1.0 s"},
		{Step{Fault: Isolate(), Target: Target{Role: Leader}, nodes: three}, "cut off the leader"},
		{Step{Fault: Halves(), Target: Target{Role: Leader}, nodes: three}, "split in halves, with the leader in the smaller one"},
		{Step{Fault: Majority(), Target: Target{Role: Follower}, Seed: seed, nodes: three}, "cut off a minority with a follower (the 2nd)"},
		{Step{Fault: Bridge(), Target: Target{Role: Leader}, nodes: three}, "split in halves that share the leader"},
		{Step{Fault: OneWay(), Target: Target{Role: Leader}, nodes: three}, "cut one way between the leader and the others"},
		{Step{Fault: Slow(), Target: Target{Role: Leader}, Delay: 60 * time.Millisecond}, "slow the links of the leader by 60 to 90 ms"},
		{Step{Fault: Reset(), Target: Target{Role: All}, Hold: time.Second}, "reset the connections of all nodes for 1.0 s"},
		{Step{Fault: Fault{Name: "own"}, Target: Target{Node: "n1"}}, "own n1"},

		{Step{Fault: Kill(), Target: Target{Role: Leader}, Seed: inTwo, nodes: named(6), groups: twoGroups()}, "kill the leader of s2"},
		{Step{Fault: Kill(), Target: Target{Role: Follower, Count: 2}, Seed: inTwo, nodes: named(6), groups: twoGroups()}, "kill 2 followers (the 1st and the 2nd) of s2"},
		{Step{Fault: Pause(), Target: Target{Role: Whole}, Seed: inTwo, nodes: named(6), groups: twoGroups()}, "pause all of s2"},
		{Step{Fault: Isolate(), Target: Target{Role: Whole}, Seed: inTwo, nodes: named(6), groups: twoGroups()}, "cut n4 n5 n6 | n1 n2 n3"},
	}
	for _, tt := range tests {
		if got := tt.step.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestNumbersAreSpelledAsPeopleDo(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 101: "101st", 111: "111th"} {
		if got := ordinal(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := and([]string{"a", "b", "c"}); got != "a, b and c" {
		t.Errorf("got %q", got)
	}
	if got := counted(1, "node") + counted(2, "node"); got != "1 node2 nodes" {
		t.Errorf("got %q", got)
	}
}

func TestEveryFaultOfACatalogCanBeDescribedInAnyCluster(t *testing.T) {
	t.Parallel()
	for _, f := range Catalog() {
		for n := range 8 {
			for _, target := range []Target{{}, {Role: Leader}, {Role: Follower, Count: 2}, {Role: All}, {Node: "n1"}, {Node: "n9"}} {
				for seed := range uint64(10) {
					s := Step{Fault: f, Target: target, Seed: seed, nodes: named(n)}.String()
					if s == "" || strings.ContainsAny(s, "%!\n") && f.Name != "lossy" || strings.Contains(s, "  ") || strings.HasSuffix(s, " ") {
						t.Errorf("%s, %d nodes, %+v: got %q", f.Name, n, target, s)
					}
				}
			}
		}
	}
}
