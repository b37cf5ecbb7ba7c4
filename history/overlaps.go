package history

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Overlaps finds operations that their client called before an earlier one of
// its own had returned. That is no error, but a client is
// supposed to do one thing after the other: its number may be one that several
// senders share, or times may be wrong. An operation with an unknown outcome
// never returns, so all that its client calls later overlaps it.
//
// The pair is the one with the earliest second call, nil if there is none, and
// count is the number of operations that overlap an earlier one. It takes
// O(n) time if each client's operations are in order, else O(n log n).
func (h *History) Overlaps() (first, second *Operation, count int) {
	if h.inOrder() {
		return nil, nil, 0
	}
	ops := h.Operations
	order := make([]int32, len(ops))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &ops[a], &ops[b]
		return cmp.Or(cmp.Compare(x.Call, y.Call), cmp.Compare(end(x), end(y)), cmp.Compare(a, b))
	})
	latest := make(map[int]*Operation) // of each client, the operation that returns last
	for _, i := range order {
		op := &ops[i]
		before := latest[op.Client]
		if before == nil || end(before) < end(op) {
			latest[op.Client] = op
		}
		if before == nil || end(before) <= op.Call {
			continue
		}
		if count++; count == 1 {
			first, second = before, op
		}
	}
	return first, second, count
}

// inOrder reports whether each client's operations stand in the order of their
// calls and do not overlap. It may be false without an overlap.
func (h *History) inOrder() bool {
	last := make(map[int]time.Duration)
	for i := range h.Operations {
		op := &h.Operations[i]
		if before, ok := last[op.Client]; ok && before > op.Call {
			return false
		}
		last[op.Client] = end(op)
	}
	return true
}

// end returns when an operation had certainly ended.
func end(op *Operation) time.Duration {
	if op.Outcome == Unknown {
		return math.MaxInt64
	}
	return op.Return
}
