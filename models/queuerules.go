package models

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// element is a value that was enqueued once. Taken or not, it was certainly in
// the queue after in and before out.
type element struct {
	enqueue *op
	dequeue *op // nil if nobody is known to have taken it
	in, out time.Duration
	// due is set for an element that nobody is known to have taken, but that
	// must have left the queue by then; by shows why.
	due time.Duration
	by  []*op
}

func (e *element) ops() []*op {
	if e.dequeue == nil {
		return []*op{e.enqueue}
	}
	return []*op{e.enqueue, e.dequeue}
}

// queueRules decides queues with unique values. If all dequeues were answered,
// such a history is linearizable if and only if every value that was taken had
// been enqueued, none was taken twice, no element that was certainly enqueued
// before another is taken certainly after it, or never, although the other is;
// and no dequeue found the queue empty while it certainly never was (Henzinger,
// Sezgin & Vafeiadis, Aspect-Oriented Linearizability Proofs, CONCUR 2013).
//
// An unanswered dequeue may have taken any element that nobody else took. If
// there is a way to give them away so that the four hold, the history is legal:
// the dequeue that was called first takes what must have left first. If some of
// the four cannot hold, whoever took what, it is illegal. In between, the rules
// do not decide.
func queueRules(k *keyHistory) (*finding, bool) {
	ops := pointers(k.ops)
	values, of := balances(ops)
	if f := takenValues(k, values, of); f != nil {
		return f, true
	}
	elements, unique := elementsOf(values, of)
	if !unique {
		return nil, false
	}
	if f := overtaking(elements); f != nil {
		return f, true
	}
	var empty []*op
	for _, o := range ops {
		if o.Kind == history.Dequeue && o.Outcome == history.OK && !o.Present {
			empty = append(empty, o)
		}
	}
	setDue(elements, empty)
	takers := useful(ops, of)
	if f := giveAway(elements, takers); f != nil {
		return f, true
	}
	f := neverEmpty(elements, empty)
	if f == nil || len(takers) == 0 {
		return f, true
	}
	// What is left over may have been taken as early as this, but no earlier.
	for i := range elements {
		if e := &elements[i]; e.dequeue == nil {
			e.out = takers[0].Call
		}
	}
	if f = neverEmpty(elements, empty); f == nil {
		return nil, false
	}
	for _, o := range takers {
		if o.Call <= f.to {
			f.ops = append(f.ops, o)
		}
	}
	return f, true
}

