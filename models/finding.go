package models

import (
	"cmp"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// finding is a violation before it is shrunk and dressed for the reader.
type finding struct {
	key      string // set for a model that is not local
	rule     Rule
	ops      []*op
	sentence string
	// minimal is set if every operation belongs to the explanation, also one
	// without which the rest would be illegal as well.
	minimal bool
	// from and to bound the time in which something must have gone wrong: a
	// fault in between is worth telling. Both 0 if there is no such time.
	from, to time.Duration
}

// sorted removes what stands twice and orders by call time.
func sorted(ops []*op) []*op {
	out := make([]*op, 0, len(ops))
	seen := make(map[int64]bool, len(ops))
	for _, o := range ops {
		if !seen[o.ID] {
			seen[o.ID] = true
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	return out
}

// violation dresses a finding.
func (f *finding) violation(key string, faults []history.FaultEvent) Violation {
	v := Violation{Rule: f.rule, Key: key, Sentence: f.sentence + faultsBetween(faults, f.from, f.to)}
	for _, o := range sorted(f.ops) {
		v.Operations = append(v.Operations, *o.Operation)
	}
	return v
}
