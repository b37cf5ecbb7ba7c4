package models

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// OutageLimit is the contract's: so long may a majority of the nodes take to accept
	// writes (again) from the moment at which it is connected and no fault touches it.
	OutageLimit = 10 * time.Second
	// triedEvery is the longest time between two writes of an outage. Clients give a
	// write up after two seconds; where they try none for twice as long, it was lsfr
	// or the machine that stood still, and the nodes perhaps as well.
	triedEvery = 4 * time.Second
)

// Availability tells when the puts and deletes of a run were acknowledged. All times
// are offsets from the run's start, or lengths. Only the clients' time counts: from
// the first write's call to the end of the last one. What was read does not matter.
type Availability struct {
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	// Writes is how many there were, Acknowledged how many of them were answered ok.
	Writes       int `json:"writes"`
	Acknowledged int `json:"acknowledged"`
	// Seconds is the number of whole seconds from From to To, of a shorter time 1.
	// Served is in how many of them a write was acknowledged, Share is Served / Seconds.
	Seconds int     `json:"seconds"`
	Served  int     `json:"seconds_served"`
	Share   float64 `json:"share_served"`
	// LongestOutage is the longest time without an acknowledgement, LongestAt its begin.
	LongestOutage time.Duration `json:"longest_outage_ns"`
	LongestAt     time.Duration `json:"longest_outage_at_ns"`
	// Losses are the faults that took the leader, by their begin. They need
	// History.Leaders.
	Losses []LeaderLoss `json:"leader_losses"`
	// MedianNextWrite (by nearest rank) and WorstNextWrite are over the losses that a
	// write followed; 0 if there are none.
	MedianNextWrite time.Duration `json:"median_next_write_ns"`
	WorstNextWrite  time.Duration `json:"worst_next_write_ns"`
	// Unavailable is the longest outage that the contract forbids: of the cluster, or if
	// there is none of one node; nil if there is none of these either.
	Unavailable *Outage `json:"unavailable,omitempty"`
}

// LeaderLoss is a kill, stop or pause of the leader, or a cut that had it on the
// smaller side. Another fault on the same node before the next write is no further
// loss, and a cut aimed at all nodes takes no leader from anybody.
type LeaderLoss struct {
	At     time.Duration `json:"at_ns"`
	Fault  string        `json:"fault"`
	Leader string        `json:"leader"`
	// NextWrite is the time from At to the first acknowledgement of a write that was
	// called after it; 0 if none came while clients were at work.
	NextWrite time.Duration `json:"next_write_ns"`
	// NextLeader is whom a majority named first after At and before the next loss: the
	// lost one itself if nothing was seen to change, empty if nobody was named any more.
	NextLeader string `json:"next_leader"`
}

// Outage is a time of at least OutageLimit in which writes were tried and none was
// acknowledged, although a majority of the nodes was free of faults. See
// MeasureAvailability for what exactly that means.
type Outage struct {
	// From and To are the calls of the first and the last write that were tried.
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	// Nodes are those that no fault touched, in the history's order.
	Nodes []string `json:"nodes"`
	// Node is set if only this node acknowledged nothing, in a time without any fault.
	Node string `json:"node,omitempty"`
	// Writes is how many were called on these nodes, or on Node.
	Writes int `json:"writes"`
}

