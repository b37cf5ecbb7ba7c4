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
	put *op
	// first is the operation with the least return: from then on the value
	// has certainly been current.
	first *op
	// last is the operation with the greatest call: the value is current, once
	// more or still, at or after it.
	last  *op
	reads []*op
}

func (c *cluster) min() time.Duration { return c.first.ret }
func (c *cluster) max() time.Duration { return c.last.Call }

// forward reports whether the value is current throughout (min, max).
func (c *cluster) forward() bool { return c.min() < c.max() }

// clusters groups the operations of a key with unique values. A read whose
// put is missing has no cluster; readsExplained finds those.
func clusters(k *keyHistory) []*cluster {
	byValue := make(map[string]*cluster)
	var all []*cluster
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Put {
			c := &cluster{put: o, first: o, last: o}
			byValue[o.Value] = c
			all = append(all, c)
		}
	}
	for i := range k.ops {
		o := &k.ops[i]
		if !o.isRead() {
			continue
		}
		c := byValue[o.Value]
		if c == nil {
			continue
		}
		c.reads = append(c.reads, o)
		// An unknown put has its return from the first read that saw it: that read is the proof.
		if o.ret < c.first.ret || o.ret == c.first.ret && c.first.Outcome == history.Unknown {
			c.first = o
		}
		if o.Call > c.last.Call {
			c.last = o
		}
	}
	return all
}

// zones are the forward zones of a key, disjoint and in time order.
type zones []*cluster

// around returns the zone that the interval [from, to] lies inside of, or nil.
func (z zones) around(from, to time.Duration) *cluster {
	// The last zone that begins before from is the only candidate: zones are disjoint.
	i, _ := slices.BinarySearchFunc(z, from, func(c *cluster, t time.Duration) int { return cmp.Compare(c.min(), t) })
	if i > 0 && to < z[i-1].max() {
		return z[i-1]
	}
	return nil
}

// forwardZones returns the forward zones, or the first two that overlap. Two
// values cannot both be current, so an overlap is a violation.
func forwardZones(all []*cluster) (z zones, older, newer *cluster) {
	for _, c := range all {
		if c.forward() {
			z = append(z, c)
		}
	}
	slices.SortFunc(z, func(a, b *cluster) int { return cmp.Compare(a.min(), b.min()) })
	for i := 1; i < len(z); i++ {
		if z[i].min() < z[i-1].max() {
			return nil, z[i-1], z[i]
		}
	}
	return z, nil, nil
}
