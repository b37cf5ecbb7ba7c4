package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// orderSearch looks for one order of all events in which every read returns the
// latest write: depth first, one write after the other, writes that were
// called first are tried first. Three things keep it short:
//   - a read that can be taken now is taken at once: it changes nothing;
//   - a put that nobody read is taken at once where the current value is of no
//     more use either;
//   - no state is entered twice. A state is what has been taken and what the
//     keys hold; it is remembered by a hash of 128 bits.
type orderSearch struct {
	s     *sessions
	after [][]int32 // what comes directly after an event
	// left counts, by event, what must be taken before it; reads, by write, the
	// reads of it that are left; absent, by key, the reads left that found nothing.
	left, reads, absent []int32
	// current is, by key, the latest write, -1 at first; puts counts those taken.
	current, puts []int32
	hash          stateHash
	trail         []taken
	seen          map[stateHash]struct{}
}

type stateHash [2]uint64

// taken is an event and what its key held before.
type taken struct{ event, before int32 }

func newOrderSearch(s *sessions, arcs []arc) *orderSearch {
	n := len(s.events)
	q := &orderSearch{
		s: s, after: make([][]int32, n), left: make([]int32, n), reads: make([]int32, n), seen: make(map[stateHash]struct{}),
		absent: make([]int32, len(s.names)), current: make([]int32, len(s.names)), puts: make([]int32, len(s.names)),
	}
	for _, a := range arcs {
		q.after[a.from] = append(q.after[a.from], a.to)
		q.left[a.to]++
	}
	for i := range s.events {
		if e := &s.events[i]; e.isAbsentRead() {
			q.absent[e.key]++
		}
		q.reads[i] = int32(len(s.readers[i]))
	}
	for key := range q.current {
		q.current[key] = -1
	}
	return q
}

// choice is a state, the writes that could be taken next, and what else is ready.
type choice struct {
	writes []int32
	next   int
	ready  []int32
	trail  int
}

// run returns an order, or nil if there is none. The error is ctx's, or an
// *undecidedError after so many steps.
func (q *orderSearch) run(ctx context.Context, steps int) ([]int32, error) {
	var ready []int32
	for i, left := range q.left {
		if left == 0 {
			ready = append(ready, int32(i))
		}
	}
	stack := []choice{q.choose(ready)}
	for step := 0; len(stack) > 0; step++ {
		if len(q.trail) == len(q.s.events) {
			order := make([]int32, len(q.trail))
			for i, t := range q.trail {
				order[i] = t.event
			}
			return order, nil
		}
		if step >= steps {
			return nil, &undecidedError{reason: fmt.Sprintf("no order was found, nor ruled out, in %d steps of the search", steps)}
		}
		if step%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c := &stack[len(stack)-1]
		q.undo(c.trail)
		if c.next == len(c.writes) {
			stack = stack[:len(stack)-1]
			continue
		}
		w := c.writes[c.next]
		c.next++
		rest := make([]int32, 0, len(c.ready)+4)
		for _, n := range c.ready {
			if n != w {
				rest = append(rest, n)
			}
		}
		next := q.choose(q.take(w, rest))
		if _, ok := q.seen[q.hash]; !ok {
			q.seen[q.hash] = struct{}{}
			stack = append(stack, next)
		}
	}
	return nil, nil
}

// choose takes all that can be taken at once.
func (q *orderSearch) choose(ready []int32) choice {
	for again := true; again; {
		again = false
		for i := 0; i < len(ready); i++ {
			if n := ready[i]; q.free(n) {
				last := len(ready) - 1
				ready[i] = ready[last]
				ready = q.take(n, ready[:last])
				again = true
				i--
			}
		}
	}
	c := choice{ready: ready, trail: len(q.trail)}
	for _, n := range ready {
		if e := &q.s.events[n]; e.isWrite() && !q.needed(e.key) {
			c.writes = append(c.writes, n)
		}
	}
	slices.SortFunc(c.writes, func(a, b int32) int { return cmp.Compare(q.s.events[a].Call, q.s.events[b].Call) })
	return c
}

// needed reports whether reads are left of the value that a key holds: it never
// comes back.
func (q *orderSearch) needed(key int32) bool {
	w := q.current[key]
	return w >= 0 && q.reads[w] > 0
}

// free reports whether taking a ready event now loses nothing.
func (q *orderSearch) free(n int32) bool {
	e := &q.s.events[n]
	w := q.current[e.key]
	switch {
	case e.isRead():
		return w == e.from
	case e.isAbsentRead():
		return q.puts[e.key] == 0 || q.s.events[w].Kind == history.Delete && q.s.events[w].Call <= e.ret
	case e.Kind == history.Put && q.reads[n] == 0 && !q.needed(e.key):
		return q.absent[e.key] == 0 || w >= 0 && q.s.events[w].Kind == history.Put
	}
	return false
}

// take adds to ready what may be taken after n.
func (q *orderSearch) take(n int32, ready []int32) []int32 {
	e := &q.s.events[n]
	q.trail = append(q.trail, taken{n, q.current[e.key]})
	q.flip(n, 1)
	for _, m := range q.after[n] {
		if q.left[m]--; q.left[m] == 0 {
			ready = append(ready, m)
		}
	}
	return ready
}

// undo goes back to a trail of the given length.
func (q *orderSearch) undo(length int) {
	for len(q.trail) > length {
		t := q.trail[len(q.trail)-1]
		q.trail = q.trail[:len(q.trail)-1]
		for _, m := range q.after[t.event] {
			q.left[m]++
		}
		q.flip(t.event, -1)
		if e := &q.s.events[t.event]; e.isWrite() {
			q.hold(e.key, t.before)
		}
	}
}

// flip takes an event, or with -1 gives it back, but for what its key holds then.
func (q *orderSearch) flip(n, sign int32) {
	e := &q.s.events[n]
	q.mix(2 * uint64(n))
	switch {
	case e.isRead():
		q.reads[e.from] -= sign
	case e.isAbsentRead():
		q.absent[e.key] -= sign
	default:
		if e.Kind == history.Put {
			q.puts[e.key] += sign
		}
		if sign > 0 {
			q.hold(e.key, n)
		}
	}
}

// hold makes a write the latest of its key.
func (q *orderSearch) hold(key, w int32) {
	for _, n := range [...]int32{q.current[key], w} {
		if n >= 0 {
			q.mix(2*uint64(n) + 1)
		}
	}
	q.current[key] = w
}

// mix adds a fact to the hash of the state, or removes it (Zobrist, A New Hashing
// Method with Application for Game Playing, 1970), with the finalizer of
// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) in place of a table.
func (q *orderSearch) mix(fact uint64) {
	for i := range q.hash {
		z := (2*fact + uint64(i) + 1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		q.hash[i] ^= z ^ z>>31
	}
}