// MeasureAvailability measures the writes of a history of puts and deletes. It takes
// O(n log n) time for n operations and faults.
//
// An outage that the contract forbids begins and ends with the calls of two writes to
// nodes that no fault touches then, OutageLimit or more apart. Such nodes are a majority
// of History.Nodes. No acknowledged write was under way at any moment of it, because
// that may be the moment at which it was accepted; no fault began or ended in it,
// because each that begins may take the leader, and each that ends lets a node back in
// that may depose one: then an election, and the time for it, begin anew. So it is the
// same majority all the while, and connected: whatever a cut is aimed at, the other
// nodes reach each other. And further such writes were tried all the time, never more
// than four seconds apart. A fault touches its targets, whatever it does to them; all
// nodes, if it names none or one that is not in History.Nodes. Histories that break off
// miss their faults, so nothing is held against them.
func MeasureAvailability(h *history.History) Availability {
	var writes []*history.Operation
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind == history.Put || o.Kind == history.Delete {
			writes = append(writes, o)
		}
	}
	a := Availability{Losses: []LeaderLoss{}, Writes: len(writes)}
	if len(writes) == 0 {
		return a
	}
	slices.SortStableFunc(writes, func(x, y *history.Operation) int {
		return cmp.Or(cmp.Compare(x.Call, y.Call), cmp.Compare(acknowledgedFirst(x), acknowledgedFirst(y)))
	})
	var acknowledged []*history.Operation
	a.From, a.To = writes[0].Call, writes[0].Call
	for _, o := range writes {
		a.To = max(a.To, o.Call)
		if o.Outcome != history.Unknown {
			a.To = max(a.To, o.Return)
		}
		if o.Outcome == history.OK {
			acknowledged = append(acknowledged, o)
		}
	}
	a.Acknowledged = len(acknowledged)
	a.returns(acknowledged)
	a.losses(h, acknowledged)
	if !h.Truncated {
		if a.Unavailable = unavailable(h, writes); a.Unavailable == nil {
			a.Unavailable = unserved(h, writes)
		}
	}
	return a
}

func acknowledgedFirst(o *history.Operation) int {
	if o.Outcome == history.OK {
		return 0
	}
	return 1
}

