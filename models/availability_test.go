package models

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseRun reads a run of so many nodes, one event per line, times in seconds:
//
//	put n1 0 0.5         a write that was acknowledged; also delete, and a get
//	put n1 0 - unknown   one that was not; or failed, with a return time
//	tries n1 0 12 0.5    unknown writes at 0, 0.5, 1, … 12
//	leads n1 3           from 3 on; - is nobody
//	kill n1,n2 3 5       a fault; - is nobody, or no end
func parseRun(t testing.TB, nodes int, text string) *history.History {
	t.Helper()
	h := &history.History{}
	for i := range nodes {
		h.Nodes = append(h.Nodes, fmt.Sprint("n", i+1))
	}
	at := func(s string) time.Duration {
		var f float64
		if _, err := fmt.Sscan(s, &f); err != nil {
			t.Fatalf("time %q: %v", s, err)
		}
		return time.Duration(math.Round(f * float64(time.Second)))
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		w := append(strings.Fields(line), "", "")
		if w[0] == "" {
			continue
		}
		start := at(w[2])
		switch w[0] {
		case "leads":
			h.Leaders = append(h.Leaders, history.LeaderEvent{At: start, Leader: strings.Trim(w[1], "-")})
		case "tries":
			for ; start <= at(w[3]); start += at(w[4]) {
				h.Operations = append(h.Operations, history.Operation{Kind: history.Put, Node: w[1], Call: start})
			}
		case "put", "delete", "get":
			o := history.Operation{Node: w[1], Call: start, Outcome: history.OK}
			o.Kind, _ = history.ParseKind(w[0])
			if w[4] != "" {
				o.Outcome, _ = history.ParseOutcome(w[4])
			}
			if w[3] != "-" {
				o.Return = at(w[3])
			}
			h.Operations = append(h.Operations, o)
		default:
			f := history.FaultEvent{Fault: w[0], Start: start}
			if w[1] != "-" {
				f.Targets = strings.Split(w[1], ",")
			}
			if w[3] != "-" {
				f.End = at(w[3])
			}
			h.Faults = append(h.Faults, f)
		}
	}
	return h
}

// ofAll is the outage of the cluster, without those of single nodes.
func ofAll(h *history.History) *Outage {
	if u := MeasureAvailability(h).Unavailable; u != nil && u.Node == "" {
		return u
	}
	return nil
}

