package simulate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	forever = time.Duration(math.MaxInt64)
	nothing = -1 // no put: the key is absent
)

// A register is the state of a key, and what reveals whether its current value
// could have been lost without anybody being able to tell.
type register struct {
	put    int32         // whose value is current
	seen   time.Duration // the least return of it and its reads: by then it was surely current
	latest time.Duration // the greatest call of its reads
	// The same of the value that it overwrote.
	under     int32
	underSeen time.Duration
}

// A loss is a put that can be taken away so that everybody can tell. Its reads
// then return what it overwrote.
type loss struct{ put, under int32 }

// apply lets the effects happen in the order of time, and so decides what reads
// return. It returns the puts that could be lost, roughly in the order of time.
//
// If a put is taken away, the value under it is read where the put's value was.
// That is illegal exactly if that value was surely current before the put was
// called, and is current again, in a read called after the put had returned
// (a backward zone inside a forward zone: Gibbons & Korach, Testing Shared
// Memories, SIAM J. Comput. 1997).
func apply(ops []history.Operation, effects []effect) []loss {
	slices.SortFunc(effects, func(a, b effect) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.op, b.op))
	})
	var lost []loss
	over := func(g *register) {
		if g.put == nothing || g.under == nothing {
			return
		}
		if p := &ops[g.put]; p.Outcome == history.OK && g.underSeen < p.Call && p.Return < g.latest {
			lost = append(lost, loss{g.put, g.under})
		}
	}
	keys := make(map[string]*register)
	for _, e := range effects {
		o := &ops[e.op]
		g := keys[o.Key]
		if g == nil {
			g = &register{put: nothing, under: nothing}
			keys[o.Key] = g
		}
		switch o.Kind {
		case history.Put:
			over(g)
			next := register{put: e.op, seen: forever, latest: -1, under: g.put, underSeen: g.seen}
			if o.Outcome == history.OK {
				next.seen = o.Return
			}
			*g = next
		case history.Delete:
			over(g)
			*g = register{put: nothing, under: nothing}
		default:
			if g.put == nothing {
				o.Status = 404
				continue
			}
			o.Value, o.Present = ops[g.put].Value, true
			g.seen, g.latest = min(g.seen, o.Return), max(g.latest, o.Call)
		}
	}
	for _, g := range keys {
		over(g)
	}
	// A map has no order, but equal configs have equal histories.
	slices.SortFunc(lost, func(a, b loss) int { return cmp.Compare(a.put, b.put) })
	return lost
}
