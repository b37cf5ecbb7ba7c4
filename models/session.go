package models

import (
	"cmp"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// What a read saw, if not the write with the number event.from.
const (
	fromInitial int32 = -1 // nobody had written: no delete can explain that it found nothing
	fromAny     int32 = -2 // it found nothing, because of a delete or before all puts
)

// event is an operation of a history that is judged by its sessions.
type event struct {
	*op
	key int32
	// from is the write that a read saw; meaningless for a write.
	from int32
}

func (e *event) isWrite() bool { return e.Kind.Writes() }

// at orders events so that every one comes after what it follows in its session
// and after the write that it saw: no read returns before its write is called.
func (e *event) at() time.Duration {
	if e.isWrite() {
		return e.Call
	}
	return e.ret
}

// sessions is a history as its clients saw it: who did what in which order, and
// which read saw which write. Real time beyond that is forgotten, but for one
// thing: nobody sees a write before it was called.
type sessions struct {
	// events are numbered so that what comes before by session or by
	// reading has the smaller number: a cycle in those two (CyclicCO) would need
	// a read of a value before it was written, which valueRules reports.
	events []event
	// clients holds each client's events in the order of their calls.
	clients [][]int32
	// names, writes and initial go by key: its name, its writes in order, the
	// reads that saw nothing written.
	names   []string
	writes  [][]int32
	initial [][]int32
	// readers are, by write, the reads that saw it.
	readers [][]int32
	// free are the reads from fromAny.
	free []int32
	// memory bounds, in bytes, what sweep holds.
	memory int
}

// newSessions leaves out keys with repeated values, and reads that no write
// explains; valueRules finds those.
func newSessions(keys []*keyHistory) *sessions {
	s := &sessions{memory: rowMemory, names: make([]string, len(keys)), writes: make([][]int32, len(keys)), initial: make([][]int32, len(keys))}
	for key, k := range keys {
		s.names[key] = k.key
		if !k.unique {
			continue
		}
		firstDelete := forever
		for i := range k.ops {
			if o := &k.ops[i]; o.Kind == history.Delete {
				firstDelete = min(firstDelete, o.Call)
			}
		}
		for i := range k.ops {
			e := event{op: &k.ops[i], key: int32(key)}
			if e.isRead() {
				if put := k.put(e.value); e.Defect != "" || put == nil || e.ret < put.Call {
					continue
				}
			} else if e.isAbsentRead() {
				e.from = fromInitial
				if firstDelete <= e.ret {
					e.from = fromAny
				}
			}
			s.events = append(s.events, e)
		}
	}
	slices.SortStableFunc(s.events, func(a, b event) int {
		if c := cmp.Compare(a.at(), b.at()); c != 0 || a.isWrite() == b.isWrite() {
			return c
		}
		if a.isWrite() {
			return -1
		}
		return 1
	})
	s.link(keys)
	s.index()
	return s
}

// link finds the writes that reads saw, and the clients' events.
func (s *sessions) link(keys []*keyHistory) {
	written := make([][]int32, len(keys)) // by key and value
	for key, k := range keys {
		written[key] = make([]int32, len(k.firstPut))
	}
	number := make(map[int]int)
	for i := range s.events {
		e := &s.events[i]
		if e.Kind == history.Put {
			written[e.key][e.value] = int32(i)
		} else if e.isRead() {
			e.from = written[e.key][e.value]
		}
		c, ok := number[e.Client]
		if !ok {
			c = len(s.clients)
			number[e.Client] = c
			s.clients = append(s.clients, nil)
		}
		s.clients[c] = append(s.clients[c], int32(i))
	}
	for _, events := range s.clients {
		slices.SortStableFunc(events, func(a, b int32) int { return cmp.Compare(s.events[a].Call, s.events[b].Call) })
	}
}

// index fills writes, readers, initial and free from the events.
func (s *sessions) index() {
	s.readers, s.free = make([][]int32, len(s.events)), nil
	for key := range s.writes {
		s.writes[key], s.initial[key] = nil, nil
	}
	for i := range s.events {
		e, n := &s.events[i], int32(i)
		switch {
		case e.isWrite():
			s.writes[e.key] = append(s.writes[e.key], n)
		case e.from == fromInitial:
			s.initial[e.key] = append(s.initial[e.key], n)
		case e.from == fromAny:
			s.free = append(s.free, n)
		default:
			s.readers[e.from] = append(s.readers[e.from], n)
		}
	}
}

// candidates returns the deletes that may explain that a read found nothing, the
// latest first.
func (s *sessions) candidates(r int32) []int32 {
	var out []int32
	e := &s.events[r]
	for _, d := range slices.Backward(s.writes[e.key]) {
		if w := &s.events[d]; w.Kind == history.Delete && w.Call <= e.ret {
			out = append(out, d)
		}
	}
	return out
}

// precedes is session order: both by one client, and the first was answered
// before the second was called. Nothing follows a write of unknown outcome.
func (s *sessions) precedes(a, b int32) bool {
	x, y := &s.events[a], &s.events[b]
	return x.Client == y.Client && x.Outcome == history.OK && x.before(y.op)
}

// chains holds a client's events so far as chains of session order: one, unless
// its operations overlap. Of each chain only the last two matter.
type chains []struct{ before, tail int32 }

// last calls yield with the last event of each chain that precedes n.
func (c chains) last(s *sessions, n int32, yield func(m int32)) {
	for _, chain := range c {
		if s.precedes(chain.tail, n) {
			yield(chain.tail)
		} else if chain.before >= 0 { // it precedes the tail, which was called before n
			yield(chain.before)
		}
	}
}

// add puts an event behind those of which none was called later.
func (c *chains) add(s *sessions, n int32) {
	if s.events[n].Outcome != history.OK {
		return
	}
	for i := range *c {
		if chain := &(*c)[i]; s.precedes(chain.tail, n) {
			chain.before, chain.tail = chain.tail, n
			return
		}
	}
	*c = append(*c, struct{ before, tail int32 }{-1, n})
}

// follows chooses which pairs of session order count: from a write or a read to
// a write or a read. Beside them, a read always follows the write that it saw.
type follows struct{ ww, wr, rw, rr bool }

// graph returns what each event directly comes after.
func (s *sessions) graph(f follows) *graph {
	var arcs []arc
	for _, events := range s.clients {
		var writes, reads chains
		for _, n := range events {
			e := &s.events[n]
			add := func(m int32) { arcs = append(arcs, arc{from: m, to: n}) }
			if e.isWrite() {
				if f.ww {
					writes.last(s, n, add)
				}
				if f.rw {
					reads.last(s, n, add)
				}
				writes.add(s, n)
				continue
			}
			if f.wr {
				writes.last(s, n, add)
			}
			if f.rr {
				reads.last(s, n, add)
			}
			reads.add(s, n)
			if e.from >= 0 {
				add(e.from)
			}
		}
	}
	return newGraph(len(s.events), arcs)
}
