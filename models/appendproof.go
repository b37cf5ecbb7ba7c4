package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// explainText explains a key that only the search could decide.
func explainText(ctx context.Context, k *keyHistory) *finding {
	lists := holdsLists(k)
	legal := func(ctx context.Context, part *keyHistory) (bool, error) {
		return searchText(ctx, textAs(part, lists))
	}
	if f := textAs(k, lists).readsApart(ctx); f != nil {
		return f
	}
	return explainBySearch(ctx, k, legal, nil, withoutAppends(k, lists), sentenceText)
}

// withoutAppends drops a write only if no read that stays can have found it.
func withoutAppends(k *keyHistory, lists bool) reducer {
	texts := make(map[int64]string)
	t := textAs(k, lists)
	for i := range k.ops {
		texts[k.ops[i].ID] = t.texts[i]
	}
	return func(ops []*op, drop map[int64]bool) []*op {
		needed := func(w *op) bool {
			return slices.ContainsFunc(ops, func(r *op) bool {
				return r.Kind == history.Get && !drop[r.ID] && shows(texts[r.ID], w.Kind, texts[w.ID])
			})
		}
		return slices.DeleteFunc(slices.Clone(ops), func(o *op) bool {
			return drop[o.ID] && (o.Kind == history.Get || !needed(o))
		})
	}
}

// readsApart finds reads, or a read and an append, that contradict each other
// whatever else there is: without puts, a text only grows.
func (t *textHistory) readsApart(ctx context.Context) *finding {
	if t.puts {
		return nil
	}
	type read struct {
		*op
		text string
	}
	var reads []read
	for i := range t.ops {
		if o := &t.ops[i]; o.Kind == history.Get {
			reads = append(reads, read{o, t.texts[i]})
		}
	}
	slices.SortStableFunc(reads, func(a, b read) int { return cmp.Compare(len(a.text), len(b.text)) })
	for i := 1; i < len(reads); i++ {
		a, b := reads[i-1], reads[i]
		if strings.HasPrefix(b.text, a.text) {
			continue
		}
		return &finding{
			rule: RuleWritesReordered, ops: []*op{a.op, b.op},
			sentence: fmt.Sprintf("Client %d read %s%s at %s and client %d read it%s at %s, and what the one found is not the beginning of what the other found. It only grows at its end, so that both cannot be.",
				a.Client, a.Key, via(a.op), at(a.ret), b.Client, via(b.op), at(b.ret)),
		}
	}
	for i := range t.ops {
		o := &t.ops[i]
		if o.Kind != history.Append || o.Outcome != history.OK || ctx.Err() != nil {
			continue
		}
		for _, r := range reads {
			if !o.before(r.op) {
				continue
			}
			if !strings.Contains(r.text, t.texts[i]) {
				var later *op
				for _, other := range reads {
					if other.Call > r.Call && (later == nil || other.Call < later.Call) && strings.Contains(other.text, t.texts[i]) {
						later = other.op
					}
				}
				return missed(r.op, o.Value, o, later)
			}
			break // longer reads find it as well
		}
	}
	var longest *read // of those that had returned
	byReturn, byCall := slices.Clone(reads), slices.Clone(reads)
	slices.SortStableFunc(byReturn, func(a, b read) int { return cmp.Compare(a.ret, b.ret) })
	slices.SortStableFunc(byCall, func(a, b read) int { return cmp.Compare(a.Call, b.Call) })
	for _, r := range byCall {
		for len(byReturn) > 0 && byReturn[0].before(r.op) {
			if longest == nil || len(byReturn[0].text) > len(longest.text) {
				longest = &byReturn[0]
			}
			byReturn = byReturn[1:]
		}
		if longest == nil || len(r.text) >= len(longest.text) {
			continue
		}
		return &finding{
			rule: RuleStaleRead, ops: []*op{r.op, longest.op}, from: longest.ret, to: r.Call,
			sentence: fmt.Sprintf("Client %d read %s%s at %s and found less than client %d had found %s before that read was sent: the read is stale.",
				r.Client, r.Key, via(r.op), at(r.ret), longest.Client, gap(longest.ret, r.Call)),
		}
	}
	return nil
}

func sentenceText(ops []*op) string {
	var last time.Duration
	for _, o := range ops {
		if o.Kind == history.Get {
			last = max(last, o.ret)
		}
	}
	return fmt.Sprintf("These %d operations on %s, up to the read at %s, cannot be put into any order that respects real time and in which every read finds exactly what was appended before it, in that order.",
		len(ops), ops[0].Key, at(last))
}
