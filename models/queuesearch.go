package models

import (
	"context"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// link is an element of a queue, with all that were enqueued before it. jump
// leads far back, so that any element is found in O(log n) steps (Myers, An
// Applicative Random-Access Stack, Information Processing Letters 1983). The
// hash is a polynomial in base of all values up to here.
type link struct {
	before, jump *link
	position     int // from 1; 0 is the beginning, which holds nothing
	value        int32
	hash         uint64
}

func newLine() *link {
	start := &link{}
	start.before, start.jump = start, start
	return start
}

// push returns the line with a value at its end.
func (l *link) push(value int32) *link {
	next := &link{before: l, jump: l, position: l.position + 1, value: value, hash: l.hash*base + uint64(value) + 1}
	if l.position-l.jump.position == l.jump.position-l.jump.jump.position {
		next.jump = l.jump.jump
	}
	return next
}

// at returns the link at a position, not greater than its own.
func (l *link) at(position int) *link {
	for l.position > position {
		if l.jump.position >= position {
			l = l.jump
		} else {
			l = l.before
		}
	}
	return l
}

// line is the state of a queue: what was enqueued up to last, but for the first
// elements that were taken.
type line struct {
	last  *link
	taken int
	// latest is the latest time before which some element that was ever
	// enqueued was certainly not taken. It follows from what was enqueued, and
	// is no part of the state.
	latest time.Duration
}

func (q line) size() int { return q.last.position - q.taken }

// hash depends on nothing but what is in the queue.
func (q line) hash() uint64 {
	power, square := uint64(1), uint64(base)
	for n := q.size(); n > 0; n >>= 1 {
		if n&1 == 1 {
			power *= square
		}
		square *= square
	}
	return q.last.hash - q.last.at(q.taken).hash*power
}

func (q line) equal(r line) bool {
	if q.size() != r.size() {
		return false
	}
	a, b := q.last, r.last
	for range q.size() {
		if a == b {
			return true
		}
		if a.value != b.value {
			return false
		}
		a, b = a.before, b.before
	}
	return true
}

// queueInput is an operation; value is absent for a dequeue that found nothing.
type queueInput struct {
	kind    history.Kind
	value   int32
	unknown bool
	// An element of an enqueue's value was taken neither before from nor after to.
	from, to time.Duration
}

// queueModel is a queue. spare says of each value whether it was enqueued more
// often than it is known to have been taken: only of those may an unanswered
// dequeue take one, or an answered one would go short. And take one it must:
// there are no more such dequeues, see useful, than elements are left in the
// end, so that each can take one then if it did not before.
//
// Which of two concurrent enqueues came first shows when their values are
// taken, maybe much later. So an enqueue is not tried behind another value that
// was certainly taken after its own.
func queueModel(ctx context.Context, spare []bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return line{last: newLine(), latest: math.MinInt64} },
		Step: func(state, input, _ any) (bool, any) {
			if ctx.Err() != nil {
				return false, state
			}
			q, in := state.(line), input.(*queueInput)
			switch {
			case in.kind == history.Enqueue:
				return q.latest <= in.to, line{q.last.push(in.value), q.taken, max(q.latest, in.from)}
			case q.size() == 0:
				return !in.unknown && in.value == absent, state
			}
			head := q.last.at(q.taken + 1).value
			return head == in.value || in.unknown && spare[head], line{q.last, q.taken + 1, q.latest}
		},
		Equal: func(a, b any) bool { return a.(line).equal(b.(line)) },
		Hash:  func(state any) uint64 { return state.(line).hash() },
	}
}

func searchQueue(ctx context.Context, k *keyHistory) (bool, error) {
	all := pointers(k.ops)
	values, of := balances(all)
	stay := useful(all, of)
	open := forever // when an element that nobody is known to have taken was taken at the earliest
	if len(stay) > 0 {
		open = stay[0].Call
	}
	spare := make([]bool, len(k.firstPut))
	var ops []porcupine.Operation
	add := func(o *op, in *queueInput) {
		in.kind, in.unknown = o.Kind, unanswered(o)
		if !in.unknown {
			in.value = o.value
		}
		ops = append(ops, porcupine.Operation{ClientId: o.Client, Input: in, Call: int64(o.Call), Return: int64(o.ret)})
	}
	for _, value := range values {
		b := of[value]
		from, to := forever, time.Duration(math.MinInt64)
		for _, o := range b.dequeues {
			if o.Defect != "" {
				return false, nil
			}
			from, to = min(from, o.Call), max(to, o.ret)
			add(o, &queueInput{})
		}
		if len(b.enqueues) > len(b.dequeues) {
			from, to = min(from, open), forever
			spare[b.enqueues[0].value] = true
		}
		for _, o := range b.enqueues {
			add(o, &queueInput{from: from, to: to})
		}
	}
	for _, o := range stay {
		add(o, &queueInput{})
	}
	for _, o := range all {
		if o.Kind == history.Dequeue && !unanswered(o) && !o.Present {
			add(o, &queueInput{})
		}
	}
	return search(ctx, queueModel(ctx, spare), ops)
}
