package models

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseShards is parseRun for two shards of three nodes each. A write names its key's
// shard behind the node, as in n4/s1, and so does a change of leaders.
func parseShards(t testing.TB, text string) *history.History {
	t.Helper()
	h := parseRun(t, 6, text)
	h.Groups = []history.Group{{Shard: "s1", Nodes: []string{"n1", "n2", "n3"}}, {Shard: "s2", Nodes: []string{"n4", "n5", "n6"}}}
	h.Shards = map[string]string{"in s1": "s1", "in s2": "s2"}
	for i := range h.Operations {
		o := &h.Operations[i]
		node, shard, _ := strings.Cut(o.Node, "/")
		o.Node, o.Key = node, "in "+shard
	}
	for i := range h.Leaders {
		l := &h.Leaders[i]
		l.Leader, l.Shard, _ = strings.Cut(l.Leader, "/")
	}
	return h
}

func outageText(o *Outage) string {
	switch {
	case o == nil:
		return "none"
	case o.Node != "":
		return fmt.Sprintf("%s on %s, %g to %g: %d writes", o.Shard, o.Node, o.From.Seconds(), o.To.Seconds(), o.Writes)
	}
	return fmt.Sprintf("%s, %g to %g: %s, %d writes", o.Shard, o.From.Seconds(), o.To.Seconds(), strings.Join(o.Nodes, " "), o.Writes)
}

