package models

import (
	"cmp"
	"slices"
	"time"
)

// latestBefore returns a function that finds, among the values that were
// certainly current before t, the one with the greatest max: a delete that
// explains an absent read called at t must take effect at or after that max.
func latestBefore(all []*cluster) func(t time.Duration) *cluster {
	return greatestBefore(all, (*cluster).max)
}

// lastPutBefore returns a function that finds the latest call of a put whose
// value was certainly current before t: a delete that had returned by then
// cannot explain an absent read called at t.
func lastPutBefore(all []*cluster) func(t time.Duration) time.Duration {
	called := func(c *cluster) time.Duration { return c.put.Call }
	latest := greatestBefore(all, called)
	return func(t time.Duration) time.Duration {
		if c := latest(t); c != nil {
			return called(c)
		}
		return 0
	}
}

// greatestBefore returns a function that finds, among the clusters with min
// before t, the one that is greatest by a time; nil if there is none.
func greatestBefore(all []*cluster, by func(*cluster) time.Duration) func(t time.Duration) *cluster {
	byMin := slices.Clone(all)
	slices.SortFunc(byMin, func(a, b *cluster) int { return cmp.Compare(a.min(), b.min()) })
	best := make([]*cluster, len(byMin))
	for i, c := range byMin {
		best[i] = c
		if i > 0 && by(best[i-1]) > by(c) {
			best[i] = best[i-1]
		}
	}
	return func(t time.Duration) *cluster {
		i, _ := slices.BinarySearchFunc(byMin, t, func(c *cluster, t time.Duration) int { return cmp.Compare(c.min(), t) })
		if i == 0 {
			return nil
		}
		return best[i-1]
	}
}
