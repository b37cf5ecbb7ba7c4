package models

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// explainTime bounds the search for a smaller proof; the verdict stands without it.
const explainTime = 5 * time.Second

// shortestPrefix cuts an illegal history at the earliest moment at which it is
// illegal already. Linearizability is prefix-closed, so a binary search finds it.
func shortestPrefix(ctx context.Context, k *keyHistory, legal func(context.Context, *keyHistory) (bool, error)) []*op {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	var ends []time.Duration
	for i := range k.ops {
		if o := &k.ops[i]; o.Outcome == history.OK {
			ends = append(ends, o.Return)
		}
	}
	slices.Sort(ends)
	i := sort.Search(len(ends), func(i int) bool {
		ok, err := legal(ctx, prefix(k, ends[i]))
		return err == nil && !ok
	})
	cut := k
	if i < len(ends) {
		cut = prefix(k, ends[i])
	}
	// The originals: what was open at the cut is told as it ended.
	byID := make(map[int64]*op, len(k.ops))
	for i := range k.ops {
		byID[k.ops[i].ID] = &k.ops[i]
	}
	out := make([]*op, len(cut.ops))
	for i := range cut.ops {
		out[i] = byID[cut.ops[i].ID]
	}
	return sorted(out)
}

// prefix is what was known at time t: later calls are gone, other operations
// under way are unknown.
func prefix(k *keyHistory, t time.Duration) *keyHistory {
	var ops []*history.Operation
	for i := range k.ops {
		o := k.ops[i].Operation
		if o.Call > t {
			continue
		}
		if o.Outcome == history.OK && o.Return > t {
			open := *o
			open.Outcome, open.Return = history.Unknown, 0
			o = &open
		}
		ops = append(ops, o)
	}
	return evidence(k.key, ops)
}
