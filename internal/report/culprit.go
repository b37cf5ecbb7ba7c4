package report

import (
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// culprit returns the index of the operation at which a proof becomes one: the
// first read of a value that was current before another value was. In other
// proofs it is the last read, as every operation is needed. -1 if there is no read.
func culprit(v *models.Violation) int {
	last := -1
	for i := range v.Operations {
		r := &v.Operations[i]
		if r.Kind != history.Get || r.Outcome != history.OK {
			continue
		}
		last = i
		if r.Present && returned(v.Operations, r) {
			return i
		}
	}
	return last
}

// returned reports whether r's value was current before some other value was,
// which in turn was current before r was called.
func returned(ops []history.Operation, r *history.Operation) bool {
	holds := func(o *history.Operation, same bool) bool {
		return o.Outcome == history.OK && (o.Kind == history.Put || o.Kind == history.Get && o.Present) && (o.Value == r.Value) == same
	}
	for i := range ops {
		other := &ops[i]
		if !holds(other, false) || other.Return >= r.Call {
			continue
		}
		for j := range ops {
			if before := &ops[j]; before != r && holds(before, true) && before.Return < other.Call {
				return true
			}
		}
	}
	return false
}