// takenValues finds a value that was taken though nobody enqueued it, or more
// often than it was enqueued.
func takenValues(k *keyHistory, values []string, of map[string]*balance) *finding {
	origin := writesOf(k, history.Enqueue)
	var worst *finding
	for _, value := range values {
		b := of[value]
		for _, o := range b.dequeues {
			if o.Defect != "" {
				worst = worse(worst, &finding{rule: RuleTornValue, ops: []*op{o}, sentence: sentenceDefect(o), minimal: true})
				continue
			}
			worst = worse(worst, origin.unexplained(o, value))
		}
		if n := len(b.dequeues); n > len(b.enqueues) && len(b.enqueues) > 0 {
			f := &finding{rule: RuleDuplicate, ops: append(slices.Clone(b.enqueues), b.dequeues...), minimal: true}
			last := b.dequeues[n-1]
			f.sentence = fmt.Sprintf("Client %d took %s from %s%s at %s, but client %d took it too, at %s: it was dequeued %s and enqueued %s.",
				last.Client, quote(value), last.Key, via(last), at(last.ret), b.dequeues[n-2].Client, at(b.dequeues[n-2].ret), times(n), times(len(b.enqueues)))
			worst = worse(worst, f)
		}
	}
	return worst
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func elementsOf(values []string, of map[string]*balance) (out []element, unique bool) {
	out = make([]element, 0, len(values))
	for _, value := range values {
		b := of[value]
		if len(b.enqueues) != 1 {
			return nil, false
		}
		e := element{enqueue: b.enqueues[0], in: b.enqueues[0].ret, out: forever, due: forever}
		if len(b.dequeues) > 0 {
			e.dequeue = b.dequeues[0]
			e.out = e.dequeue.Call
		}
		out = append(out, e)
	}
	return out, true
}

// overtaking finds two elements one of which was certainly enqueued first and
// certainly taken last.
func overtaking(elements []element) *finding {
	var latest *element // taken, of those that were enqueued before
	f := (*finding)(nil)
	inPairs(elements, func(e *element) {
		if e.dequeue != nil && (latest == nil || e.out > latest.out) {
			latest = e
		}
	}, func(e *element) {
		if f != nil || e.dequeue == nil || latest == nil || latest.out <= e.dequeue.ret {
			return
		}
		first := latest
		f = &finding{
			rule: RuleWritesReordered, ops: append(first.ops(), e.ops()...), from: first.in, to: first.out, minimal: true,
			sentence: fmt.Sprintf("Client %d took %s from %s%s at %s, and %s before that client %d had taken %s. But the %s had been acknowledged %s before the %s was sent: they left the queue in the wrong order.",
				first.dequeue.Client, quote(first.enqueue.Value), first.dequeue.Key, via(first.dequeue), at(first.dequeue.ret), gap(e.dequeue.ret, first.out), e.dequeue.Client, quote(e.enqueue.Value),
				act(history.Enqueue, first.enqueue.Value, first.enqueue.Client), gap(first.in, e.enqueue.Call), act(history.Enqueue, e.enqueue.Value, e.enqueue.Client)),
		}
	})
	return f
}

// inPairs calls visit for every element by the time at which its enqueue was
// called, and before that, enqueued for each whose enqueue had returned by then.
func inPairs(elements []element, enqueued, visit func(e *element)) {
	byCall, byReturn := make([]*element, len(elements)), make([]*element, len(elements))
	for i := range elements {
		byCall[i], byReturn[i] = &elements[i], &elements[i]
	}
	slices.SortFunc(byCall, func(a, b *element) int { return cmp.Compare(a.enqueue.Call, b.enqueue.Call) })
	slices.SortFunc(byReturn, func(a, b *element) int { return cmp.Compare(a.in, b.in) })
	for _, e := range byCall {
		for len(byReturn) > 0 && byReturn[0].in < e.enqueue.Call {
			enqueued(byReturn[0])
			byReturn = byReturn[1:]
		}
		visit(e)
	}
}

// neverEmpty finds a dequeue that found the queue empty, although at every
// moment of it some element was certainly there.
func neverEmpty(elements []element, empty []*op) *finding {
	var there []*element
	for i := range elements {
		if e := &elements[i]; e.in < e.out {
			there = append(there, e)
		}
	}
	slices.SortFunc(there, func(a, b *element) int { return cmp.Compare(a.in, b.in) })
	empty = slices.Clone(empty)
	slices.SortFunc(empty, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	// Spans are unions of times at which some element was there. They do not
	// contain their ends: there, a dequeue can come before an enqueue.
	next := 0
	var until time.Duration = -1 << 62
	start := 0 // the first element of the span
	for _, o := range empty {
		for next < len(there) && there[next].in < o.Call {
			if there[next].in >= until {
				start = next
			}
			until = max(until, there[next].out)
			next++
		}
		// The span goes on after the call.
		end, i := until, next
		for end > o.Call && end <= o.ret && i < len(there) && there[i].in < end {
			end = max(end, there[i].out)
			i++
		}
		if end > o.Call && end > o.ret {
			return covered(o, there[start:i])
		}
	}
	return nil
}

// covered explains an empty answer by as few of the elements as cover it.
func covered(o *op, there []*element) *finding {
	f := &finding{rule: RuleLostWrite, ops: []*op{o}, from: o.Call, to: o.ret, minimal: true}
	var cover []*element
	for until := o.Call; until <= o.ret; {
		var longest *element
		for _, e := range there {
			if e.in < until && (longest == nil || e.out > longest.out) {
				longest = e
			}
		}
		if longest == nil || longest.out <= until { // not reached: they cover it
			break
		}
		cover = append(cover, longest)
		f.ops = append(f.ops, longest.ops()...)
		until = longest.out
		if longest.dequeue != nil {
			f.rule = RuleStaleRead // it was not lost, only not found
		}
	}
	f.sentence = fmt.Sprintf("Client %d found %s empty%s at %s, although it never was empty in between", o.Client, o.Key, via(o), at(o.ret))
	if len(cover) > 1 {
		f.sentence += fmt.Sprintf(": each of %d elements had been acknowledged before the one before it was taken.", len(cover))
		return f
	}
	e := cover[0]
	f.sentence += fmt.Sprintf(": the %s had been acknowledged %s before that dequeue was sent, and ",
		act(history.Enqueue, e.enqueue.Value, e.enqueue.Client), gap(e.in, o.Call))
	if e.dequeue == nil {
		f.sentence += "nobody had taken it."
		return f
	}
	f.sentence += fmt.Sprintf("client %d took it only at %s.", e.dequeue.Client, at(e.dequeue.ret))
	return f
}
