package models

import (
	"container/heap"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// A window is the time in which a delete must take effect so that a read could
// find nothing.
type window struct {
	from, to time.Duration
	read     *op
	// over is the value that was certainly current before the read was called,
	// and of those the one that is current latest: at from.
	over *cluster
	// zone is the forward zone around the read's return, which pulls to back to
	// its own beginning; nil if there is none.
	zone *cluster
}

// A deletion is a delete and what it is used for. It cannot take effect inside
// a forward zone; but no window begins or ends inside one, so that a delete
// that could serve a window only from there could as well serve it from an end
// of the zone, and the zones need not be looked at again.
type deletion struct {
	*op
	spent int // index of the window that it explains, or unspent
}

const unspent = -1

// absentRule decides condition 5: every read that found nothing needs a delete
// in its window, and one delete takes effect once. Windows are served in the
// order of their ends, each by the delete that expires first (an exchange
// argument: any other that could serve now could serve later as well). A delete
// that nobody needs takes effect when it expires, for what that may explain.
func absentRule(k *keyHistory, all []cluster, z zones, a absence) *finding {
	windows := absentWindows(a.reads, all, z)
	if len(windows) == 0 {
		return nil
	}
	deletes := a.deletes
	last := time.Duration(-1 << 62) // the latest moment at which a delete took effect
	var pending expiry
	next := 0
	for i := range windows {
		w := &windows[i]
		for ; next < len(deletes) && deletes[next].Call <= w.to; next++ {
			heap.Push(&pending, &deletes[next])
		}
		for len(pending) > 0 && pending[0].ret <= w.to {
			last = max(last, heap.Pop(&pending).(*deletion).ret)
		}
		switch {
		case last >= w.from:
		case w.from > w.to || len(pending) == 0:
			return absentFinding(k, windows, i, deletes)
		default:
			heap.Pop(&pending).(*deletion).spent = i
			last = w.to
		}
	}
	return nil
}

// absence is what condition 5 is about.
type absence struct {
	reads   []*op      // that found nothing, by call time
	deletes []deletion // by call time
}

func absences(k *keyHistory) absence {
	var a absence
	for i := range k.ops {
		if o := &k.ops[i]; o.isAbsentRead() {
			a.reads = append(a.reads, o)
		} else if o.Kind == history.Delete {
			a.deletes = append(a.deletes, deletion{o, unspent})
		}
	}
	sortByTime(a.reads, func(o *op) time.Duration { return o.Call })
	sortByTime(a.deletes, func(d deletion) time.Duration { return d.Call })
	return a
}

// absentWindows returns the windows of the reads that the initial state does
// not explain, by their ends. The reads come by call time.
func absentWindows(reads []*op, all []cluster, z zones) []window {
	var windows []window
	finder := zoneFinder{zones: z}
	var over *cluster
	next := 0
	for _, o := range reads {
		for ; next < len(all) && all[next].min < o.Call; next++ {
			if over == nil || all[next].max > over.max {
				over = &all[next]
			}
		}
		if over == nil {
			continue
		}
		w := window{from: over.max, to: o.ret, read: o, over: over, zone: finder.around(o.ret, o.ret)}
		if w.zone != nil {
			w.to = w.zone.min
		}
		windows = append(windows, w)
	}
	sortByTime(windows, func(w window) time.Duration { return w.to })
	return windows
}

// expiry is a heap of deletes, the one that expires first on top.
type expiry []*deletion

func (e expiry) Len() int           { return len(e) }
func (e expiry) Less(i, j int) bool { return e[i].ret < e[j].ret }
func (e expiry) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiry) Push(x any)        { *e = append(*e, x.(*deletion)) }
func (e *expiry) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// absentFinding proves that no delete is left for a window. Every delete that
// could serve it serves an earlier window, which no other delete can serve, and
// so on: they are k deletes for k+1 windows that have no moment in common.
func absentFinding(k *keyHistory, windows []window, failing int, deletes []deletion) *finding {
	needed := []int{failing}
	var serving []*deletion
	used := make(map[*deletion]bool)
	for n := 0; n < len(needed); n++ {
		w := &windows[needed[n]]
		for i := range deletes {
			d := &deletes[i]
			if used[d] || d.spent == unspent || d.Call > w.to || d.ret < w.from {
				continue
			}
			used[d] = true
			serving = append(serving, d)
			needed = append(needed, d.spent)
		}
	}
	w := &windows[failing]
	if len(serving) == 0 {
		return nothingExplains(k, w, deletes)
	}
	f := &finding{rule: RuleLostWrite, from: w.over.min, to: w.read.Call}
	for _, i := range needed {
		f.ops = append(f.ops, windows[i].ops(k)...)
	}
	for _, d := range serving {
		f.ops = append(f.ops, d.op)
	}
	f.sentence = sentenceTooFewDeletes(k, w, len(needed), len(serving))
	return f
}

// ops returns what makes a window the interval that it is.
func (w *window) ops(k *keyHistory) []*op {
	out := append(w.over.ops(k), w.read)
	if w.zone != nil {
		out = append(out, w.zone.ops(k)...)
	}
	return out
}

// shownDeletes is how many deletes that explain nothing a proof shows, although it stands
// without them.
const shownDeletes = 2

// nothingExplains proves that a read must have found a value, although no other
// read took its delete, with every delete that looks as if it could explain it.
func nothingExplains(k *keyHistory, w *window, deletes []deletion) *finding {
	over, last := &k.ops[w.over.put], &k.ops[w.over.last]
	f := &finding{rule: RuleStaleRead, ops: w.ops(k), from: w.over.min, to: w.read.Call}
	seem := deletes[:0:0]
	for _, d := range deletes {
		if d.Call <= w.read.ret && d.ret >= over.Call {
			seem = append(seem, d)
		}
	}
	// With all that shows how long the value was there, deletes can be left out.
	f.minimal = len(seem) > shownDeletes
	for _, d := range seem {
		if !f.minimal {
			f.ops = append(f.ops, d.op)
		}
	}
	// If the value is seen again later, it was not lost, only not found.
	lost := !w.read.before(last) && isLost(k, w.over, w.read)
	if lost {
		f.rule = RuleLostWrite
	}
	f.sentence = sentenceAbsent(k, w, lost)
	return f
}