// Each outage stands beside twins that differ in one detail and are none.
func TestAnOutageOfOneShardIsForbidden(t *testing.T) {
	for _, tc := range []struct{ name, run, want string }{
		{"nothing is acknowledged in s2 for ten seconds, while s1 works", `
			put n1/s1 4 4.1
			tries n4/s2 0 10 2
			put n4/s1 8 8.1`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"a little less is within the contract", `
			put n1/s1 4 4.1
			tries n4/s2 0 9.999 1.9998`, "none"},
		{"a write to s2 is acknowledged in between", `
			tries n4/s2 0 10 2
			put n4/s2 5 5.5`, "none"},
		{"it was called on another node, so that only this one fails", `
			tries n4/s2 0 10 2
			put n1/s2 5 5.5`, "s2 on n4, 0 to 10: 6 writes"},
		{"neither shard works, but s1 for longer", `
			tries n1/s1 0 12 2
			tries n4/s2 0 10 2`, "s1, 0 to 12: n1 n2 n3, 7 writes"},
		{"neither does, but s2 for longer", `
			tries n1/s1 0 10 2
			tries n4/s2 0 12 2`, "s2, 0 to 12: n4 n5 n6, 7 writes"},
		{"keys of the two shards are not added up", `
			tries n1/s1 0 8 2
			tries n1/s2 10 18 2`, "none"},
		{"a key whose shard nobody knows counts nowhere", `
			tries n1/s3 0 20 2`, "none"},
		{"nor does a write to one end an outage", `
			tries n4/s2 0 10 2
			put n4/s3 5 5.5`, "s2, 0 to 10: n4 n5 n6, 6 writes"},

		{"the group has lost its majority", `
			kill n4,n5 -1 30
			tries n6/s2 0 10 2
			tries n1/s2 0 10 2`, "none"},
		{"it has it, and the other group has not", `
			kill n1,n2 -1 30
			tries n6/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"three of six nodes are gone, but two of s2 are left", `
			kill n1,n2,n4 -1 30
			tries n5/s2 0 10 2`, "s2, 0 to 10: n5 n6, 6 writes"},
		{"four of six nodes are left, but one of s2", `
			kill n4,n5 -1 30
			tries n6/s2 0 10 2
			put n1/s1 1 1.5`, "none"},
		{"s2 is gone, so its keys are called on nodes that cannot serve them", `
			kill n4,n5,n6 -1 30
			tries n1/s2 0 20 2`, "none"},
		{"s1 is gone, and its nodes are asked for keys of s2", `
			kill n1,n2,n3 -1 30
			tries n1/s2 0 20 2`, "none"},

		{"only a node of the other group is asked", `
			tries n1/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"a fault touches that node", `
			slow n1 -1 30
			tries n1/s2 0 10 2`, "none"},
		{"a fault touches another node of the other group", `
			slow n2 -1 30
			tries n1/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"a fault touched it until ten seconds before", `
			slow n1 -12 -10.001
			tries n1/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"or a moment longer, so that only the node fails", `
			slow n1 -12 -10
			tries n1/s2 0 10 2`, "s2 on n1, 0 to 10: 6 writes"},
		{"a node of the group itself needs no such time", `
			slow n4 -12 -0.001
			tries n4/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"a node of the other group that was touched in between is asked for the last write", `
			kill n1 5 6
			tries n4/s2 0 8 2
			put n1/s2 10 - unknown`, "none"},
		{"the last write is called on one that was not", `
			kill n1 5 6
			tries n4/s2 0 8 2
			put n2/s2 10 - unknown`, "s2, 0 to 10: n4 n5 n6, 6 writes"},

		{"faults that begin and end in the other group do not matter", `
			kill n1 2 5
			pause n2,n3 6 7
			tries n4/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"those in the group do", `
			kill n5 2 50
			tries n4/s2 0 10 2`, "none"},
		{"also if they only end", `
			kill n5 -2 5
			tries n4/s2 0 10 2`, "none"},
		{"a fault on nobody may be one on all", `
			slow - 2 5
			tries n4/s2 0 10 2`, "none"},
		{"so may one on a node that nobody knows", `
			slow n9 2 5
			tries n4/s2 0 10 2`, "none"},

		{"a cut aimed at the other group, with writes through the group's own nodes", `
			cut n1,n2,n3 -1 30
			tries n4/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"the other group is on the smaller side, and cannot be asked", `
			cut n1 -1 30
			tries n2/s2 0 10 2`, "none"},
		{"another fault than a cut leaves it connected", `
			reset n1 -1 30
			tries n2/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"a cut that was healed ten seconds before", `
			cut n1 -20 -10.001
			tries n2/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"or a moment later", `
			cut n1 -20 -10
			tries n2/s2 0 10 2`, "s2 on n2, 0 to 10: 6 writes"},
		{"a cut that begins in the other group does not end an outage", `
			cut n1 5 30
			tries n4/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
		{"but who is asked through that group is asked no more", `
			cut n1 5 30
			tries n2/s2 0 10 2`, "none"},
		{"the group is the smaller side of a cut", `
			cut n4,n5,n6 -1 30
			tries n4/s2 0 10 2`, "none"},
		{"one of the group is", `
			cut n4 -1 30
			tries n5/s2 0 10 2`, "s2, 0 to 10: n5 n6, 6 writes"},

		{"a single node of the group serves a shard no more", `
			tries n5/s2 0 12 2
			put n5/s1 5 5.1
			put n4/s2 1 1.1
			put n4/s2 4 4.1
			put n4/s2 8 8.1`, "s2 on n5, 0 to 12: 7 writes"},
		{"a node of another group does not serve it", `
			tries n1/s2 0 12 2
			put n1/s1 5 5.1
			put n4/s2 1 1.1
			put n4/s2 4 4.1
			put n4/s2 8 8.1`, "s2 on n1, 0 to 12: 7 writes"},
		{"it does so once", `
			tries n1/s2 0 12 2
			put n1/s2 5 5.1
			put n4/s2 1 1.1
			put n4/s2 4 4.1
			put n4/s2 8 8.1`, "none"},
		{"there is a fault, on whomever", `
			slow n3 -1 5
			tries n1/s2 0 12 2
			put n4/s2 1 1.1
			put n4/s2 4 4.1
			put n4/s2 8 8.1`, "none"},
		{"what a whole shard lacks comes first, even if it is shorter", `
			tries n1/s1 0 10 2
			tries n5/s2 0 12 2
			put n4/s2 1 1.1
			put n4/s2 4 4.1
			put n4/s2 8 8.1`, "s1, 0 to 10: n1 n2 n3, 6 writes"},
		{"also if it is the second shard", `
			tries n2/s1 0 12 2
			put n1/s1 1 1.1
			put n1/s1 4 4.1
			put n1/s1 8 8.1
			tries n4/s2 0 10 2`, "s2, 0 to 10: n4 n5 n6, 6 writes"},
	} {
		h := parseShards(t, tc.run)
		a := MeasureAvailability(h)
		if got := outageText(a.Unavailable); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		shards := MeasureShards(h)
		for _, g := range []string{"s1", "s2"} {
			o := shards[g[1]-'1'].Unavailable
			if o != nil && o.Shard != g || a.Unavailable != nil && a.Unavailable.Shard == g && !reflect.DeepEqual(o, a.Unavailable) {
				t.Errorf("%s: shard %s has %s", tc.name, g, outageText(o))
			}
		}
		h.Truncated = true
		if u := MeasureAvailability(h).Unavailable; u != nil {
			t.Errorf("%s: without its end, in which the faults stand, there is %s", tc.name, outageText(u))
		}
	}
}

func TestEachShardHasItsOwnFigures(t *testing.T) {
	h := parseShards(t, `
		leads n1/s1 0
		leads n4/s2 0
		put n1/s1 1 1.1
		put n4/s2 1 1.2
		kill n1 2 9
		leads -/s1 2.5
		leads n2/s1 4
		put n2/s1 3 5
		put n4/s2 3 3.1
		put n5/s2 4 4.1
		put n3/s1 6 6.1
		put n5/s2 6 6.1
		pause n4 7 8
		tries n5/s2 7.5 8 0.5
		put n2/s1 7.6 7.7
		put n6/s2 9 9.5
		put n3/s3 20 20.5`)
	text := func(a Availability) string {
		s := fmt.Sprintf("%d of %d, %d of %d s, longest %g at %g, next %g and %g:", a.Acknowledged, a.Writes, a.Served, a.Seconds,
			a.LongestOutage.Seconds(), a.LongestAt.Seconds(), a.MedianNextWrite.Seconds(), a.WorstNextWrite.Seconds())
		for _, l := range a.Losses {
			s += fmt.Sprintf(" %s of %s (%s) at %g, next %g, then %s", l.Fault, l.Leader, l.Shard, l.At.Seconds(), l.NextWrite.Seconds(), l.NextLeader)
		}
		return s
	}
	shards := MeasureShards(h)
	if len(shards) != 2 || shards[0].Shard != "s1" || shards[1].Shard != "s2" {
		t.Fatalf("got %+v", shards)
	}
	for i, want := range []string{
		"4 of 4, 3 of 6 s, longest 3.9 at 1.1, next 3 and 3: kill of n1 (s1) at 2, next 3, then n2",
		"5 of 7, 4 of 8 s, longest 3.4 at 6.1, next 2.5 and 2.5: pause of n4 (s2) at 7, next 2.5, then n4",
	} {
		if got := text(shards[i]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	// The whole counts every write, also one to a key whose shard nobody knows.
	const want = "10 of 12, 6 of 19 s, longest 11 at 9.5, next 2.5 and 3: kill of n1 (s1) at 2, next 3, then n2 pause of n4 (s2) at 7, next 2.5, then n4"
	if a := MeasureAvailability(h); text(a) != want || a.Shard != "" {
		t.Errorf("got  %s\nwant %s", text(a), want)
	}
}

func TestWhichFaultsTakeTheLeaderOfAShard(t *testing.T) {
	for _, tc := range []struct{ name, run, want string }{
		{"a kill of one of two leaders", "kill n4 2 3", "s2"},
		{"a kill of both", "kill n1,n4 2 3", "s1 s2"},
		{"a kill of a follower", "kill n2 2 3", ""},
		{"a cut of the leader from its group", "cut n1 2 3", "s1"},
		{"a cut between the groups leaves it its own", "cut n1,n2,n3 2 3", ""},
		{"a cut through both groups", "cut n1,n4 2 3", "s1 s2"},
		{"a node that led the other group", "leads n5/s2 1\nkill n4 2 3", ""},
		{"who is named without a shard leads none", "leads n2 1\nkill n2 2 3", ""},
	} {
		h := parseShards(t, `
			leads n1/s1 0
			leads n4/s2 0
			put n1/s1 0 0.5
			put n4/s2 0 0.5
			put n1/s1 8 8.5
			put n4/s2 8 8.5
			`+tc.run)
		var got []string
		for _, l := range MeasureAvailability(h).Losses {
			got = append(got, l.Shard)
		}
		if got := strings.Join(got, " "); got != tc.want {
			t.Errorf("%s: got losses of %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestWithoutGroupsThereAreNoShards(t *testing.T) {
	h := parseRun(t, 3, "put n1 0 1")
	h.Shards = map[string]string{"": "s1"}
	if got := MeasureShards(h); got != nil {
		t.Errorf("got %+v", got)
	}
	text, err := json.Marshal(MeasureAvailability(h))
	if err != nil || strings.Contains(string(text), "shard") {
		t.Errorf("got %s, %v", text, err)
	}
	h = parseShards(t, "put n1/s1 0 1")
	h.Shards = nil
	got := MeasureShards(h)
	if len(got) != 2 || got[0].Writes+got[1].Writes != 0 || got[1].Shard != "s2" || got[0].Losses == nil {
		t.Errorf("without a shard for any key, got %+v", got)
	}
}

func TestForbiddenOutagesOfShardsAreThoseOfTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	found, foreign, none := 0, 0, 0
	for range 20_000 {
		h := &history.History{}
		h.Nodes = []string{"n1", "n2", "n3", "n4"}
		h.Groups = []history.Group{{Shard: "s1", Nodes: h.Nodes[:1+r.IntN(3)]}}
		h.Groups = append(h.Groups, history.Group{Shard: "s2", Nodes: h.Nodes[len(h.Groups[0].Nodes):]})
		h.Shards = map[string]string{"a": "s1", "b": "s2"}
		second := func(most int) time.Duration { return time.Duration(r.IntN(most)) * time.Second }
		for range 3 + r.IntN(20) {
			o := history.Operation{Kind: history.Put, Key: "b", Node: h.Nodes[r.IntN(4)], Call: second(26)}
			if r.IntN(6) == 0 {
				o.Key = "a"
			}
			if o.Outcome = history.Outcome(r.IntN(3)); o.Outcome == history.OK && r.IntN(4) > 0 {
				o.Outcome = history.Unknown
			}
			if o.Outcome != history.Unknown {
				o.Return = o.Call + second(4)
			}
			h.Operations = append(h.Operations, o)
		}
		for range r.IntN(4) {
			f := history.FaultEvent{Fault: []string{"kill", "slow", "cut"}[r.IntN(3)], Start: second(30) - 15*time.Second}
			f.End = f.Start + second(30)
			for range 1 + r.IntN(2) {
				f.Targets = append(f.Targets, h.Nodes[r.IntN(4)])
			}
			h.Faults = append(h.Faults, f)
		}
		for i, g := range h.Groups {
			got, want := MeasureShards(h)[i].Unavailable, forbidden(h, g, []string{"a", "b"}[i])
			if got != nil && got.Node != "" {
				got = nil
			}
			if !reflect.DeepEqual(got, want) {
				text, _ := json.MarshalIndent(h, "", " ")
				t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
			}
			switch {
			case want == nil:
				none++
			case slices.ContainsFunc(h.Operations, func(o history.Operation) bool { return o.Call == want.To && !slices.Contains(g.Nodes, o.Node) }):
				foreign++
			default:
				found++
			}
		}
	}
	if found < 300 || foreign < 300 || none < 500 {
		t.Errorf("%d outages, %d that a node outside of the group ended and %d histories without one prove little", found, foreign, none)
	}
}