// Each outage stands beside twins that differ in one detail and are none.
func TestAnOutageWithoutAFaultOnTheMajorityIsForbidden(t *testing.T) {
	for _, tc := range []struct {
		name, run string
		nodes     int
		want      string
	}{
		{"nothing is acknowledged for ten seconds without a fault", `
			put n1 0 1
			tries n2 1.5 11.5 2`, 3, "1.5 to 11.5: n1 n2 n3, 6 writes"},
		{"a little less is within the contract", `
			put n1 0 1
			tries n2 1.6 11.599 1.9998`, 3, "none"},
		{"a run in which nothing ever works", `
			tries n1 0 20 2
			tries n2 1 21 2`, 3, "0 to 21: n1 n2 n3, 22 writes"},
		{"refused writes count as well as unanswered ones", `
			tries n1 0 8 2
			put n1 10 10.1 failed`, 3, "0 to 10: n1 n2 n3, 6 writes"},
		{"deletes count as well as puts", `
			tries n1 0 8 2
			delete n1 10 - unknown`, 3, "0 to 10: n1 n2 n3, 6 writes"},
		{"unanswered reads do not", `
			tries n1 0 8 2
			get n1 10 - unknown`, 3, "none"},
		{"an answered read ends nothing", `
			tries n1 0 10 2
			get n1 5 5.5`, 3, "0 to 10: n1 n2 n3, 6 writes"},
		{"an acknowledged write in the middle does", `
			tries n1 0 10 2
			put n2 5 5.5`, 3, "none"},
		{"so does one that was called before and acknowledged in the first moment", `
			tries n1 1 11 2
			put n2 0 1`, 3, "none"},
		{"not one that was acknowledged just before", `
			tries n1 1 11 2
			put n2 0 0.999`, 3, "1 to 11: n1 n2 n3, 6 writes"},
		{"one called in the last moment may have been accepted in it", `
			tries n1 0 10 2
			put n2 10 12`, 3, "none"},
		{"not one called just after", `
			tries n1 0 10 2
			put n2 10.001 12`, 3, "0 to 10: n1 n2 n3, 6 writes"},
		{"a slow one may have been accepted at any time", `
			tries n1 1 21 2
			put n2 0 11.5`, 3, "none"},
		{"where nothing is tried for longer than four seconds, lsfr stood still", `
			tries n1 0 2 1
			tries n1 6.001 10.001 1`, 3, "none"},
		{"where something is, it did not", `
			tries n1 0 2 1
			tries n1 6 10 1`, 3, "0 to 10: n1 n2 n3, 8 writes"},
		{"the longest of several", `
			tries n1 0 11 1
			put n1 12 12.1
			tries n1 13 25 1
			put n1 26 26.1
			tries n1 27 37 1`, 3, "13 to 25: n1 n2 n3, 13 writes"},
		{"the first of equally long ones", `
			tries n1 0 10 1
			put n1 12 12.1
			tries n1 13 23 1`, 3, "0 to 10: n1 n2 n3, 11 writes"},

		{"one of three nodes is gone all the time", `
			kill n3 0 30
			tries n1 1 12 1`, 3, "1 to 12: n1 n2, 12 writes"},
		{"two of three are", `
			kill n2,n3 0 30
			tries n1 1 12 1`, 3, "none"},
		{"each by a fault of its own", `
			kill n2 0 30
			cut n3 0 30
			tries n1 1 12 1`, 3, "none"},
		{"half of four is no majority", `
			cut n3,n4 0 30
			tries n1 1 12 1`, 4, "none"},
		{"three of four are", `
			cut n4 0 30
			tries n1 1 12 1`, 4, "1 to 12: n1 n2 n3, 12 writes"},
		{"two faults on one node touch one node", `
			pause n3 0 30
			slow n3 0 30
			tries n1 1 12 1`, 3, "1 to 12: n1 n2, 12 writes"},
		{"the only node is a majority", `tries n1 1 12 1`, 1, "1 to 12: n1, 12 writes"},
		{"a slow node is touched", `
			slow n2,n3 0 30
			tries n1 1 12 1`, 3, "none"},
		{"a ring touches all", `
			cut n1,n2,n3,n4,n5 0 30
			tries n1 1 12 1`, 5, "none"},
		{"only writes to touched nodes are tried", `
			cut n3 0 30
			tries n3 1 12 1`, 3, "none"},
		{"they do not even bridge a pause", `
			cut n3 0 30
			tries n1 1 4 1
			tries n3 4 9 1
			tries n1 9 12 1`, 3, "none"},
		{"nor do those to nodes that nobody knows", `
			tries n1 1 4 1
			tries n9 4 9 1
			tries n1 9 12 1`, 3, "none"},
		{"a write through the touched node shows that writes are accepted", `
			slow n3 0 30
			tries n1 1 12 1
			put n3 6 6.5`, 3, "none"},

		{"a fault that begins in between may take the leader", `
			tries n1 0 12 1
			kill n3 6.5 30`, 3, "none"},
		{"also in the last moment", `
			tries n1 0 10 1
			kill n3 10 30`, 3, "none"},
		{"not after it", `
			tries n1 0 10 1
			kill n3 10.001 30`, 3, "0 to 10: n1 n2 n3, 11 writes"},
		{"one that ends lets a node back in", `
			pause n3 0 6.5
			tries n1 1 12 1`, 3, "none"},
		{"also in the first moment", `
			pause n3 0 1
			tries n1 1 11 1`, 3, "none"},
		{"not before it", `
			pause n3 0 0.999
			tries n1 1 11 1`, 3, "1 to 11: n1 n2 n3, 11 writes"},
		{"the time begins anew then", `
			pause n3 0 6.5
			tries n1 1 17 1`, 3, "7 to 17: n1 n2 n3, 11 writes"},
		{"a majority that changes is none", `
			kill n3 0 6
			kill n2 6 30
			tries n1 1 12 1`, 3, "none"},
		{"a fault without an end goes on", `
			kill n2,n3 5 -
			tries n1 6 30 1`, 3, "none"},
		{"one on nobody may be one on all", `
			kill - 0 30
			tries n1 1 12 1`, 3, "none"},
		{"so may one on a node that nobody knows", `
			kill n9 0 30
			tries n1 1 12 1`, 3, "none"},
		{"without nodes there is no majority", `tries n1 1 12 1`, 0, "none"},
	} {
		h := parseRun(t, tc.nodes, tc.run)
		got := "none"
		if u := ofAll(h); u != nil {
			got = fmt.Sprintf("%g to %g: %s, %d writes", u.From.Seconds(), u.To.Seconds(), strings.Join(u.Nodes, " "), u.Writes)
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		h.Truncated = true
		if u := MeasureAvailability(h).Unavailable; u != nil {
			t.Errorf("%s: without its end, in which the faults stand, there is %+v", tc.name, u)
		}
	}
}

func TestWhenWritesWereAcknowledged(t *testing.T) {
	for _, tc := range []struct{ name, run, want string }{
		{"one in each of two seconds", `
			put n1 1 1.5
			put n1 2 3`, "2 of 2, 2 of 2 s, longest 1.5 at 1.5"},
		{"one in the first of three", `
			put n1 1 1.5
			tries n1 2 4 1`, "1 of 4, 1 of 3 s, longest 2.5 at 1.5"},
		{"a return on the border belongs to the earlier second", `
			put n1 1 2
			put n1 1 1.5
			tries n1 2 4 1`, "2 of 5, 1 of 3 s, longest 2 at 2"},
		{"one just after it to the later", `
			put n1 1 2.001
			put n1 1 1.5
			tries n1 2 4 1`, "2 of 5, 2 of 3 s, longest 1.999 at 2.001"},
		{"what is left of a second counts for nothing", `
			put n1 1 1.5
			put n1 2 4.4
			put n1 4.5 4.8`, "3 of 3, 1 of 3 s, longest 2.9 at 1.5"},
		{"a time of less than a second is one", `
			put n1 1 1.5
			tries n1 1.6 1.6 1`, "1 of 2, 1 of 1 s, longest 0.5 at 1"},
		{"the first outage of equally long ones", `
			put n1 1 2
			put n1 2.5 3`, "2 of 2, 2 of 2 s, longest 1 at 1"},
		{"the beginning counts", `
			tries n1 0 4 1
			put n1 5 5.5
			tries n1 6 7 1`, "1 of 8, 1 of 7 s, longest 5.5 at 0"},
		{"the end counts", `
			put n1 0 0.5
			tries n1 1 3 1
			put n1 4 9 failed`, "1 of 5, 1 of 9 s, longest 8.5 at 0.5"},
		{"nothing was acknowledged", `tries n1 2 6 2`, "0 of 3, 0 of 4 s, longest 4 at 2"},
		{"reads before, in between and afterwards do not matter", `
			get n1 0 1
			put n1 1 1.5
			get n1 2 3
			tries n1 4 4 1
			get n1 5 20`, "1 of 2, 1 of 3 s, longest 2.5 at 1.5"},
		{"the order in the history does not matter", `
			put n1 2 3
			put n1 1 1.5`, "2 of 2, 2 of 2 s, longest 1.5 at 1.5"},
		{"no writes", `get n1 0 1`, "0 of 0, 0 of 0 s, longest 0 at 0"},
	} {
		a := MeasureAvailability(parseRun(t, 3, tc.run))
		got := fmt.Sprintf("%d of %d, %d of %d s, longest %g at %g", a.Acknowledged, a.Writes, a.Served, a.Seconds, a.LongestOutage.Seconds(), a.LongestAt.Seconds())
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
		if want := float64(a.Served) / max(1, float64(a.Seconds)); a.Share != want {
			t.Errorf("%s: share %g, want %g", tc.name, a.Share, want)
		}
	}
}

func TestLossesOfTheLeader(t *testing.T) {
	// Writes are acknowledged each second, but for some time after 10.
	const before, after = `
		leads n1 0
		put n2 0 0.5
		put n2 9.9 9.95
		`, `
		tries n2 10.5 12.5 1
		put n2 13 13.5
		put n2 20 20.5
		put n2 30 30.5
		`
	for _, tc := range []struct{ name, run, want string }{
		{"a kill", `
			kill n1 10 15
			leads - 10.4
			leads n2 12.9`, "kill of n1 at 10: 3.5 n2"},
		{"a stop", `
			stop n1 10 15
			leads n2 12`, "stop of n1 at 10: 3.5 n2"},
		{"a pause, which the old leader outlives", `pause n1 10 12`, "pause of n1 at 10: 3.5 n1"},
		{"a pause after which it is named again", `
			pause n1 10 12
			leads - 11
			leads n1 12.5`, "pause of n1 at 10: 3.5 n1"},
		{"a kill while it recovers", `kill-recovering n1 10 12`, "kill-recovering of n1 at 10: 3.5 n1"},
		{"a cut that has it on the smaller side", `
			cut n1,n3 10 12
			leads n2 13`, "cut of n1 at 10: 3.5 n2"},
		{"a cut that has it on the other side", `cut n2 10 12`, ""},
		{"a cut aimed at all nodes", `cut n1,n2,n3,n4,n5 10 12`, ""},
		{"a kill of all nodes", `kill n1,n2,n3,n4,n5 10 12`, "kill of n1 at 10: 3.5 n1"},
		{"slow, lossy and reset links leave it in office", `
			slow n1 10 12
			lossy n1 10 12
			reset n1 10 12`, ""},
		{"a follower", `kill n2 10 12`, ""},
		{"who led before", `
			leads n3 9
			kill n1 10 12`, ""},
		{"who leads from that moment on", `
			leads n3 10
			kill n3 10 12`, "kill of n3 at 10: 3.5 n3"},
		{"who leads later", `
			leads n3 10.001
			kill n3 10 12`, ""},
		{"when nobody leads", `
			leads - 9
			kill n1 10 12`, ""},
		{"when nobody leads, also if nobody is hit", `
			leads - 9
			kill n2, 10 12`, ""},
		{"the order of the events does not matter", `
			leads n2 21
			leads - 11
			leads n3 12
			kill n2 25 26
			kill n3 20 21
			kill n1 10 12`, "kill of n1 at 10: 3.5 n3, kill of n3 at 20: 10.5 n2, kill of n2 at 25: 5.5 n2"},
		{"nobody is named any more", `
			kill n1 10 15
			leads - 11`, "kill of n1 at 10: 3.5 "},
		{"no write comes any more", `kill n1 30 35`, "kill of n1 at 30: 0 n1"},
		{"nor after a second fault", `
			kill n1 30 30.1
			kill n1 30.2 35`, "kill of n1 at 30: 0 n1"},
		{"when the clients have ended", `kill n1 30.501 35`, ""},
		{"before they began", `
			leads n1 -2
			kill n1 -1 0`, ""},
		{"a write called in the moment of the fault may have come before", `
			kill n1 13 14`, "kill of n1 at 13: 7.5 n1"},
		{"a write called after it may be overtaken by a later one", `
			kill n1 10 14
			put n3 10.1 14
			put n3 10.2 11`, "kill of n1 at 10: 1 n1"},
		{"a second fault before the next write is no further loss", `
			cut n1 10 14
			kill n1 12 14`, "cut of n1 at 10: 3.5 n1"},
		{"nor at the moment of that write", `
			cut n1 10 14
			kill n1 13.5 14`, "cut of n1 at 10: 3.5 n1"},
		{"after it, it is", `
			cut n1 10 14
			kill n1 13.501 14`, "cut of n1 at 10: 3.5 n1, kill of n1 at 13.501: 6.999 n1"},
		{"on the next leader, it is as well", `
			cut n1 10 14
			leads n2 11
			kill n2 12 14
			leads n3 12.5`, "cut of n1 at 10: 3.5 n2, kill of n2 at 12: 1.5 n3"},
		{"whoever is named after the next loss is not the successor", `
			kill n1 10 15
			kill n1 20 25
			leads n3 22`, "kill of n1 at 10: 3.5 n1, kill of n1 at 20: 10.5 n3"},
	} {
		a := MeasureAvailability(parseRun(t, 5, before+tc.run+after))
		var got []string
		for _, l := range a.Losses {
			got = append(got, fmt.Sprintf("%s of %s at %g: %g %s", l.Fault, l.Leader, l.At.Seconds(), l.NextWrite.Seconds(), l.NextLeader))
		}
		if got := strings.Join(got, ", "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestMedianAndWorstTimeToTheNextWrite(t *testing.T) {
	run := `
		leads n1 0
		put n2 0 0.5`
	for i, next := range []float64{4, 1, 2, 3} {
		at := float64(10 * (i + 1))
		run += fmt.Sprintf("\nkill n1 %g %g\nput n2 %g %g", at, at+1, at+0.5, at+next)
	}
	a := MeasureAvailability(parseRun(t, 3, run))
	if len(a.Losses) != 4 || a.MedianNextWrite != 2*time.Second || a.WorstNextWrite != 4*time.Second {
		t.Errorf("got %+v", a)
	}
	run += "\nleads n3 50\nkill n3 50 51\nleads n2 51\nkill n2 51 52\ntries n2 50 60 1"
	a = MeasureAvailability(parseRun(t, 3, run)) // what never came has no time
	if len(a.Losses) != 6 || a.MedianNextWrite != 2*time.Second || a.WorstNextWrite != 4*time.Second {
		t.Errorf("got %+v", a)
	}
	if a := MeasureAvailability(parseRun(t, 3, "put n2 0 0.5")); a.MedianNextWrite != 0 || a.WorstNextWrite != 0 {
		t.Errorf("without a loss, got %+v", a)
	}
}

func TestAvailabilityOfExtremeTimesHasAnEnd(t *testing.T) {
	ends := []history.Operation{
		{Kind: history.Put, Node: "n1", Call: math.MinInt64, Return: math.MaxInt64, Outcome: history.OK},
		{Kind: history.Put, Node: "n1", Call: math.MaxInt64},
	}
	h := &history.History{Header: history.Header{Nodes: []string{"n1", "n1"}}, Operations: ends}
	h.Faults = []history.FaultEvent{{Fault: "kill", Targets: []string{"n1", "n1"}, Start: math.MaxInt64, End: math.MinInt64}}
	if a := MeasureAvailability(h); a.LongestOutage != math.MaxInt64 || a.Unavailable != nil {
		t.Errorf("got %+v", a)
	}
}

func TestAvailabilityChangesNothing(t *testing.T) {
	h := parseRun(t, 3, `
		put n2 1 2
		put n2 0 0.5
		leads n1 2
		leads n1 0
		kill n1 2 3
		kill n1 1 2`)
	before, _ := json.Marshal(h)
	MeasureAvailability(h)
	if after, _ := json.Marshal(h); string(before) != string(after) {
		t.Error("the history is not as it was")
	}
}

// forbidden finds the outage of a group by its definition: over all pairs of writes to its keys.
func forbidden(h *history.History, g history.Group, key string) *Outage {
	own := func(node string) bool { return slices.Contains(g.Nodes, node) }
	touches := func(f history.FaultEvent, node string) bool {
		return slices.Contains(f.Targets, node) || f.Fault == "cut" && !own(node)
	}
	touched := func(node string, from, to time.Duration) bool {
		return slices.ContainsFunc(h.Faults, func(f history.FaultEvent) bool {
			return touches(f, node) && f.Start <= to && from <= f.End
		})
	}
	var best *Outage
	for _, p := range h.Operations {
	pair:
		for _, q := range h.Operations {
			d := q.Call - p.Call
			if d < OutageLimit || best != nil && (d < best.To-best.From || d == best.To-best.From && p.Call >= best.From) {
				continue
			}
			in := func(from, to time.Duration) bool { return from <= q.Call && to >= p.Call }
			out := &Outage{From: p.Call, To: q.Call, Shard: g.Shard}
			for _, f := range h.Faults {
				if slices.ContainsFunc(f.Targets, own) && (in(f.Start, f.Start) || in(f.End, f.End)) {
					continue pair
				}
			}
			for _, n := range g.Nodes {
				if !touched(n, p.Call, p.Call) {
					out.Nodes = append(out.Nodes, n)
				}
			}
			if len(out.Nodes) <= len(g.Nodes)/2 {
				continue
			}
			tries := func(o history.Operation) bool {
				healthy := slices.Contains(out.Nodes, o.Node) || !own(o.Node) && !touched(o.Node, o.Call-OutageLimit, o.Call)
				return o.Key == key && o.Kind != history.Get && o.Outcome != history.OK && healthy && in(o.Call, o.Call)
			}
			if !tries(p) || !tries(q) {
				continue
			}
			var calls []time.Duration
			for _, o := range h.Operations {
				if o.Key == key && o.Kind != history.Get && o.Outcome == history.OK && in(o.Call, o.Return) {
					continue pair
				}
				if tries(o) {
					calls = append(calls, o.Call)
				}
			}
			slices.Sort(calls)
			for i := range calls[1:] {
				if calls[i+1]-calls[i] > triedEvery {
					continue pair
				}
			}
			out.Writes = len(calls)
			best = out
		}
	}
	return best
}

func TestForbiddenOutagesAreThoseOfTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	found, none := 0, 0
	for range 20_000 {
		h := &history.History{}
		nodes := 1 + r.IntN(4)
		for i := range nodes {
			h.Nodes = append(h.Nodes, fmt.Sprint("n", i+1))
		}
		second := func(most int) time.Duration { return time.Duration(r.IntN(most)) * time.Second }
		for range 3 + r.IntN(14) {
			o := history.Operation{Kind: history.Kind(r.IntN(3)), Node: fmt.Sprint("n", 1+r.IntN(nodes)), Call: second(26)}
			if r.IntN(2) == 0 {
				o.Kind = history.Put
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
			f := history.FaultEvent{Start: second(26) - 5*time.Second}
			f.End = f.Start + second(30)
			for range 1 + r.IntN(2) {
				f.Targets = append(f.Targets, fmt.Sprint("n", 1+r.IntN(nodes)))
			}
			h.Faults = append(h.Faults, f)
		}
		got, want := ofAll(h), forbidden(h, history.Group{Nodes: h.Nodes}, "")
		if !reflect.DeepEqual(got, want) {
			text, _ := json.MarshalIndent(h, "", " ")
			t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
		}
		if want == nil {
			none++
		} else {
			found++
		}
	}
	if found < 500 || none < 500 {
		t.Errorf("%d histories with an outage and %d without prove little", found, none)
	}
}
