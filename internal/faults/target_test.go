package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func led(by string) func(context.Context, history.Group) string {
	return func(context.Context, history.Group) string { return by }
}

func TestTargetsAreFoundByTheirRole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		target Target
		nodes  int
		leader string
		among  string // each of the candidates is chosen by some seed, nobody else ever
		count  int
	}{
		{Target{}, 3, "n2", "n1 n2 n3", 1},
		{Target{}, 1, "", "n1", 1},
		{Target{Count: 2}, 4, "", "n1 n2 n3 n4", 2},
		{Target{Count: 9}, 3, "", "n1 n2 n3", 3},
		{Target{Count: -1}, 3, "", "n1 n2 n3", 1},
		{Target{Node: "n3"}, 3, "", "n3", 1},
		{Target{Node: "n3", Role: Leader, Count: 2}, 3, "n1", "n3", 1},
		{Target{Role: All}, 3, "", "n1 n2 n3", 3},
		{Target{Role: All, Count: 2}, 3, "", "n1 n2 n3", 3},
		{Target{Role: Leader}, 3, "n1", "n1", 1},
		{Target{Role: Leader, Count: 2}, 3, "n3", "n3", 1},
		{Target{Role: Follower}, 3, "n1", "n2 n3", 1},
		{Target{Role: Follower}, 3, "n2", "n1 n3", 1},
		{Target{Role: Follower}, 3, "n3", "n1 n2", 1},
		{Target{Role: Follower, Count: 2}, 5, "n3", "n1 n2 n4 n5", 2},
		{Target{Role: Follower, Count: 5}, 5, "n5", "n1 n2 n3 n4", 4},
	}
	for _, tt := range tests {
		w := newWorld(tt.nodes)
		w.env.Leader = led(tt.leader)
		seen := make(map[string]bool)
		for seed := range uint64(200) {
			nodes, err := tt.target.resolve(t.Context(), &w.env, seed)
			ids := identities(nodes)
			if err != nil || len(ids) != tt.count || !slices.IsSorted(ids) || len(slices.Compact(ids)) != tt.count {
				t.Fatalf("%+v of %d: got %v, %v", tt.target, tt.nodes, ids, err)
			}
			for _, id := range ids {
				seen[id] = true
			}
			again, _ := tt.target.resolve(t.Context(), &w.env, seed)
			if !slices.Equal(identities(again), ids) {
				t.Fatalf("%+v: the same seed chooses %v and %v", tt.target, ids, identities(again))
			}
		}
		if want := strings.Fields(tt.among); len(seen) != len(want) || slices.ContainsFunc(want, func(id string) bool { return !seen[id] }) {
			t.Errorf("%+v of %d led by %q: chose %v", tt.target, tt.nodes, tt.leader, seen)
		}
	}
}

// twoGroups are n1 to n3 and n4 to n6.
func twoGroups() []history.Group {
	nodes := named(6)
	return []history.Group{{Shard: "s1", Nodes: nodes[:3]}, {Shard: "s2", Nodes: nodes[3:]}}
}

func TestLeadersAndFollowersAreThoseOfOneGroup(t *testing.T) {
	t.Parallel()
	leaders := map[string]string{"s1": "n2", "s2": "n4"}
	for _, tt := range []struct {
		target Target
		among  []string // each of these is chosen by some seed, nothing else ever
	}{
		{Target{Role: Leader}, []string{"n2", "n4"}},
		{Target{Role: Follower, Count: 2}, []string{"n1 n3", "n5 n6"}},
		{Target{Role: Whole}, []string{"n1 n2 n3", "n4 n5 n6"}},
		{Target{Role: All}, []string{"n1 n2 n3 n4 n5 n6"}},
		{Target{Node: "n5"}, []string{"n5"}},
	} {
		w := newWorld(6)
		w.env.Groups = twoGroups()
		w.env.Leader = func(_ context.Context, g history.Group) string { return leaders[g.Shard] }
		seen := make(map[string]bool)
		for seed := range uint64(50) {
			nodes, err := tt.target.resolve(t.Context(), &w.env, seed)
			ids := strings.Join(identities(nodes), " ")
			if err != nil || !slices.Contains(tt.among, ids) {
				t.Fatalf("%+v: got %s, %v", tt.target, ids, err)
			}
			seen[ids] = true
		}
		if len(seen) != len(tt.among) {
			t.Errorf("%+v: only %v", tt.target, seen)
		}
	}
	if alone := (Target{Role: Whole}).choose(named(3), history.Group{}, "", 1); len(alone) != 3 {
		t.Errorf("where there are no groups, a whole one is all nodes: got %v", alone)
	}
}

