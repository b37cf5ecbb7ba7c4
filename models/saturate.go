package models

import (
	"context"

	"github.com/st3v3nmw/lsfr/history"
)

// saturationRounds bounds saturate. Fewer rounds only leave more to the search.
const saturationRounds = 50

// saturate collects what must come before what in any total order that explains
// all reads, until nothing follows any more or it contradicts itself:
//   - a write that comes before a read of another one on its key comes before that other one;
//   - a read comes before every write on its key that comes after the write which it saw;
//   - a read of the initial state comes before every put on its key.
func (s *sessions) saturate(ctx context.Context) (arcs []arc, cyclic bool, err error) {
	arcs = s.graph(allOfSession()).arcs
	known := make(map[[2]int32]bool)
	for round := int32(1); ; round++ {
		g := newGraph(len(s.events), arcs)
		order := g.topological()
		if len(order) < g.size() {
			return arcs, true, nil
		}
		if round > saturationRounds {
			return arcs, false, nil
		}
		before := len(arcs)
		add := func(from, to int32) {
			if !known[[2]int32{from, to}] {
				known[[2]int32{from, to}] = true
				arcs = append(arcs, arc{from: from, to: to, inferred: true, round: round})
			}
		}
		if err := s.sweep(ctx, g, order, false, func(b *reach) { s.infer(b, add) }); err != nil {
			return nil, false, err
		}
		if len(arcs) == before {
			return arcs, false, nil
		}
	}
}

// infer adds what follows from the order of the writes in b.
func (s *sessions) infer(b *reach, add func(from, to int32)) {
	known := make([]uint64, b.words)
	for _, span := range b.spans {
		first, last := span.words()
		initial := s.lastOfClients(s.initial[span.key])
		for _, w := range s.writes[span.key] {
			// What comes before w: reads of that come before w as well.
			clear(known[first : last+1])
			span.merge(known, b.row(w))
			if i := b.bit[w]; i >= 0 {
				known[i/64] &^= 1 << (i % 64)
			}
			if s.events[w].Kind == history.Put && span.empty(known) {
				for _, r := range initial {
					add(r, w)
				}
			}
			b.latest(span, known, func(v int32) {
				for _, r := range s.lastOfClients(s.readers[v]) {
					add(r, w)
				}
				if s.events[v].Kind == history.Delete && s.events[w].Kind == history.Put {
					for _, r := range initial {
						add(r, w)
					}
				}
			})
			// What comes before reads of w, and not before w: it does now.
			for _, r := range s.readers[w] {
				span.merge(known, b.row(r))
			}
			for i, row := first, b.row(w); i <= last; i++ {
				known[i] &^= row[i]
			}
			b.latest(span, known, func(v int32) { add(v, w) })
		}
	}
}

// lastOfClients drops reads that come before another one of them in their session.
func (s *sessions) lastOfClients(reads []int32) []int32 {
	if len(reads) < 2 {
		return reads
	}
	last := make(map[int]int, len(reads))
	var out []int32
	for _, r := range reads {
		client := s.events[r].Client
		if i, ok := last[client]; ok && s.precedes(out[i], r) {
			out[i] = r
			continue
		}
		last[client] = len(out)
		out = append(out, r)
	}
	return out
}

// refutation returns events that contradict each other, given saturated arcs with a cycle.
func (s *sessions) refutation(arcs []arc) []int32 {
	g := newGraph(len(s.events), arcs)
	component := g.components()
	var cycle []arc
	for _, a := range arcs {
		if a.inferred && component[a.from] == component[a.to] {
			back := g.path([]int32{a.from}, func(n int32) bool { return n == a.to }, func(b *arc) bool { return component[b.from] == component[b.to] })
			cycle = append(back, a)
			break
		}
	}
	events := make(map[int32]bool)
	explained := make(map[arc]bool)
	for len(cycle) > 0 {
		a := cycle[len(cycle)-1]
		cycle = cycle[:len(cycle)-1]
		for _, n := range [...]int32{a.from, a.to} {
			events[n] = true
			if e := &s.events[n]; !e.isWrite() && e.from >= 0 {
				events[e.from] = true
			}
		}
		if !a.inferred || explained[a] {
			continue
		}
		explained[a] = true
		// Inferred from a path, the arcs of which were known before.
		first, targets := a.from, s.readers[a.to]
		if e := &s.events[a.from]; !e.isWrite() {
			if e.from < 0 {
				continue
			}
			first, targets = e.from, []int32{a.to}
		}
		cycle = append(cycle, g.path(targets, func(n int32) bool { return n == first }, func(b *arc) bool { return b.round < a.round })...)
	}
	out := make([]int32, 0, len(events))
	for n := range events {
		out = append(out, n)
	}
	return out
}
