package models

import (
	"math"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// forever is the return time of an operation that may still take effect.
const forever = time.Duration(math.MaxInt64)

// absent is the number of the value that a key without one holds.
const absent = 0

// op is an operation as evidence: its return time is always meaningful.
type op struct {
	*history.Operation
	// ret is forever for an open operation, or the time by which an unknown
	// put has surely taken effect, because somebody had read its value.
	ret time.Duration
	// value numbers what was written or read: equal values, equal numbers.
	value int32
}

func (o *op) isAbsentRead() bool { return o.Kind == history.Get && !o.Present }
func (o *op) isRead() bool       { return o.Kind == history.Get && o.Present }

// before reports whether o surely precedes p: intervals are closed.
func (o *op) before(p *op) bool { return o.ret < p.Call }

// keyHistory is the evidence on one key.
type keyHistory struct {
	key string
	// ops are what constrains the model: acknowledged writes, answered reads,
	// unknown writes that somebody may have seen. In the order of the history.
	ops []op
	// failed are writes that were answered with a failure.
	failed []*history.Operation
	// numbers maps values to their numbers, from 1; absent is no value.
	numbers map[string]int32
	// firstPut is, for each value, the index in ops of the put of it that was
	// called first; -1 if there is none.
	firstPut []int32
	// unique is whether no two puts wrote the same value, so that a read names its write.
	unique bool
	total  int
	open   int
}

// evidence drops what constrains nothing (shared design, "Checking"):
//   - reads without an answer;
//   - unknown puts whose value nobody read, if values are unique. One that was
//     read has returned by the earliest return of a read that saw it;
//   - unknown deletes that no later absent read could need.
//
// The last two hold for registers only. What other kinds of operations left
// open, stays open.
func evidence(key string, operations []*history.Operation) *keyHistory {
	k := &keyHistory{key: key, total: len(operations), unique: true}
	number, seen, lastAbsent, register := k.survey(operations)
	k.ops = make([]op, 0, len(operations))
	for i, o := range operations {
		e := op{Operation: o, ret: o.Return, value: number[i]}
		switch o.Outcome {
		case history.Failed:
			if o.Kind.Writes() {
				k.failed = append(k.failed, o)
			}
			continue
		case history.Unknown:
			e.ret = forever
			switch {
			case o.Kind == history.Get:
				continue
			case !register:
			case o.Kind == history.Put && k.unique:
				if seen[e.value] == forever {
					continue
				}
				e.ret = max(seen[e.value], o.Call)
			case o.Kind == history.Delete:
				if lastAbsent < o.Call {
					continue
				}
			}
			if e.ret == forever {
				k.open++
			}
		}
		if o.Kind == history.Put {
			if p := k.firstPut[e.value]; p < 0 || o.Call < k.ops[p].Call {
				k.firstPut[e.value] = int32(len(k.ops))
			}
		}
		k.ops = append(k.ops, e)
	}
	return k
}

// survey numbers the values, and finds when each was first read, when the last
// read that found nothing returned, and whether all operations are a register's.
func (k *keyHistory) survey(operations []*history.Operation) (number []int32, seen []time.Duration, lastAbsent time.Duration, register bool) {
	// Half of the operations read, as a rule, and name no new value.
	k.numbers = make(map[string]int32, len(operations)/2)
	number = make([]int32, len(operations))
	seen = append(make([]time.Duration, 0, len(operations)/2+1), forever)
	written := append(make([]bool, 0, len(operations)/2+1), false)
	lastAbsent, register = time.Duration(math.MinInt64), true
	for i, o := range operations {
		answered := o.Kind.Reads() && o.Outcome == history.OK
		switch {
		case o.Kind > history.Delete:
			register = false
		case o.Kind == history.Delete:
			continue
		case o.Kind == history.Put && o.Outcome == history.Failed, o.Kind == history.Get && !answered:
			continue
		}
		if answered && !o.Present {
			lastAbsent = max(lastAbsent, o.Return)
			continue
		}
		n, ok := k.numbers[o.Value]
		if !ok {
			n = int32(len(seen))
			k.numbers[o.Value] = n
			seen, written = append(seen, forever), append(written, false)
		}
		number[i] = n
		if answered {
			seen[n] = min(seen[n], o.Return)
		} else if o.Kind == history.Put {
			k.unique = k.unique && !written[n]
			written[n] = true
		}
	}
	k.firstPut = make([]int32, len(seen))
	for i := range k.firstPut {
		k.firstPut[i] = -1
	}
	return number, seen, lastAbsent, register
}

// put returns the first put of a value, or nil.
func (k *keyHistory) put(value int32) *op {
	if i := k.firstPut[value]; i >= 0 {
		return &k.ops[i]
	}
	return nil
}

func pointers(ops []op) []*op {
	out := make([]*op, len(ops))
	for i := range ops {
		out[i] = &ops[i]
	}
	return out
}

// originals returns the operations as the history holds them.
func originals(ops []*op) []*history.Operation {
	out := make([]*history.Operation, len(ops))
	for i, o := range ops {
		out[i] = o.Operation
	}
	return out
}