// The seed's choice is the same place among the followers, whoever leads.
func TestAFollowerIsChosenByItsPlaceAmongThem(t *testing.T) {
	t.Parallel()
	w := newWorld(4)
	for seed := range uint64(50) {
		place := pick(3, 1, seed)[0]
		for _, leader := range named(4) {
			w.env.Leader = led(leader)
			got, err := Target{Role: Follower}.resolve(t.Context(), &w.env, seed)
			if err != nil || got[0].ID() != without(named(4), []string{leader})[place] {
				t.Fatalf("led by %s: got %v, %v", leader, identities(got), err)
			}
		}
	}
}

func TestAStepWaitsForALeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		role Role
		want string
	}{{Leader, "n2 kill"}, {Follower, "n1 kill"}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(2)
			began := time.Now()
			w.env.Leader = func(context.Context, history.Group) string {
				if time.Since(began) < 3*time.Second {
					return ""
				}
				return "n2"
			}
			var found time.Duration
			active := func(_ string, begun bool) {
				if begun {
					found = time.Since(began)
				}
			}
			if err := Inject(t.Context(), &w.env, Step{Fault: Kill(), Target: Target{Role: tt.role}}, &w.recorder, active, nil); err != nil {
				t.Fatal(err)
			}
			if got := w.all(); len(got) == 0 || got[0] != tt.want {
				t.Errorf("got %v", got)
			}
			if found != 3*time.Second {
				t.Errorf("found after %s", found)
			}
		})
	}
}

func TestAStepThatFindsNobodyIsSkippedAndNotRecorded(t *testing.T) {
	t.Parallel()
	hanging := func(ctx context.Context, _ history.Group) string {
		<-ctx.Done()
		return ""
	}
	tests := []struct {
		name   string
		nodes  int
		role   Role
		leader func(context.Context, history.Group) string
		stop   time.Duration // when the run stops
		cancel time.Duration // when ctx is cancelled
		took   time.Duration
	}{
		{"nobody leads", 3, Leader, led(""), 0, 0, 5 * time.Second},
		{"there is nobody to follow", 3, Follower, led(""), 0, 0, 5 * time.Second},
		{"the leader is nobody we know", 3, Leader, led("n4"), 0, 0, 5 * time.Second},
		{"nobody follows one we do not know", 3, Follower, led("n4"), 0, 0, 5 * time.Second},
		{"a single node has no followers", 1, Follower, led("n1"), 0, 0, 5 * time.Second},
		{"nobody answers", 3, Leader, hanging, 0, 0, 5 * time.Second},
		{"the run stops", 3, Leader, led(""), time.Second, 0, time.Second},
		{"the run stops and nobody answers", 3, Leader, hanging, time.Second, 0, time.Second},
		{"ctx is cancelled", 3, Leader, hanging, 0, time.Second, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, func() { close(stop) })
				}
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				w := newWorld(tt.nodes)
				w.env.Leader = tt.leader
				told := false
				began := time.Now()
				err := Inject(ctx, &w.env, Step{Fault: Kill(), Target: Target{Role: tt.role}}, &w.recorder, func(string, bool) { told = true }, stop)
				if (tt.cancel > 0) != errors.Is(err, context.Canceled) || tt.cancel == 0 && err != nil {
					t.Errorf("got %v", err)
				}
				if got := time.Since(began); got != tt.took {
					t.Errorf("it took %s, want %s", got, tt.took)
				}
				if len(w.all()) > 0 || len(w.recorder.events) > 0 || told {
					t.Errorf("got %v, %+v, told %v", w.all(), w.recorder.events, told)
				}
			})
		})
	}
}

func TestASkippedStepIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3)
		asked := 0
		w.env.Leader = func(context.Context, history.Group) string {
			if asked++; asked < 150 { // more often than one step asks
				return ""
			}
			return "n1"
		}
		stop := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		plan := w.only(Spec{Fault: Kill(), Target: Target{Role: Leader}, Hold: Range{Min: day}})
		if err := Run(t.Context(), &w.env, plan, &w.recorder, nobody, stop); err != nil {
			t.Fatal(err)
		}
		if e := w.recorder.events; len(e) != 1 || !slices.Equal(e[0].Targets, []string{"n1"}) {
			t.Errorf("got %+v", e)
		}
	})
}

func TestATargetThatCannotBeFoundIsAnError(t *testing.T) {
	t.Parallel()
	for want, target := range map[string]Target{
		"fault kill: there is no node n9":                 {Node: "n9"},
		"fault kill: nothing here can tell who leads":     {Role: Leader},
		"fault kill: nothing here can tell who leads\x00": {Role: Follower},
	} {
		w := newWorld(3)
		err := Inject(t.Context(), &w.env, Step{Fault: Kill(), Target: target}, &w.recorder, nobody, nil)
		if want, _, _ := strings.Cut(want, "\x00"); fmt.Sprint(err) != want || len(w.recorder.events) > 0 {
			t.Errorf("%+v: got %v", target, err)
		}
	}
}
