package models

import (
	"cmp"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// cluster is a put and all reads that returned its value (Gibbons & Korach,
// Testing Shared Memories, SIAM J. Comput. 1997).
type cluster struct {
	// min is the least return: from then on the value has certainly been current.
	min time.Duration
	// max is the greatest call: the value is current, once more or still, at or after it.
	max time.Duration
	// Indices into the key's operations: the put, one that returned at min,
	// one that was called at max.
	put, first, last int32
}

// forward reports whether the value is current throughout (min, max).
func (c *cluster) forward() bool { return c.min < c.max }

// clusters groups the operations of a key with unique values, ordered by min.
// Every read must have its put: valueRules finds those that have none.
func clusters(k *keyHistory) []cluster {
	const none = -1
	of := make([]int32, len(k.firstPut)) // value to cluster
	all := make([]cluster, 0, len(k.firstPut))
	for value, i := range k.firstPut {
		of[value] = none
		if i >= 0 {
			of[value] = int32(len(all))
			o := &k.ops[i]
			all = append(all, cluster{min: o.ret, max: o.Call, put: i, first: i, last: i})
		}
	}
	for i := range k.ops {
		o := &k.ops[i]
		if !o.isRead() || of[o.value] == none {
			continue
		}
		c := &all[of[o.value]]
		// An unknown put has its return from the first read that saw it: that read is the proof.
		if o.ret < c.min || o.ret == c.min && c.first == c.put && k.ops[c.put].Outcome == history.Unknown {
			c.min, c.first = o.ret, int32(i)
		}
		if o.Call > c.max {
			c.max, c.last = o.Call, int32(i)
		}
	}
	sortByTime(all, func(c cluster) time.Duration { return c.min })
	return all
}

// zones are the forward zones of a key, disjoint and in time order.
type zones []*cluster

// forwardZones returns the forward zones of clusters ordered by min, or the
// first two that overlap. Two values cannot both be current, so an overlap is
// a violation.
func forwardZones(all []cluster) (z zones, older, newer *cluster) {
	z = make(zones, 0, len(all))
	for i := range all {
		c := &all[i]
		if !c.forward() {
			continue
		}
		if len(z) > 0 && c.min < z[len(z)-1].max {
			return nil, z[len(z)-1], c
		}
		z = append(z, c)
	}
	return z, nil, nil
}

// A zoneFinder looks up zones for times that rise, more or less: it searches
// from where it was, in ever larger steps.
type zoneFinder struct {
	zones zones
	at    int // zones[:at] begin before the last time asked for
}

// around returns the zone that the interval [from, to] lies inside of, or nil.
func (f *zoneFinder) around(from, to time.Duration) *cluster {
	// The last zone that begins before from is the only candidate: zones are disjoint.
	low, high := f.at, f.at
	for step := 1; low > 0 && f.zones[low-1].min >= from; step *= 2 {
		low, high = max(low-step, 0), low
	}
	for step := 1; high < len(f.zones) && f.zones[high].min < from; step *= 2 {
		low, high = high+1, min(high+1+step, len(f.zones))
	}
	i, _ := slices.BinarySearchFunc(f.zones[low:high], from, func(c *cluster, t time.Duration) int { return cmp.Compare(c.min, t) })
	f.at = low + i
	if f.at > 0 && to < f.zones[f.at-1].max {
		return f.zones[f.at-1]
	}
	return nil
}
