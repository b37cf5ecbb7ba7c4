package models

import (
	"context"

	"github.com/st3v3nmw/lsfr/history"
)

// readYourWrites: clients see their own acknowledged writes (Terry et al., Session
// Guarantees for Weakly Consistent Replicated Data, PDIS 1994; formally Viotti &
// Vukolić, Consistency in Non-Transactional Distributed Storage Systems, CSUR 2016).
// There is one order of the writes of each key, in which every read returns the last
// of those that it sees, among them all earlier ones of its client. That order
// keeps each client's own order, so that reading one's own older value breaks it.
func readYourWrites() Model {
	return Model{
		Name:  "read-your-writes",
		Title: "every client finds its own acknowledged writes, or something newer",
		Kinds: registerKinds(),
		whole: bySessions(readYourWritesRule),
	}
}

func readYourWritesRule(ctx context.Context, s *sessions) ([]*finding, error) {
	known := make(knownPuts)
	return s.arbitrate(ctx, known, RuleOwnWriteMissed, "It missed its own write.", func(events []int32, order func(a arc), missed func(w, seen, read int32)) {
		writes := make(map[int32]*chains) // by key
		for _, n := range events {
			e := &s.events[n]
			own := writes[e.key]
			if own == nil {
				own = new(chains)
				writes[e.key] = own
			}
			switch {
			case e.isWrite():
				own.last(s, n, func(w int32) { order(arc{from: w, to: n}) })
				own.add(s, n)
			case e.from == fromInitial:
				own.last(s, n, func(w int32) { missed(w, -1, n) })
			case e.from == fromAny:
				own.last(s, n, func(w int32) {
					if s.events[w].Kind == history.Put {
						known[n] = append(known[n], w)
					}
				})
			case e.from >= 0:
				own.last(s, n, func(w int32) {
					switch {
					case s.precedes(e.from, w): // a cycle as well, but more easily told
						missed(e.from, w, n)
					case w != e.from:
						order(arc{from: w, to: e.from, inferred: true, seen: -1, read: n})
					}
				})
			}
		}
	})
}
