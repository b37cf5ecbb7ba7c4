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
	// Shard is set if only writes to keys of this shard are meant.
	Shard string        `json:"shard,omitempty"`
	From  time.Duration `json:"from_ns"`
	To    time.Duration `json:"to_ns"`
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
	// Unavailable is the longest outage that the contract forbids: of the cluster or a
	// shard, or if there is none of one node; nil if there is none of these either.
	Unavailable *Outage `json:"unavailable,omitempty"`
}

// LeaderLoss is a kill, stop or pause of the leader, or a cut that had it on the
// smaller side. Another fault on the same node before the next write is no further
// loss, and a cut aimed at all nodes takes no leader from anybody.
type LeaderLoss struct {
	// Shard is the group that lost its leader; empty where there are no shards.
	Shard  string        `json:"shard,omitempty"`
	At     time.Duration `json:"at_ns"`
	Fault  string        `json:"fault"`
	Leader string        `json:"leader"`
	// NextWrite is the time from At to the first acknowledgement of a write (to the shard)
	// that was called after it; 0 if none came while clients were at work.
	NextWrite time.Duration `json:"next_write_ns"`
	// NextLeader is whom a majority named first after At and before the next loss: the
	// lost one itself if nothing was seen to change, empty if nobody was named any more.
	NextLeader string `json:"next_leader"`
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
//
// Of a history with shard groups, losses and outages are those of all shards, see
// MeasureShards.
func MeasureAvailability(h *history.History) Availability {
	writes := putsAndDeletes(h, func(string) bool { return true })
	if len(h.Groups) == 0 {
		return measureGroup(h, history.Group{Nodes: h.Nodes}, writes)
	}
	a, _ := served(writes)
	a.join(MeasureShards(h))
	return a
}

// measureGroup measures the writes to a group's keys.
func measureGroup(h *history.History, g history.Group, writes []*history.Operation) Availability {
	a, acknowledged := served(writes)
	a.Shard = g.Shard
	if a.Writes == 0 {
		return a
	}
	a.losses(h, g, acknowledged)
	a.nextWrites()
	if !h.Truncated {
		if a.Unavailable = unavailable(h, g, writes); a.Unavailable == nil {
			a.Unavailable = unserved(h, g, writes)
		}
	}
	return a
}

// putsAndDeletes returns the puts and deletes on keys that are wanted, in the order of their
// calls, at equal times acknowledged ones first.
func putsAndDeletes(h *history.History, wanted func(key string) bool) []*history.Operation {
	var writes []*history.Operation
	for i := range h.Operations {
		if o := &h.Operations[i]; (o.Kind == history.Put || o.Kind == history.Delete) && wanted(o.Key) {
			writes = append(writes, o)
		}
	}
	slices.SortStableFunc(writes, func(x, y *history.Operation) int {
		return cmp.Or(cmp.Compare(x.Call, y.Call), cmp.Compare(acknowledgedFirst(x), acknowledgedFirst(y)))
	})
	return writes
}

func acknowledgedFirst(o *history.Operation) int {
	if o.Outcome == history.OK {
		return 0
	}
	return 1
}

// served measures when writes were acknowledged, and returns those that were.
func served(writes []*history.Operation) (a Availability, acknowledged []*history.Operation) {
	a = Availability{Losses: []LeaderLoss{}, Writes: len(writes)}
	if len(writes) == 0 {
		return a, nil
	}
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
	return a, acknowledged
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

// losses finds the faults that took the group's leader.
func (a *Availability) losses(h *history.History, g history.Group, acknowledged []*history.Operation) {
	leaders, faults := slices.Clone(h.Leaders), slices.Clone(h.Faults)
	leaders = slices.DeleteFunc(leaders, func(l history.LeaderEvent) bool { return l.Shard != g.Shard })
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
		if f.Start < a.From || f.Start > a.To || known == 0 || !takes(&f, leaders[known-1].Leader, g.Nodes) {
			continue
		}
		loss := LeaderLoss{Shard: g.Shard, At: f.Start, Fault: f.Fault, Leader: leaders[known-1].Leader}
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
	}
}

// nextWrites sums up how long after the losses writes were acknowledged again.
func (a *Availability) nextWrites() {
	var times []time.Duration
	for i := range a.Losses {
		if next := a.Losses[i].NextWrite; next > 0 {
			times = append(times, next)
		}
	}
	if n := len(times); n > 0 {
		slices.Sort(times)
		a.MedianNextWrite, a.WorstNextWrite = times[(n-1)/2], times[n-1]
	}
}

// takes reports whether a fault takes the leader from the other nodes of its group.
func takes(f *history.FaultEvent, leader string, nodes []string) bool {
	if leader == "" || !slices.Contains(f.Targets, leader) {
		return false
	}
	switch f.Fault {
	case "kill", "kill-recovering", "stop", "pause", "power-loss":
		return true
	case "cut":
		return slices.ContainsFunc(nodes, func(n string) bool { return !slices.Contains(f.Targets, n) })
	}
	return false
}
