package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// knownPuts are, by read from fromAny, puts on its key that it had to know of.
type knownPuts map[int32][]int32

// look adds the latest puts that come before each read, as far as they are in the block.
func (k knownPuts) look(s *sessions, b *reach) {
	known := make([]uint64, b.words)
	for _, r := range s.free {
		i := slices.IndexFunc(b.spans, func(x span) bool { return x.key == s.events[r].key })
		if i < 0 {
			continue
		}
		first, last := b.spans[i].words()
		for j := first; j <= last; j++ {
			known[j] = b.spans[i].word(b.row(r), j) & b.puts[j]
		}
		b.latest(b.spans[i], known, func(w int32) { k[r] = append(k[r], w) })
	}
}

// inexplicable returns the reads that found nothing, had to know of a put, and saw
// no delete: in the order of the writes that g holds, every one that was called in time
// comes before one of those puts.
func (k knownPuts) inexplicable(ctx context.Context, s *sessions, g *graph) ([]int32, error) {
	order := g.topological()
	if len(k) == 0 || len(order) < g.size() {
		return nil, ctx.Err()
	}
	explained := make(map[int32]bool)
	err := s.sweep(ctx, g, order, false, func(b *reach) {
		for r, puts := range k {
			if explained[r] {
				continue
			}
			for _, d := range s.writes[s.events[r].key] {
				e := &s.events[d]
				if explained[r] || b.bit[d] < 0 || e.Kind != history.Delete || e.Call > s.events[r].ret {
					continue
				}
				explained[r] = !slices.ContainsFunc(puts, func(w int32) bool { return b.has(b.row(w), d) })
			}
		}
	})
	var out []int32
	for r := range k {
		if !explained[r] {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out, err
}

// findings explains the first inexplicable read of every key that is not judged.
// explain tells the events that an arc of g was inferred from, and path how a
// read came to know of a put.
func (k knownPuts) findings(ctx context.Context, s *sessions, rule Rule, g *graph, judged map[int32]bool, explain func(a arc) []int32, path func(put, read int32) []int32) ([]*finding, error) {
	reads, err := k.inexplicable(ctx, s, g)
	var out []*finding
	for _, r := range reads {
		key := s.events[r].key
		if judged[key] {
			continue
		}
		judged[key] = true
		var f *finding
		deletes := s.candidates(r)
		for _, d := range deletes {
			way := g.path(k[r], func(n int32) bool { return n == d }, nil)
			put := way[len(way)-1].to
			one := s.tell(key, rule, append(s.legs(way, explain), leg{nodes: path(put, r)}), s.hadToSee(r, put))
			if f == nil {
				f = one
				continue
			}
			f.ops = append(f.ops, one.ops...)
		}
		if len(deletes) > 1 {
			f.sentence += fmt.Sprintf(" No delete of %s that had been sent came after that.", s.names[key])
		}
		f.ops = sorted(f.ops)
		out = append(out, f)
	}
	return out, err
}
