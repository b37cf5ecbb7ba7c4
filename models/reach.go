package models

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// rowMemory bounds what reach holds, in bytes, unless there are very many events.
const rowMemory = 256 << 20

// reach tells, for some of the writes, which of them each event comes after. All
// writes at once could take more memory than there is; in blocks they take
// operations × writes / 64 steps and as much memory as one likes.
type reach struct {
	words int
	rows  []uint64 // words per event: the writes that it comes after, or is
	// over are those of them that it comes after by way of another write on
	// the same key: to see one of them would be to see an old value.
	over []uint64
	// absences is set if a read that found nothing counts as another write as
	// well, after all puts that it comes after: some delete, whichever it was.
	absences bool
	puts     []uint64
	// event and bit translate between bits and the writes of the block; bit is
	// -1 for all other events.
	event []int32
	bit   []int32
	spans []span
}

// span is the bits of one key, in an order in which arcs lead forward.
type span struct {
	key       int32
	low, high int
}

func (b *reach) row(n int32) []uint64 { return b.rows[int(n)*b.words:][:b.words] }
func (b *reach) old(n int32) []uint64 { return b.over[int(n)*b.words:][:b.words] }

// has reports whether the row has the bit of write w, which must be of the block.
func (b *reach) has(row []uint64, w int32) bool {
	i := b.bit[w]
	return row[i/64]&(1<<(i%64)) != 0
}

// word returns the bits of a span in word i of a row.
func (s span) word(row []uint64, i int) uint64 {
	v := row[i]
	if i == s.low/64 {
		v &= ^uint64(0) << (s.low % 64)
	}
	if i == (s.high-1)/64 {
		v &= ^uint64(0) >> (63 - (s.high-1)%64)
	}
	return v
}

// words yields first and last word of a span.
func (s span) words() (first, last int) { return s.low / 64, (s.high - 1) / 64 }

// merge adds the span's bits of a row to another.
func (s span) merge(to, from []uint64) {
	for i, last := s.words(); i <= last; i++ {
		to[i] |= s.word(from, i)
	}
}

// empty reports whether a row has none of the span's bits.
func (s span) empty(row []uint64) bool {
	for i, last := s.words(); i <= last; i++ {
		if s.word(row, i) != 0 {
			return false
		}
	}
	return true
}

// latest yields those writes in the row that come before no other one in it, and
// clears the span's bits of the row.
func (b *reach) latest(s span, row []uint64, yield func(w int32)) {
	for first, i := s.low/64, (s.high-1)/64; i >= first; i-- {
		for s.word(row, i) != 0 {
			w := b.event[i*64+63-bits.LeadingZeros64(s.word(row, i))]
			yield(w)
			for j, known := first, b.row(w); j <= i; j++ {
				row[j] &^= s.word(known, j)
			}
		}
	}
}

// sweep calls visit with a reach for each block of writes. In order, nil for the
// order of the events, every arc leads forward. The error is ctx's.
func (s *sessions) sweep(ctx context.Context, g *graph, order []int32, absences bool, visit func(b *reach)) error {
	n := len(s.events)
	if order == nil {
		order = make([]int32, n)
		for i := range order {
			order[i] = int32(i)
		}
	}
	rank := make([]int32, n)
	for i, e := range order {
		rank[e] = int32(i)
	}
	var writes []int32
	for _, list := range s.writes {
		from := len(writes)
		writes = append(writes, list...)
		slices.SortFunc(writes[from:], func(a, b int32) int { return cmp.Compare(rank[a], rank[b]) })
	}
	if n == 0 || len(writes) == 0 {
		return ctx.Err()
	}
	words := min((len(writes)+63)/64, max(1, s.memory/16/n))
	b := &reach{
		words: words, rows: make([]uint64, n*words), over: make([]uint64, n*words), bit: make([]int32, n),
		absences: absences, puts: make([]uint64, words),
	}
	of := make([]int32, len(s.writes)) // key to its span, -1 if it has none
	for len(writes) > 0 {
		b.begin(s, writes[:min(len(writes), 64*words)], of)
		for i, e := range order {
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			b.fill(s, g, e, of)
		}
		visit(b)
		writes = writes[len(b.event):]
	}
	return ctx.Err()
}

// begin starts a block of writes, ordered by key.
func (b *reach) begin(s *sessions, writes []int32, of []int32) {
	b.event, b.spans = writes, b.spans[:0]
	clear(b.rows)
	clear(b.over)
	clear(b.puts)
	for i := range b.bit {
		b.bit[i] = -1
	}
	for i := range of {
		of[i] = -1
	}
	for i, w := range writes {
		b.bit[w] = int32(i)
		if s.events[w].Kind == history.Put {
			b.puts[i/64] |= 1 << (i % 64)
		}
		key := s.events[w].key
		if of[key] < 0 {
			of[key] = int32(len(b.spans))
			b.spans = append(b.spans, span{key: key, low: i})
		}
		b.spans[of[key]].high = i + 1
	}
}

// fill computes the rows of an event from those that it comes directly after.
func (b *reach) fill(s *sessions, g *graph, n int32, of []int32) {
	row, over := b.row(n), b.old(n)
	for _, a := range g.into(n) {
		if i := b.bit[a.from]; i >= 0 && row[i/64]&(1<<(i%64)) != 0 {
			continue // it is before another one of them, with all that is before it
		}
		for i, v := range b.row(a.from) {
			row[i] |= v
		}
		for i, v := range b.old(a.from) {
			over[i] |= v
		}
	}
	e := &s.events[n]
	switch span := of[e.key]; {
	case span < 0:
	case e.isWrite():
		b.spans[span].merge(over, row)
	case b.absences && e.isAbsentRead() && e.from == fromAny:
		first, last := b.spans[span].words()
		for i := first; i <= last; i++ {
			over[i] |= b.spans[span].word(row, i) & b.puts[i]
		}
	}
	if i := b.bit[n]; i >= 0 {
		row[i/64] |= 1 << (i % 64)
	}
}
