package models

import (
	"math"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// nodeTries is the least number of writes of an outage of one node. Few clients are
// bound to each, so how often it is tried is left to chance.
const nodeTries = 4

// nodeOutage is what is known of one node while writes are looked at in their order.
type nodeOutage struct {
	now       Outage
	disturbed time.Duration // an acknowledged write was under way until then
}

// unserved finds the longest outage of a single node: in writes to a group's keys, but
// the node may be any. Writes are in the order of their calls, at equal times
// acknowledged ones first.
func unserved(h *history.History, g history.Group, writes []*history.Operation) *Outage {
	if len(h.Nodes) < 2 {
		return nil
	}
	nodes := make(map[string]*nodeOutage, len(h.Nodes))
	for _, n := range h.Nodes {
		nodes[n] = &nodeOutage{disturbed: math.MinInt64}
	}
	coming, active := borders(h, g), 0
	// Nothing goes on beyond the begin or the end of a fault, or a time in which
	// nothing was tried anywhere.
	disturbed, last := time.Duration(math.MinInt64), writes[0].Call
	var longest Outage
	for _, o := range writes {
		for ; len(coming) > 0 && coming[0].at <= o.Call; coming = coming[1:] {
			disturbed = max(disturbed, coming[0].at)
			active += coming[0].more
		}
		if elapsed(last, o.Call) > triedEvery {
			disturbed = max(disturbed, last)
		}
		last = o.Call
		n := nodes[o.Node]
		switch {
		case n == nil:
			continue
		case o.Outcome == history.OK:
			n.disturbed = max(n.disturbed, o.Return)
			continue
		case active > 0:
			continue
		}
		if n.now.Writes == 0 || n.now.To <= max(disturbed, n.disturbed) {
			n.now = Outage{From: o.Call, Shard: g.Shard, Node: o.Node}
		}
		n.now.To = o.Call
		n.now.Writes++
		if d := elapsed(n.now.From, n.now.To); d >= OutageLimit && n.now.Writes >= nodeTries && (longest.Writes == 0 || d > elapsed(longest.From, longest.To)) {
			longest = n.now
		}
	}
	if longest.Writes == 0 {
		return nil
	}
	longest.Nodes = slices.Clone(h.Nodes)
	return &longest
}
