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

// op is an operation as evidence: its return time is always meaningful. The
// rules pass over all of them again and again, so what they look at lies together.
type op struct {
	*history.Operation
	Call time.Duration
	// ret is forever for an open operation, or the time by which an unknown
	// put has surely taken effect, because somebody had read its value.
	ret time.Duration
	// value numbers what was written or read: equal values, equal numbers.
	value   int32
	Kind    history.Kind
	Outcome history.Outcome
	Present bool
}

func newOp(o *history.Operation, ret time.Duration, value int32) op {
	return op{Operation: o, Call: o.Call, ret: ret, value: value, Kind: o.Kind, Outcome: o.Outcome, Present: o.Present}
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
	// numbers has the numbers of values, from 1; absent is no value.
	numbers *numbering
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
	k := &keyHistory{key: key, total: len(operations), unique: true, ops: make([]op, 0, len(operations))}
	s := k.survey(operations)
	if s.unknown {
		k.prune(s)
	}
	k.firstPut = make([]int32, len(s.seen))
	for i := range k.firstPut {
		k.firstPut[i] = -1
	}
	for i := range k.ops {
		e := &k.ops[i]
		if e.ret == forever {
			k.open++
		}
		if e.Kind == history.Put {
			if p := k.firstPut[e.value]; p < 0 || e.Call < k.ops[p].Call {
				k.firstPut[e.value] = int32(i)
			}
		}
	}
	return k
}

// survey is what must be known of all operations before one can be dropped.
type survey struct {
	seen       []time.Duration // value to the first return of a read of it
	lastAbsent time.Duration   // return of the last read that found nothing
	register   bool            // there are no kinds but those of a register
	unknown    bool            // there are writes with unknown outcome
}

// survey numbers the values and collects what may be evidence.
func (k *keyHistory) survey(operations []*history.Operation) survey {
	// Half of the operations read, as a rule, and name no new value.
	half := len(operations)/2 + 1
	k.numbers = newNumbering(half)
	s := survey{seen: append(make([]time.Duration, 0, half), forever), lastAbsent: math.MinInt64, register: true}
	written := append(make([]bool, 0, half), false)
	for _, o := range operations {
		kind, outcome := o.Kind, o.Outcome
		s.register = s.register && kind <= history.Delete
		switch {
		case outcome == history.Failed:
			if kind != history.Get {
				k.failed = append(k.failed, o)
			}
			continue
		case outcome == history.Unknown:
			if kind == history.Get {
				continue
			}
			s.unknown = true
		}
		e := newOp(o, o.Return, absent)
		if outcome == history.Unknown {
			e.ret = forever
		}
		if reads := kind.Reads(); kind == history.Delete || reads && !(o.Present && outcome == history.OK) {
			if kind == history.Get {
				s.lastAbsent = max(s.lastAbsent, e.ret)
			}
		} else {
			n := k.numbers.number(o.Value)
			if int(n) == len(s.seen) {
				s.seen, written = append(s.seen, forever), append(written, false)
			}
			e.value = n
			if reads {
				s.seen[n] = min(s.seen[n], e.ret)
			} else if kind == history.Put {
				k.unique = k.unique && !written[n]
				written[n] = true
			}
		}
		k.ops = append(k.ops, e)
	}
	return s
}

// prune drops unknown writes that nobody can have seen, and bounds the others.
func (k *keyHistory) prune(s survey) {
	if !s.register {
		return
	}
	kept := k.ops[:0]
	for _, e := range k.ops {
		if e.Outcome == history.Unknown {
			switch {
			case e.Kind == history.Delete && s.lastAbsent < e.Call:
				continue
			case e.Kind == history.Put && k.unique && s.seen[e.value] == forever:
				continue
			case e.Kind == history.Put && k.unique:
				e.ret = max(s.seen[e.value], e.Call)
			}
		}
		kept = append(kept, e)
	}
	k.ops = kept
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
