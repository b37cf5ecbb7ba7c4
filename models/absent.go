package models

import (
	"cmp"
	"container/heap"
	"slices"
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

// A deletion is a delete and the time in which it can take effect: its interval,
// cut back at both ends to where no value is surely current.
type deletion struct {
	from, to           time.Duration
	op                 *op
	fromZone, zoneFrom *cluster // what cut the beginning and the end; nil if nothing did
	spent              int      // index of the window that it explains, or unspent
}

const unspent = -1

// absentRule decides condition 5: every read that found nothing needs a delete
// in its window, and one delete takes effect once. Windows are served in the
// order of their ends, each by the delete that expires first (an exchange
// argument: any other that could serve now could serve later as well). A delete
// that nobody needs takes effect when it expires, for what that may explain.
func absentRule(k *keyHistory, all []cluster, z zones) *finding {
	windows := absentWindows(k, all, z)
	if len(windows) == 0 {
		return nil
	}
	deletes := deletions(k, z)
	last := time.Duration(-1 << 62) // the latest moment at which a delete took effect
	var pending expiry
	next := 0
	for i := range windows {
		w := &windows[i]
		for ; next < len(deletes) && deletes[next].from <= w.to; next++ {
			heap.Push(&pending, &deletes[next])
		}
		for len(pending) > 0 && pending[0].to <= w.to {
			last = max(last, heap.Pop(&pending).(*deletion).to)
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

// absentWindows returns the windows of the reads that the initial state does
// not explain, by their ends.
func absentWindows(k *keyHistory, all []cluster, z zones) []window {
	var reads []*op
	for i := range k.ops {
		if o := &k.ops[i]; o.isAbsentRead() {
			reads = append(reads, o)
		}
	}
	slices.SortFunc(reads, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
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
	slices.SortStableFunc(windows, func(a, b window) int { return cmp.Compare(a.to, b.to) })
	return windows
}

// deletions returns the deletes by the time from which they can take effect.
func deletions(k *keyHistory, z zones) []deletion {
	var out []deletion
	finder := zoneFinder{zones: z}
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind != history.Delete {
			continue
		}
		d := deletion{from: o.Call, to: o.ret, op: o, spent: unspent}
		if zone := finder.around(o.Call, o.Call); zone != nil {
			d.from, d.fromZone = zone.max, zone
		}
		if o.ret != forever {
			if zone := finder.around(o.ret, o.ret); zone != nil {
				d.to, d.zoneFrom = zone.min, zone
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b deletion) int { return cmp.Compare(a.from, b.from) })
	return out
}

// expiry is a heap of deletes, the one that expires first on top.
type expiry []*deletion

func (e expiry) Len() int           { return len(e) }
func (e expiry) Less(i, j int) bool { return e[i].to < e[j].to }
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
			if used[d] || d.spent == unspent || d.from > w.to || d.to < w.from {
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
		f.ops = append(f.ops, d.ops(k)...)
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

// ops returns what makes a deletion the interval that it is.
func (d *deletion) ops(k *keyHistory) []*op {
	out := []*op{d.op}
	for _, zone := range []*cluster{d.fromZone, d.zoneFrom} {
		if zone != nil {
			out = append(out, zone.ops(k)...)
		}
	}
	return out
}

// nothingExplains proves that a read must have found a value, although no other
// read took its delete, with every delete that looks as if it could explain it.
func nothingExplains(k *keyHistory, w *window, deletes []deletion) *finding {
	over, last := &k.ops[w.over.put], &k.ops[w.over.last]
	f := &finding{
		rule: RuleLostWrite, ops: w.ops(k),
		from: w.over.min, to: w.read.Call, sentence: sentenceAbsent(k, w),
	}
	if w.read.before(last) {
		f.rule = RuleStaleRead // the value is seen again later: it was not lost, only not found
	}
	for i := range deletes {
		if d := deletes[i].op; d.Call <= w.read.ret && d.ret >= over.Call {
			f.ops = append(f.ops, d)
		}
	}
	return f
}
