package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// queue judges each key as a queue, first in, first out, that is empty at first.
func queue() Model {
	return Model{
		Name:  "queue",
		Title: "linearizable queue: what was enqueued is dequeued once, first in, first out",
		Kinds: []history.Kind{history.Enqueue, history.Dequeue},
		local: &local{
			rules:  queueRules,
			search: searchQueue,
			explain: func(ctx context.Context, k *keyHistory) *finding {
				return explainBySearch(ctx, k, searchQueue, nil, withoutElements, func(ops []*op) string {
					return fmt.Sprintf("These %d operations on %s cannot be put into any order that respects real time and in which the queue is first in, first out.", len(ops), ops[0].Key)
				})
			},
		},
		lacks: lacksEvidence(func(*op) bool { return true },
			"it needs at least one dequeue that was answered and one enqueue that was acknowledged or dequeued"),
	}
}

// took reports whether a dequeue was answered with a value.
func took(o *op) bool {
	return o.Kind == history.Dequeue && o.Outcome == history.OK && o.Present
}

// unanswered reports whether a dequeue may have taken an element, or none.
func unanswered(o *op) bool { return o.Kind == history.Dequeue && o.Outcome == history.Unknown }

// balance is what was done with one value.
type balance struct{ enqueues, dequeues []*op }

// balances groups the operations by value, in the order of the history. Unknown
// enqueues of values that nobody took are left out: they may as well never have
// taken effect.
func balances(ops []*op) (values []string, of map[string]*balance) {
	of = make(map[string]*balance)
	for _, o := range ops {
		if o.Kind != history.Enqueue && !took(o) {
			continue
		}
		b := of[o.Value]
		if b == nil {
			b = new(balance)
			of[o.Value] = b
			values = append(values, o.Value)
		}
		if o.Kind == history.Enqueue {
			b.enqueues = append(b.enqueues, o)
		} else {
			b.dequeues = append(b.dequeues, o)
		}
	}
	values = slices.DeleteFunc(values, func(value string) bool {
		b := of[value]
		if len(b.dequeues) == 0 {
			b.enqueues = slices.DeleteFunc(b.enqueues, func(o *op) bool { return o.Outcome == history.Unknown })
		}
		return len(b.enqueues)+len(b.dequeues) == 0
	})
	return values, of
}

// useful returns the unanswered dequeues that can have taken anything, at most
// as many as elements were left over. All of them may take effect at any later
// time, so that those called first can do whatever the others can.
func useful(ops []*op, of map[string]*balance) []*op {
	left := 0
	for _, b := range of {
		left += max(0, len(b.enqueues)-len(b.dequeues))
	}
	var out []*op
	for _, o := range ops {
		if unanswered(o) {
			out = append(out, o)
		}
	}
	out = sorted(out)
	return out[:min(left, len(out))]
}

// withoutElements drops values as a whole, and dequeues that found the queue
// empty. An unanswered dequeue stays if it can have taken something that stays.
func withoutElements(ops []*op, drop map[int64]bool) []*op {
	gone := make(map[string]bool)
	for _, o := range ops {
		if drop[o.ID] && (o.Kind == history.Enqueue || took(o)) {
			gone[o.Value] = true
		}
	}
	rest := slices.DeleteFunc(slices.Clone(ops), func(o *op) bool {
		switch {
		case unanswered(o):
			return false
		case o.Kind == history.Enqueue || took(o):
			return gone[o.Value]
		}
		return drop[o.ID]
	})
	_, of := balances(rest)
	stay := useful(rest, of)
	return slices.DeleteFunc(rest, func(o *op) bool { return unanswered(o) && !slices.Contains(stay, o) })
}
