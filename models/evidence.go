package models

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// forever is the return time of an operation that may still take effect.
const forever = time.Duration(math.MaxInt64)

// op is an operation as evidence: its return time is always meaningful.
type op struct {
	*history.Operation
	// ret is forever for an open operation, or the time by which an unknown
	// put has surely taken effect, because somebody had read its value.
	ret time.Duration
}

func (o *op) isAbsentRead() bool { return o.Kind == history.Get && !o.Present }
func (o *op) isRead() bool       { return o.Kind == history.Get && o.Present }

// before reports whether o surely precedes p: intervals are closed.
func (o *op) before(p *op) bool { return o.ret < p.Call }

// keyHistory is the evidence on one key.
type keyHistory struct {
	key string
	// ops are what constrains the model, by call time: acknowledged writes,
	// answered reads, unknown writes that somebody may have seen.
	ops []op
	// failed are writes that were answered with a failure.
	failed []*history.Operation
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
func evidence(key string, operations []*history.Operation) *keyHistory {
	k := &keyHistory{key: key, total: len(operations), unique: true}
	puts := make(map[string]int)
	seen := make(map[string]time.Duration) // value -> earliest return of a read of it
	lastAbsent := time.Duration(math.MinInt64)
	for _, o := range operations {
		switch {
		case o.Kind == history.Put && o.Outcome != history.Failed:
			puts[o.Value]++
			if puts[o.Value] > 1 {
				k.unique = false
			}
		case o.Kind == history.Get && o.Outcome == history.OK && o.Present:
			if first, ok := seen[o.Value]; !ok || o.Return < first {
				seen[o.Value] = o.Return
			}
		case o.Kind == history.Get && o.Outcome == history.OK:
			lastAbsent = max(lastAbsent, o.Return)
		}
	}
	for _, o := range operations {
		e := op{Operation: o, ret: o.Return}
		switch o.Outcome {
		case history.Failed:
			if o.Kind != history.Get {
				k.failed = append(k.failed, o)
			}
			continue
		case history.Unknown:
			e.ret = forever
			switch o.Kind {
			case history.Get:
				continue
			case history.Put:
				if first, ok := seen[o.Value]; k.unique && !ok {
					continue
				} else if k.unique {
					e.ret = max(first, o.Call)
				}
			case history.Delete:
				if lastAbsent < o.Call {
					continue
				}
			}
			if e.ret == forever {
				k.open++
			}
		}
		k.ops = append(k.ops, e)
	}
	slices.SortStableFunc(k.ops, func(a, b op) int { return cmp.Compare(a.Call, b.Call) })
	return k
}
