package models

import (
	"context"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// always is when a key that was never written has been absent since.
const always = time.Duration(math.MinInt64)

// replacement is a write that surely took effect.
type replacement struct {
	call time.Duration
	// by is when it had surely taken effect: m in the shared design.
	by time.Duration
	// rank is its place in the order of calls.
	rank int
}

// sighting is a read whose write is known: it says of what it returned that it
// had been there by a certain time, and was written from another time on.
type sighting struct {
	*op
	by      time.Duration
	written time.Duration
	node    int
}

// knowledge is what a client had learnt when an operation of its own returned:
// something written not before that time is there.
type knowledge struct {
	at, written time.Duration
	session     session
}

// session is one client's reads through one node, or its writes through any.
type session struct{ client, node int }

// anyNode stands for all nodes.
const anyNode = -1

// measure compares each ordinary read with the writes that had surely replaced,
// before it was called, what it returned: w replaced v if w was called after v
// had certainly been there (shared design, "The eventual model, directly").
// Values are unique. One sweep in time order meets the reads when they were
// called, writes when they had surely taken effect, and knowledge when it was there.
// nodes numbers the nodes. complete is false if the history lacks its end.
func measure(ctx context.Context, k *keyHistory, nodes map[string]int, complete bool) []lag {
	by := surely(k)
	reads := sightings(k, by, nodes, complete)
	byCall, bySurely := replacements(k, by)
	// soonest[i] is when the first of byCall[i:] had surely taken effect.
	soonest := make([]time.Duration, len(byCall)+1)
	soonest[len(byCall)] = forever
	for i := len(byCall) - 1; i >= 0; i-- {
		soonest[i] = min(soonest[i+1], byCall[i].by)
	}
	learnt := knowledgeOf(k, reads)
	known := make(map[session]time.Duration, min(len(learnt), 128))
	older := func(r *sighting, s session) bool {
		written, ok := known[s]
		return ok && r.by < written
	}
	done := newRankCount(len(byCall))
	out := make([]lag, 0, len(reads))
	w, l := 0, 0
	for i := range reads {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil
		}
		r := &reads[i]
		if r.Final {
			continue
		}
		for ; w < len(bySurely) && bySurely[w].by < r.Call; w++ {
			done.add(bySurely[w].rank)
		}
		for ; l < len(learnt) && learnt[l].at < r.Call; l++ {
			written, ok := known[learnt[l].session]
			if !ok || written < learnt[l].written {
				known[learnt[l].session] = learnt[l].written
			}
		}
		behind := lag{
			id: r.ID, node: r.node,
			backwards: older(r, session{r.Client, r.node}),
			ownMissed: older(r, session{r.Client, anyNode}),
		}
		after := sort.Search(len(byCall), func(i int) bool { return byCall[i].call > r.by })
		if soonest[after] < r.Call {
			behind.time, behind.versions = r.Call-soonest[after], done.from(after)
		}
		out = append(out, behind)
	}
	return out
}

// surely returns, by value, when it had certainly been there: at the first return
// of its put or of a read that saw it. forever if nobody was told of it.
func surely(k *keyHistory) []time.Duration {
	by := make([]time.Duration, len(k.firstPut))
	for value, i := range k.firstPut {
		by[value] = forever
		if i >= 0 && k.ops[i].Outcome == history.OK {
			by[value] = k.ops[i].ret
		}
	}
	for i := range k.ops {
		if o := &k.ops[i]; intact(k, o) {
			by[o.value] = min(by[o.value], o.ret)
		}
	}
	return by
}

// sightings returns the reads whose write is known, ordered by call. Absent
// reads are among them if no delete was called by the time they returned.
func sightings(k *keyHistory, by []time.Duration, nodes map[string]int, complete bool) []sighting {
	firstDelete := forever
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Delete {
			firstDelete = min(firstDelete, o.Call)
		}
	}
	var out []sighting
	for i := range k.ops {
		switch o := &k.ops[i]; {
		case intact(k, o):
			out = append(out, sighting{op: o, by: by[o.value], written: k.put(o.value).Call, node: nodes[o.Node]})
		case o.isAbsentRead() && complete && o.ret < firstDelete:
			out = append(out, sighting{op: o, by: always, written: always, node: nodes[o.Node]})
		}
	}
	sortByTime(out, func(s sighting) time.Duration { return s.Call })
	return out
}

// intact reports whether an operation read a whole value that a put had been
// called with by the time it returned. Other values measure nothing.
func intact(k *keyHistory, o *op) bool {
	if !o.isRead() {
		return false
	}
	put := k.put(o.value)
	return put != nil && put.Call <= o.ret && o.Defect == ""
}

// replacements returns the writes that surely took effect, in the order of their
// calls and of the times by which they had. An unknown delete never surely has.
func replacements(k *keyHistory, by []time.Duration) (byCall, bySurely []replacement) {
	for i := range k.ops {
		switch o := &k.ops[i]; {
		case o.Kind == history.Put && by[o.value] != forever:
			byCall = append(byCall, replacement{call: o.Call, by: by[o.value]})
		case o.Kind == history.Delete && o.Outcome == history.OK:
			byCall = append(byCall, replacement{call: o.Call, by: o.ret})
		}
	}
	sortByTime(byCall, func(w replacement) time.Duration { return w.call })
	for i := range byCall {
		byCall[i].rank = i
	}
	bySurely = slices.Clone(byCall)
	sortByTime(bySurely, func(w replacement) time.Duration { return w.by })
	return byCall, bySurely
}

// knowledgeOf returns what clients learnt from their reads and their
// acknowledged writes, in the order in which they did.
func knowledgeOf(k *keyHistory, reads []sighting) []knowledge {
	out := make([]knowledge, 0, len(k.ops))
	for i := range reads {
		if r := &reads[i]; r.isRead() {
			out = append(out, knowledge{at: r.ret, written: r.written, session: session{r.Client, r.node}})
		}
	}
	for i := range k.ops {
		if o := &k.ops[i]; o.Acknowledged() {
			out = append(out, knowledge{at: o.ret, written: o.Call, session: session{o.Client, anyNode}})
		}
	}
	sortByTime(out, func(l knowledge) time.Duration { return l.at })
	return out
}

// rankCount counts ranks from 0, and how many of them are at least some rank, in
// O(log n) each (Fenwick, A New Data Structure for Cumulative Frequency Tables,
// Software: Practice and Experience, 1994).
type rankCount []int

func newRankCount(ranks int) rankCount { return make(rankCount, ranks+1) }

func (c rankCount) add(rank int) {
	for i := len(c) - 1 - rank; i < len(c); i += i & -i {
		c[i]++
	}
}

func (c rankCount) from(rank int) int {
	n := 0
	for i := len(c) - 1 - rank; i > 0; i -= i & -i {
		n += c[i]
	}
	return n
}
