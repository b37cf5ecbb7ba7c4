package models

import (
	"context"
	"slices"
)

// causal judges by causal convergence, CCv of Bouajjani, Enea, Guerraoui & Hamza,
// On Verifying Causal Consistency, POPL 2017: what led to an operation is seen
// before it, and all copies order the writes of a key in the same way. With
// unique values their bad patterns decide it; ThinAirRead is
// left to valueRules, and CyclicCO cannot be without it, see sessions.
func causal() Model {
	return Model{
		Name:    "causal",
		Title:   "whoever sees a write also sees what led to it, and all agree on the order of the writes to a key (causal convergence)",
		Kinds:   registerKinds(),
		Implies: []string{"writes-follow-reads", "monotonic-writes", "monotonic-reads", "read-your-writes"},
		whole:   bySessions(causalRule(RuleNotCausal)),
	}
}

// allOfSession is session order as it is.
func allOfSession() follows { return follows{ww: true, wr: true, rw: true, rr: true} }

func causalRule(rule Rule) sessionRule {
	return func(ctx context.Context, s *sessions) ([]*finding, error) {
		g, old := s.graph(allOfSession()), s.newOldReads()
		arcs := slices.Clone(g.arcs)
		known := make(knownPuts)
		err := s.sweep(ctx, g, nil, true, func(b *reach) {
			old.look(b)
			known.look(s, b)
			arcs = s.conflicts(b, arcs)
		})
		if err != nil {
			return nil, err
		}
		judged := make(map[int32]bool)
		findings := old.findings(g, rule, true, judged)
		explain := func(a arc) []int32 {
			return s.nodes(g.path(s.readers[a.to], func(n int32) bool { return n == a.from }, nil))
		}
		ordered := newGraph(len(s.events), arcs)
		findings = append(findings, s.cycles(ordered, rule, judged, explain)...)
		more, err := known.findings(ctx, s, rule, ordered, judged, explain, func(put, read int32) []int32 {
			return s.nodes(g.path([]int32{read}, func(n int32) bool { return n == put }, nil))
		})
		return append(findings, more...), err
	}
}

// conflicts adds the paper's conflict order to the arcs, as far as it does not
// follow from them: a write that comes before a read of another one on its key
// comes before that other one.
func (s *sessions) conflicts(b *reach, arcs []arc) []arc {
	known := make([]uint64, b.words)
	for _, span := range b.spans {
		first, last := span.words()
		for _, w := range s.writes[span.key] {
			if len(s.readers[w]) == 0 {
				continue
			}
			clear(known[first : last+1])
			for _, r := range s.readers[w] {
				span.merge(known, b.row(r))
			}
			for i, before := first, b.row(w); i <= last; i++ {
				known[i] &^= before[i]
			}
			b.latest(span, known, func(v int32) { arcs = append(arcs, arc{from: v, to: w, inferred: true}) })
		}
	}
	return arcs
}
