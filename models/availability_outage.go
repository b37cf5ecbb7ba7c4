package models

import (
	"math"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Outage is a time of at least OutageLimit in which writes were tried and none was
// acknowledged, although a majority of the nodes was free of faults. See
// MeasureAvailability for what exactly that means.
type Outage struct {
	// From and To are the calls of the first and the last write that were tried.
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	// Shard is set if only writes to its keys are meant, see MeasureShards.
	Shard string `json:"shard,omitempty"`
	// Nodes are those that no fault touched, in the history's order; of a shard, those of
	// its group.
	Nodes []string `json:"nodes"`
	// Node is set if only this node acknowledged nothing, in a time without any fault.
	Node string `json:"node,omitempty"`
	// Writes is how many were called on these nodes, or on Node; of a shard, also
	// those on nodes of other groups that no fault touched.
	Writes int `json:"writes"`
}

// border is where a fault begins or ends: so many more faults touch these nodes.
type border struct {
	at      time.Duration
	targets []string
	more    int
}

// borders returns the begins and ends of all faults, in order, as they matter to a
// group: a cut touches all nodes outside of it as well, because they need not reach it.
// A fault whose end is not known never ends.
func borders(h *history.History, g history.Group) []border {
	var out []border
	for _, f := range h.Faults {
		targets := slices.Clone(f.Targets)
		if len(targets) == 0 || slices.ContainsFunc(targets, func(t string) bool { return !slices.Contains(h.Nodes, t) }) {
			targets = h.Nodes
		} else if f.Fault == "cut" {
			for _, n := range h.Nodes {
				if !slices.Contains(g.Nodes, n) && !slices.Contains(f.Targets, n) {
					targets = append(targets, n)
				}
			}
		}
		out = append(out, border{f.Start, targets, 1})
		if f.End >= f.Start {
			out = append(out, border{f.End, targets, -1})
		}
	}
	sortByTime(out, func(b border) time.Duration { return b.at })
	return out
}

// nodeState is what is known of a node while writes are looked at in their order.
type nodeState struct {
	own    bool          // it belongs to the group
	faults int           // that touch it
	calm   bool          // no fault has begun or ended on it yet
	since  time.Duration // when one did so last
}

// tried reports whether a write that is called on the node at this time is one that
// the group has to accept. A node of another group gets the same time to recover as
// the group itself; its own nodes get it because an outage never spans a border of theirs.
func (n *nodeState) tried(at time.Duration) bool {
	return n != nil && n.faults == 0 && (n.own || n.calm || elapsed(n.since, at) > OutageLimit)
}

// unavailable finds the longest outage of a group that the contract forbids. Writes are
// in the order of their calls, at equal times acknowledged ones first.
func unavailable(h *history.History, g history.Group, writes []*history.Operation) *Outage {
	nodes := make(map[string]*nodeState, len(h.Nodes))
	for _, n := range h.Nodes {
		nodes[n] = &nodeState{calm: true}
	}
	var members []*nodeState
	for _, n := range g.Nodes {
		if node := nodes[n]; node != nil && !node.own {
			node.own = true
			members = append(members, node)
		}
	}
	majority := func() bool {
		healthy := 0
		for _, n := range members {
			if n.faults == 0 {
				healthy++
			}
		}
		return 2*healthy > len(g.Nodes)
	}
	coming := borders(h, g)
	// An outage goes on from its last write to the next one if nothing disturbs what
	// lies between, both ends included: if all that began by then had ended before.
	disturbed := time.Duration(math.MinInt64)
	var longest, now Outage
	for _, o := range writes {
		for ; len(coming) > 0 && coming[0].at <= o.Call; coming = coming[1:] {
			b := coming[0]
			for _, name := range b.targets {
				n := nodes[name]
				n.faults += b.more
				n.calm, n.since = false, b.at
				if n.own {
					disturbed = max(disturbed, b.at)
				}
			}
		}
		if o.Outcome == history.OK {
			disturbed = max(disturbed, o.Return)
			continue
		}
		if !nodes[o.Node].tried(o.Call) || !majority() {
			continue
		}
		if now.Writes == 0 || now.To <= disturbed || elapsed(now.To, o.Call) > triedEvery {
			now = Outage{From: o.Call, Shard: g.Shard}
		}
		now.To = o.Call
		now.Writes++
		if d := elapsed(now.From, now.To); d >= OutageLimit && (longest.Writes == 0 || d > elapsed(longest.From, longest.To) || now.From == longest.From) {
			if now.Nodes == nil {
				now.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), func(n string) bool { return nodes[n] == nil || nodes[n].faults > 0 })
			}
			longest = now
		}
	}
	if longest.Writes == 0 {
		return nil
	}
	return &longest
}
