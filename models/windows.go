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
	byMin := slices.Clone(all)
	slices.SortFunc(byMin, func(a, b *cluster) int { return cmp.Compare(a.min(), b.min()) })
	best := make([]*cluster, len(byMin))
	for i, c := range byMin {
		best[i] = c
		if i > 0 && best[i-1].max() > c.max() {
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