// elapsed is to - from for a to that is not earlier, as far as 64 bits go.
func elapsed(from, to time.Duration) time.Duration {
	if d := to - from; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// returns measures when writes were acknowledged.
func (a *Availability) returns(acknowledged []*history.Operation) {
	times := make([]time.Duration, len(acknowledged), len(acknowledged)+1)
	for i, o := range acknowledged {
		times[i] = o.Return
	}
	slices.Sort(times)
	a.Seconds = int(max(elapsed(a.From, a.To)/time.Second, 1))
	last, served := a.From, -1
	for _, at := range append(times, a.To) {
		if d := elapsed(last, at); d > a.LongestOutage {
			a.LongestOutage, a.LongestAt = d, last
		}
		last = at
	}
	for _, at := range times {
		// A second includes its end, so that the last one holds the last moment.
		if second := int((max(elapsed(a.From, at), 1) - 1) / time.Second); second > served && second < a.Seconds {
			a.Served, served = a.Served+1, second
		}
	}
	a.Share = float64(a.Served) / float64(a.Seconds)
}

// losses finds the faults that took the leader.
func (a *Availability) losses(h *history.History, acknowledged []*history.Operation) {
	leaders, faults := slices.Clone(h.Leaders), slices.Clone(h.Faults)
	sortByTime(leaders, func(l history.LeaderEvent) time.Duration { return l.At })
	sortByTime(faults, func(f history.FaultEvent) time.Duration { return f.Start })
	after := func(t time.Duration) int { // the first leader that came after t
		return sort.Search(len(leaders), func(i int) bool { return leaders[i].At > t })
	}
	// first is, for each acknowledged write, the first return of those called no earlier.
	first := make([]time.Duration, len(acknowledged))
	for i := len(first) - 1; i >= 0; i-- {
		first[i] = acknowledged[i].Return
		if i+1 < len(first) {
			first[i] = min(first[i], first[i+1])
		}
	}
	for _, f := range faults {
		known := after(f.Start)
		if f.Start < a.From || f.Start > a.To || known == 0 || !takes(&f, leaders[known-1].Leader, h.Nodes) {
			continue
		}
		loss := LeaderLoss{At: f.Start, Fault: f.Fault, Leader: leaders[known-1].Leader}
		if n := len(a.Losses); n > 0 {
			if before := &a.Losses[n-1]; before.Leader == loss.Leader && (before.NextWrite == 0 || before.At+before.NextWrite >= loss.At) {
				continue
			}
		}
		next := sort.Search(len(acknowledged), func(i int) bool { return acknowledged[i].Call > f.Start })
		if next < len(first) {
			loss.NextWrite = elapsed(f.Start, first[next])
		}
		a.Losses = append(a.Losses, loss)
	}
	var times []time.Duration
	for i := range a.Losses {
		loss, until := &a.Losses[i], time.Duration(math.MaxInt64)
		if i+1 < len(a.Losses) {
			until = a.Losses[i+1].At
		}
		loss.NextLeader = loss.Leader
		for _, l := range leaders[after(loss.At):] {
			if l.At > until {
				break
			}
			if loss.NextLeader = l.Leader; l.Leader != "" {
				break
			}
		}
		if loss.NextWrite > 0 {
			times = append(times, loss.NextWrite)
		}
	}
	if n := len(times); n > 0 {
		slices.Sort(times)
		a.MedianNextWrite, a.WorstNextWrite = times[(n-1)/2], times[n-1]
	}
}

// takes reports whether a fault takes the leader from the other nodes.
func takes(f *history.FaultEvent, leader string, nodes []string) bool {
	if leader == "" || !slices.Contains(f.Targets, leader) {
		return false
	}
	switch f.Fault {
	case "kill", "kill-recovering", "stop", "pause":
		return true
	case "cut":
		return slices.ContainsFunc(nodes, func(n string) bool { return !slices.Contains(f.Targets, n) })
	}
	return false
}

// border is where a fault begins or ends: so many more faults touch these nodes.
type border struct {
	at      time.Duration
	targets []string
	more    int
}

// borders returns the begins and ends of all faults, in order. A fault whose end is
// not known never ends.
func borders(h *history.History) []border {
	var out []border
	for _, f := range h.Faults {
		targets := f.Targets
		if len(targets) == 0 || slices.ContainsFunc(targets, func(t string) bool { return !slices.Contains(h.Nodes, t) }) {
			targets = h.Nodes
		}
		out = append(out, border{f.Start, targets, 1})
		if f.End >= f.Start {
			out = append(out, border{f.End, targets, -1})
		}
	}
	sortByTime(out, func(b border) time.Duration { return b.at })
	return out
}

// unavailable finds the longest outage that the contract forbids. Writes are in the
// order of their calls, at equal times acknowledged ones first.
func unavailable(h *history.History, writes []*history.Operation) *Outage {
	faults := make(map[string]int, len(h.Nodes)) // of each node that is touched
	all := make(map[string]bool, len(h.Nodes))
	for _, n := range h.Nodes {
		all[n] = true
	}
	coming := borders(h)
	// An outage goes on from its last write to the next one if nothing disturbs what
	// lies between, both ends included: if all that began by then had ended before.
	disturbed := time.Duration(math.MinInt64)
	var longest, now Outage
	for _, o := range writes {
		for ; len(coming) > 0 && coming[0].at <= o.Call; coming = coming[1:] {
			disturbed = max(disturbed, coming[0].at)
			for _, n := range coming[0].targets {
				if faults[n] += coming[0].more; faults[n] == 0 {
					delete(faults, n)
				}
			}
		}
		if o.Outcome == history.OK {
			disturbed = max(disturbed, o.Return)
			continue
		}
		if healthy := len(all) - len(faults); !all[o.Node] || faults[o.Node] > 0 || 2*healthy <= len(all) {
			continue
		}
		if now.Writes == 0 || now.To <= disturbed || elapsed(now.To, o.Call) > triedEvery {
			now = Outage{From: o.Call}
		}
		now.To = o.Call
		now.Writes++
		if d := elapsed(now.From, now.To); d >= OutageLimit && (longest.Writes == 0 || d > elapsed(longest.From, longest.To) || now.From == longest.From) {
			if now.Nodes == nil {
				now.Nodes = slices.DeleteFunc(slices.Clone(h.Nodes), func(n string) bool { return faults[n] > 0 })
			}
			longest = now
		}
	}
	if longest.Writes == 0 {
		return nil
	}
	return &longest
}
