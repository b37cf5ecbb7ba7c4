package models

import (
	"context"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// shrinkable is the largest proof, in operations, that shrink works on.
const shrinkable = 2000

// shrink drops operations as long as the rest is still illegal by the rules.
// What it drops must never be what makes the rest illegal: a put stays while a
// read of its value stays (a whole cluster can go: if the full history is
// legal, so is the history without it), and a delete stays while an absent
// read stays that it could explain, unless a put came surely between the two.
func (l *local) shrink(ctx context.Context, k *keyHistory, ops []*op) []*op {
	if len(ops) > shrinkable || !k.unique {
		return ops
	}
	overwritten := lastPutBefore(k, ops)
	serves := func(d, r *op) bool { return d.Call <= r.ret && d.ret >= overwritten(r.Call) }
	for size := len(ops) / 2; size >= 1; size /= 2 {
		for i := len(ops) - 1; i >= 0; i -= size {
			if ctx.Err() != nil {
				return ops
			}
			from := max(0, i-size+1)
			rest := without(ops, ops[from:i+1], serves)
			if len(rest) == len(ops) {
				continue
			}
			if f, decided := l.rules(evidence(k.key, originals(rest))); decided && f != nil {
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
	gone := make(map[int32]bool)
	for _, o := range drop {
		dropped[o] = true
		if o.Kind == history.Put {
			gone[o.value] = true
		}
	}
	var rest []*op
	for _, o := range ops {
		if !dropped[o] && !(o.isRead() && gone[o.value]) {
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
	return sorted(rest)
}

// lastPutBefore returns a function that finds the latest call of a put among
// ops whose value was certainly current before t: a delete that had returned by
// then cannot explain an absent read called at t.
func lastPutBefore(k *keyHistory, ops []*op) func(t time.Duration) time.Duration {
	put := make([]bool, len(k.firstPut)) // by value: is among ops
	for _, o := range ops {
		put[o.value] = put[o.value] || o.Kind == history.Put
	}
	current := make(map[int32]time.Duration)
	for i := range k.ops {
		o := &k.ops[i]
		if first, ok := current[o.value]; put[o.value] && (!ok || o.ret < first) {
			current[o.value] = o.ret
		}
	}
	return func(t time.Duration) time.Duration {
		latest := time.Duration(0)
		for _, o := range ops {
			if o.Kind == history.Put && current[o.value] < t {
				latest = max(latest, o.Call)
			}
		}
		return latest
	}
}
