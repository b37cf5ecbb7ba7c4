package models

import (
	"context"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// CheckAll judges a history by every model that is made for its kinds of
// operations, in the order of All. Timeout and Memory bound each model anew. A
// model that follows from one that holds is not judged again; its verdict names
// that one as its Engine. The error is a *KindError if no model knows all
// kinds, or one of those of Check.
func CheckAll(ctx context.Context, h *history.History, opts Options) ([]Verdict, error) {
	c, err := newCheck(h, opts)
	if err != nil {
		return nil, err
	}
	var out []Verdict
	implied := make(map[string]string) // model to one that holds and implies it
	var mismatch error
	for _, m := range All() {
		if err := m.knows(c.kinds); err != nil {
			mismatch = err
			continue
		}
		if !m.suits(c.kinds) {
			continue
		}
		began := time.Now()
		if by, ok := implied[m.Name]; ok {
			out = append(out, Verdict{
				Status: Valid, Model: m.Name, Engine: "implied by " + by, Violations: []Violation{},
				Keys: len(c.keys), Operations: c.total, Took: time.Since(began),
			})
		} else {
			bounded, stop := WithMemory(ctx, opts.Memory)
			v, err := c.run(bounded, &m)
			stop()
			if err != nil {
				return nil, err
			}
			if len(out) > 0 {
				v.Took = time.Since(began) // the first one's includes what all share
			}
			out = append(out, v)
		}
		if out[len(out)-1].Status == Valid {
			for _, weaker := range m.Implies {
				if _, ok := implied[weaker]; !ok {
					implied[weaker] = m.Name
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, mismatch
	}
	return out, nil
}

// Strongest returns the names of the models that hold and follow from no other that holds.
func Strongest(verdicts []Verdict) []string {
	var holding []Model
	for _, v := range verdicts {
		if m, err := Find(v.Model); err == nil && v.Status == Valid {
			holding = append(holding, m)
		}
	}
	var names []string
	for _, m := range holding {
		if !slices.ContainsFunc(holding, func(other Model) bool { return other.implies(m.Name) }) {
			names = append(names, m.Name)
		}
	}
	return names
}

// implies reports whether a model follows from m, directly or not.
func (m *Model) implies(name string) bool {
	for _, weaker := range m.Implies {
		if weaker == name {
			return true
		}
		if next, err := Find(weaker); err == nil && next.implies(name) {
			return true
		}
	}
	return false
}
