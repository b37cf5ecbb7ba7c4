package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// oldReads finds reads of what had been replaced by something that the reader had
// to know of: bad patterns WriteCORead and WriteCOInitRead (Bouajjani, Enea,
// Guerraoui & Hamza, On Verifying Causal Consistency, POPL 2017) for whatever order
// of the events is given.
type oldReads struct {
	s *sessions
	// first is, by key, the first such read; -1 if there is none.
	first []int32
	// free are, by key, the reads from fromAny. They are old unless they fit some
	// delete that nothing had replaced. (The last delete can only be replaced by a
	// put, so that the initial state does not fit either.)
	free [][]int32
	fits map[int32]bool
}

func (s *sessions) newOldReads() *oldReads {
	o := &oldReads{s: s, first: make([]int32, len(s.names)), free: make([][]int32, len(s.names)), fits: make(map[int32]bool)}
	for key := range o.first {
		o.first[key] = -1
	}
	for _, r := range s.free {
		key := s.events[r].key
		o.free[key] = append(o.free[key], r)
	}
	return o
}

func (o *oldReads) add(r int32) {
	if first := &o.first[o.s.events[r].key]; *first < 0 || r < *first {
		*first = r
	}
}

// look takes a block of writes into account.
func (o *oldReads) look(b *reach) {
	for _, span := range b.spans {
		for _, r := range o.s.initial[span.key] {
			if !span.empty(b.row(r)) {
				o.add(r)
			}
		}
		for _, w := range b.event[span.low:span.high] {
			for _, r := range o.s.readers[w] {
				if b.has(b.old(r), w) {
					o.add(r)
				}
			}
		}
		for _, r := range o.free[span.key] {
			for _, w := range b.event[span.low:span.high] {
				if e := &o.s.events[w]; e.Kind == history.Delete && e.Call <= o.s.events[r].ret && !b.has(b.old(r), w) {
					o.fits[r] = true
					break
				}
			}
		}
	}
}

// findings explains, after all blocks, the old reads of every key in judged
// that has one, and marks it there.
func (o *oldReads) findings(g *graph, rule Rule, absences bool, judged map[int32]bool) []*finding {
	for _, r := range o.s.free {
		if !o.fits[r] {
			o.add(r)
		}
	}
	var out []*finding
	for key, r := range o.first {
		if r >= 0 {
			judged[int32(key)] = true
			out = append(out, o.explain(g, rule, r, absences))
		}
	}
	return out
}

func (o *oldReads) explain(g *graph, rule Rule, r int32, absences bool) *finding {
	s, e := o.s, &o.s.events[r]
	switch e.from {
	case fromInitial:
		onKey := func(n int32) bool { return s.events[n].isWrite() && s.events[n].key == e.key }
		known := s.nodes(g.path([]int32{r}, onKey, nil))
		return s.tell(e.key, rule, []leg{{nodes: known}}, s.hadToSee(r, known[0]))
	case fromAny:
		return o.explainFree(g, rule, r)
	}
	nodes, by := o.replaced(g, e.from, r, absences)
	f := s.tell(e.key, rule, []leg{{nodes: nodes}}, "")
	if s.events[by].isWrite() {
		f.sentence += s.hadToSee(r, by)
		return f
	}
	f.sentence += fmt.Sprintf("Whatever removed %s, it must not come back.", quote(e.Value))
	return f
}

// explainFree explains that no delete can be what the read saw.
func (o *oldReads) explainFree(g *graph, rule Rule, r int32) *finding {
	s, e := o.s, &o.s.events[r]
	deletes := s.candidates(r)
	// The last of them can only be replaced by a put.
	nodes, by := o.replaced(g, deletes[0], r, false)
	f := s.tell(e.key, rule, []leg{{nodes: nodes}}, s.hadToSee(r, by))
	for _, d := range deletes[1:] {
		nodes, _ := o.replaced(g, d, r, false)
		for _, n := range nodes {
			f.ops = append(f.ops, s.events[n].op)
		}
	}
	if len(deletes) > 1 {
		f.sentence += fmt.Sprintf(" No delete of %s that had been sent came after that.", e.Key)
	}
	f.ops = sorted(f.ops)
	return f
}

// replaced returns how a write came before another one on its key, returned
// as by, and that before the read; or, with absences, before a read that found nothing.
func (o *oldReads) replaced(g *graph, w, r int32, absences bool) (nodes []int32, by int32) {
	s, key := o.s, o.s.events[w].key
	after := map[int32]bool{w: true}
	for n := w + 1; n <= r; n++ {
		after[n] = slices.ContainsFunc(g.into(n), func(a arc) bool { return after[a.from] })
	}
	between := s.nodes(g.path([]int32{r}, func(n int32) bool {
		e := &s.events[n]
		return n != w && after[n] && e.key == key && (e.isWrite() || absences && e.from == fromAny)
	}, nil))
	before := s.nodes(g.path(between[:1], func(n int32) bool { return n == w }, nil))
	return append(before, between[1:]...), between[0]
}

// oldReadRule finds only old reads, by the given part of session order.
func oldReadRule(rule Rule, f follows) sessionRule {
	return func(ctx context.Context, s *sessions) ([]*finding, error) {
		g, old := s.graph(f), s.newOldReads()
		if err := s.sweep(ctx, g, nil, false, old.look); err != nil {
			return nil, err
		}
		return old.findings(g, rule, false, make(map[int32]bool)), ctx.Err()
	}
}
