package models

import (
	"cmp"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// MeasureShards measures the writes to each shard's keys apart, with one entry for each
// of History.Groups, in their order; nil if there are none. It takes O(g n log n) time for
// g groups and n operations and faults. Writes to keys that History.Shards does not
// know count nowhere.
//
// What MeasureAvailability says of the cluster holds for each group, with its own
// leaders: an outage needs a majority of the group's nodes that no fault touches, and
// ends where a fault begins or ends on any of the group's nodes. Faults on other nodes
// do not matter. But clients may have called the writes on any node: those on
// a node of another group count only if no fault has touched that node for OutageLimit,
// and no cut was aimed at anybody for as long, because the node need not reach
// the group then. A single node must serve each shard in times without any fault.
//
// Keys must have lived in the same shard all the time. Where they may have moved, hold no
// outage against anybody: where a key was before, the history does not say.
func MeasureShards(h *history.History) []Availability {
	if len(h.Groups) == 0 {
		return nil
	}
	out := make([]Availability, len(h.Groups))
	for i, g := range h.Groups {
		out[i] = measureGroup(h, g, putsAndDeletes(h, func(key string) bool {
			shard, known := h.Shards[key]
			return known && shard == g.Shard
		}))
	}
	return out
}

// join takes over the losses of all shards, and the longest of their outages.
func (a *Availability) join(shards []Availability) {
	for i := range shards {
		a.Losses = append(a.Losses, shards[i].Losses...)
		if o := shards[i].Unavailable; o != nil && (a.Unavailable == nil || o.worse(a.Unavailable)) {
			a.Unavailable = o
		}
	}
	slices.SortStableFunc(a.Losses, func(x, y LeaderLoss) int { return cmp.Compare(x.At, y.At) })
	a.nextWrites()
}

// worse reports whether an outage is one of more nodes, or of as many and longer.
func (o *Outage) worse(than *Outage) bool {
	if (o.Node == "") != (than.Node == "") {
		return o.Node == ""
	}
	return o.length() > than.length()
}

func (o *Outage) length() time.Duration { return elapsed(o.From, o.To) }
