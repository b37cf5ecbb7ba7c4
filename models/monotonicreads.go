package models

import "context"

// monotonicReads: no client's reads of a key go backwards (Terry et al., Session
// Guarantees for Weakly Consistent Replicated Data, PDIS 1994; formally Viotti &
// Vukolić, Consistency in Non-Transactional Distributed Storage Systems, CSUR 2016).
// There is one order of the writes of each key, in which every read returns the last
// of those that it sees, among them all that its client had read before.
func monotonicReads() Model {
	return Model{
		Name:  "monotonic-reads",
		Title: "no client's reads of a key go back to an older value",
		Kinds: registerKinds(),
		whole: bySessions(monotonicReadsRule),
	}
}

func monotonicReadsRule(ctx context.Context, s *sessions) ([]*finding, error) {
	// What a read from fromAny saw counts as a write of its own, numbered like the
	// read: some delete, if not before all puts, whichever it was.
	saw := func(n int32) int32 {
		if from := s.events[n].from; from != fromAny {
			return from
		}
		return n
	}
	return s.arbitrate(ctx, nil, RuleWentBackwards, "It went backwards.", func(events []int32, order func(a arc), missed func(w, seen, read int32)) {
		reads := make(map[int32]*chains) // by key, those that saw a write
		for _, n := range events {
			e := &s.events[n]
			if e.isWrite() {
				continue
			}
			earlier := reads[e.key]
			if earlier == nil {
				earlier = new(chains)
				reads[e.key] = earlier
			}
			earlier.last(s, n, func(m int32) {
				switch w := saw(m); {
				case e.from == fromInitial:
					missed(w, m, n)
				case w != saw(n):
					order(arc{from: w, to: saw(n), inferred: true, seen: m, read: n})
				}
			})
			if e.from != fromInitial {
				earlier.add(s, n)
			}
		}
	})
}

// arbitrate looks for one order of each key's writes. Given the events of a
// client, in the order of their calls, require calls order for two writes that can only be in
// that order, and missed for a read that no order can explain, with the write and, if
// not -1, the operation after it that show why. It may also note known puts.
func (s *sessions) arbitrate(ctx context.Context, known knownPuts, rule Rule, why string, require func(events []int32, order func(a arc), missed func(w, seen, read int32))) ([]*finding, error) {
	var arcs []arc
	judged := make(map[int32]bool)
	var findings []*finding
	for i, events := range s.clients {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		require(events, func(a arc) { arcs = append(arcs, a) }, func(w, seen, read int32) {
			if key := s.events[read].key; !judged[key] {
				judged[key] = true
				nodes := witness(arc{from: w, seen: seen, read: read})
				findings = append(findings, s.tell(key, rule, []leg{{nodes: nodes}}, why))
			}
		})
	}
	g := newGraph(len(s.events), arcs)
	findings = append(findings, s.cycles(g, rule, judged, witness)...)
	more, err := known.findings(ctx, s, rule, g, judged, witness, func(put, read int32) []int32 { return []int32{put, read} })
	return append(findings, more...), err
}

// witness returns the events that an arc of an arbitration was inferred from.
func witness(a arc) []int32 {
	if a.seen < 0 || a.seen == a.from {
		return []int32{a.from, a.read}
	}
	return []int32{a.from, a.seen, a.read}
}
