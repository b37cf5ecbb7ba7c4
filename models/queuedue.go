package models

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// setDue finds by when an element that nobody is known to have taken must have
// left: before one that was certainly enqueued after it was taken, and before
// the queue was found empty.
func setDue(elements []element, empty []*op) {
	type limit struct {
		from, due time.Duration // for what was enqueued before from
		by        []*op
	}
	var limits []limit
	for i := range elements {
		if e := &elements[i]; e.dequeue != nil {
			limits = append(limits, limit{e.enqueue.Call, e.dequeue.ret, e.ops()})
		}
	}
	for _, o := range empty {
		limits = append(limits, limit{o.Call, o.ret, []*op{o}})
	}
	slices.SortFunc(limits, func(a, b limit) int { return cmp.Compare(b.from, a.from) })
	var left []*element
	for i := range elements {
		if e := &elements[i]; e.dequeue == nil {
			left = append(left, e)
		}
	}
	slices.SortFunc(left, func(a, b *element) int { return cmp.Compare(b.in, a.in) })
	first := limit{due: forever}
	for _, e := range left {
		for len(limits) > 0 && e.in < limits[0].from {
			if limits[0].due < first.due {
				first = limits[0]
			}
			limits = limits[1:]
		}
		e.due, e.by = first.due, first.by
	}
}

// giveAway lets the unanswered dequeues, in the order of their calls, take the
// elements that are due, in the order in which they are. If that fails, then
// every way fails: too few of them had been called in time.
func giveAway(elements []element, takers []*op) *finding {
	var due []*element
	for i := range elements {
		if e := &elements[i]; e.dequeue == nil && e.due < forever {
			due = append(due, e)
		}
	}
	slices.SortStableFunc(due, func(a, b *element) int { return cmp.Compare(a.due, b.due) })
	for i, e := range due {
		if i < len(takers) && takers[i].Call <= e.due {
			e.out = takers[i].Call
			continue
		}
		f := &finding{rule: RuleLostWrite, ops: slices.Clone(takers[:i]), from: e.in, to: e.due, minimal: true}
		for _, other := range due[:i+1] {
			f.ops = append(append(f.ops, other.enqueue), other.by...)
		}
		f.sentence = neverTaken(e, i)
		return f
	}
	return nil
}

// neverTaken says why an element is missing. others is how many more are, and
// may have been taken by as many dequeues that were not answered.
func neverTaken(e *element, others int) string {
	o := e.by[len(e.by)-1]
	found := fmt.Sprintf("found %s empty%s at %s", o.Key, via(o), at(o.ret))
	before := "that dequeue"
	if o.Present {
		found = fmt.Sprintf("took %s from %s%s at %s", quote(o.Value), o.Key, via(o), at(o.ret))
		before = "the " + act(history.Enqueue, o.Value, e.by[0].Client)
	}
	text := fmt.Sprintf("Client %d %s. But the %s had been acknowledged %s before %s was sent, and nobody took %s",
		o.Client, found, act(history.Enqueue, e.enqueue.Value, e.enqueue.Client), gap(e.in, e.by[0].Call), before, quote(e.enqueue.Value))
	switch others {
	case 0:
		return text + ": it is lost."
	case 1:
		return text + ", unless a dequeue without an answer did, and then another element is missing: one of the two is lost."
	}
	return fmt.Sprintf("%s, unless a dequeue without an answer did: but %d elements are missing, and only %d such dequeues were sent in time: one is lost.", text, others+1, others)
}
