package models

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// shortestPrefix cuts an illegal history at the earliest moment at which it is
// illegal already. Linearizability is prefix-closed, so a binary search finds it.
func shortestPrefix(ctx context.Context, k *keyHistory, ops []*op) []*op {
	var ends []time.Duration
	for _, o := range ops {
		if o.ret != forever {
			ends = append(ends, o.ret)
		}
	}
	slices.Sort(ends)
	i := sort.Search(len(ends), func(i int) bool {
		ok, err := legal(ctx, prefix(k, ops, ends[i]))
		return err == nil && !ok
	})
	if i == len(ends) {
		return ops
	}
	return prefix(k, ops, ends[i])
}

// prefix returns what was known at time t: later calls are gone, reads that
// had not returned yet too, other operations under way are open.
func prefix(k *keyHistory, ops []*op, t time.Duration) []*op {
	read := make(map[string]bool)
	var out []*op
	for _, o := range ops {
		if o.isRead() && o.ret <= t {
			read[o.Value] = true
		}
	}
	for _, o := range ops {
		switch {
		case o.Call > t:
		case o.ret <= t:
			out = append(out, o)
		case o.Kind == history.Put && k.unique && !read[o.Value]:
		case o.Kind != history.Get:
			open := *o
			open.ret = forever
			out = append(out, &open)
		}
	}
	return out
}

// shrinkable is the largest proof that shrink works on, in operations.
const shrinkable = 2000

// shrink drops operations as long as the rest is still illegal. What it drops
// must never be what makes the rest illegal: a put stays while a read of its
// value stays (a whole cluster can go: if the full history is legal, so is the
// history without it), and a delete stays while an absent read stays that it
// could explain, unless a put came surely between the two.
func shrink(ctx context.Context, k *keyHistory, ops []*op) []*op {
	if len(ops) > shrinkable || !k.unique {
		return ops
	}
	overwritten := lastPutBefore(clusters(k))
	serves := func(d, r *op) bool { return d.Call <= r.ret && d.ret >= overwritten(r.Call) }
	for size := len(ops) / 2; size >= 1; size /= 2 {
		for i := len(ops) - 1; i >= 0; i -= size {
			from := max(0, i-size+1)
			rest := without(ops, ops[from:i+1], serves)
			if len(rest) == len(ops) {
				continue
			}
			ok, err := legal(ctx, rest)
			if err != nil {
				return ops
			}
			if !ok {
				ops = rest
				i = min(i, len(ops))
			}
		}
	}
	return ops
}

// without removes drop from ops, with everything that would be left
// unexplained, but keeps the deletes that the remaining absent reads could need.
func without(ops, drop []*op, serves func(d, r *op) bool) []*op {
	dropped := make(map[*op]bool, len(drop))
	gone := make(map[string]bool)
	for _, o := range drop {
		dropped[o] = true
		if o.Kind == history.Put {
			gone[o.Value] = true
		}
	}
	var rest []*op
	for _, o := range ops {
		if !dropped[o] && !(o.isRead() && gone[o.Value]) {
			rest = append(rest, o)
		}
	}
	for _, d := range drop {
		if d.Kind != history.Delete {
			continue
		}
		if slices.ContainsFunc(rest, func(r *op) bool { return r.isAbsentRead() && serves(d, r) }) {
			rest = append(rest, d)
		}
	}
	slices.SortStableFunc(rest, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	return reopen(rest)
}

// reopen recomputes when unknown puts are known to have taken effect: without
// the read that saw it, such a put proves nothing.
func reopen(ops []*op) []*op {
	seen := make(map[string]time.Duration)
	for _, o := range ops {
		if first, ok := seen[o.Value]; o.isRead() && (!ok || o.ret < first) {
			seen[o.Value] = o.ret
		}
	}
	for i, o := range ops {
		if o.Kind != history.Put || o.Outcome != history.Unknown {
			continue
		}
		ret := forever
		if first, ok := seen[o.Value]; ok {
			ret = max(first, o.Call)
		}
		if ret != o.ret {
			ops[i] = &op{Operation: o.Operation, ret: ret}
		}
	}
	return ops
}
