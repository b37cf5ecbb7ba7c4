package disk

import (
	"math"
	"slices"
)

// Bounds of what is remembered of a file's changes. Beyond them the older half of the
// changes becomes one, which a loss keeps or loses as a whole.
const (
	maxChanges = 4096
	maxSaved   = 8 << 20
)

// uncut is the cut of a change that did not make the file shorter.
const uncut = math.MaxInt64

// change is what one or more operations did to the content of a file: cut it to a
// length, then write spans, and leave it with a size. Bytes that are neither below cut
// nor in spans are zero.
type change struct {
	cut   int64
	spans spans
	size  int64
	// count is the number of operations, which is 1 unless changes were merged.
	count int
	// saved is what the change overwrote or cut off of earlier changes in the log.
	saved []piece
	// doubt says that a sync of it failed: no later sync makes it durable.
	doubt bool
}

// piece is content that is in no file any more.
type piece struct {
	off  int64
	data []byte
}

func (c *change) savedBytes() int {
	n := 0
	for _, p := range c.saved {
		n += len(p.data)
	}
	return n
}

// then returns the change that does what c does and after it b. It may change c.
func (c *change) then(b change) change {
	all := c.spans
	if b.cut != uncut {
		all = all.cut(b.cut)
	}
	for _, x := range b.spans {
		all = all.add(x)
	}
	return change{cut: min(c.cut, b.cut), spans: all.bounded(), size: b.size, count: c.count + b.count}
}

// merge returns what the changes do together. There must be at least one.
func merge(log []change) change {
	all := log[0]
	all.saved, all.spans = nil, slices.Clone(all.spans)
	for _, c := range log[1:] {
		all = all.then(c)
	}
	return all
}

// changeLog is the changes of a file since its last sync, in order.
type changeLog struct {
	log []change
	// dirty is the union of their spans, as far as the file still has them.
	dirty spans
	saved int // bytes in pieces
}

// add appends a change.
func (l *changeLog) add(c change) {
	l.log = append(l.log, c)
	if c.cut != uncut {
		l.dirty = l.dirty.cut(c.cut)
	}
	for _, x := range c.spans {
		l.dirty = l.dirty.add(x)
	}
	l.dirty = l.dirty.bounded()
	l.saved += c.savedBytes()
	for len(l.log) > 1 && (len(l.log) > maxChanges || l.saved > maxSaved) {
		l.collapse()
	}
}

// collapse makes the older half of the changes one. What that half had saved is only
// needed to keep a part of it. A change in doubt stays what it is.
func (l *changeLog) collapse() {
	half := max(2, len(l.log)/2)
	old := l.log[:half]
	var out []change
	for i := 0; i < half; {
		j := i + 1
		for j < half && old[j].doubt == old[i].doubt {
			j++
		}
		one := merge(old[i:j])
		one.doubt = old[i].doubt
		if i > 0 {
			one.saved = old[i].saved
		}
		out = append(out, one)
		i = j
	}
	if len(out) == half { // nothing could be merged: forget what was saved
		for i := range out {
			out[i].saved = nil
		}
	}
	l.log = append(out, l.log[half:]...)
	l.recount()
}

func (l *changeLog) recount() {
	l.saved = 0
	for i := range l.log {
		l.saved += l.log[i].savedBytes()
	}
}

// writes counts the operations in the log.
func (l *changeLog) writes() int {
	n := 0
	for i := range l.log {
		n += l.log[i].count
	}
	return n
}

// todo returns what a sync has to make durable, and whether there is anything.
func (l *changeLog) todo() (change, bool) {
	var all change
	any := false
	for _, c := range l.log {
		if c.doubt {
			continue
		}
		if !any {
			any, all = true, merge([]change{c})
			continue
		}
		all = all.then(c)
	}
	return all, any
}

// synced forgets what todo returned. What stays is in doubt, as far as it was not
// overwritten or cut off since.
func (l *changeLog) synced() {
	var keep []change
	for i, c := range l.log {
		if !c.doubt {
			continue
		}
		rest, size := slices.Clone(c.spans), c.size
		for _, later := range l.log[i+1:] {
			if later.cut != uncut {
				rest = rest.cut(later.cut)
			}
			if later.doubt {
				continue
			}
			size = later.size
			for _, x := range later.spans {
				rest = rest.remove(x)
			}
		}
		if len(rest) > 0 {
			keep = append(keep, change{cut: uncut, spans: rest, size: size, count: c.count, doubt: true})
		}
	}
	l.log, l.saved, l.dirty = keep, 0, nil
	for _, c := range keep {
		for _, x := range c.spans {
			l.dirty = l.dirty.add(x)
		}
	}
}

// failed marks the writes in the log as clean without having made them durable. Cuts
// are not data, and stay for the next sync.
func (l *changeLog) failed() {
	var out []change
	for _, c := range l.log {
		if c.doubt || len(c.spans) == 0 {
			out = append(out, c)
			continue
		}
		if c.cut != uncut {
			out = append(out, change{cut: c.cut, size: c.cut, saved: c.saved})
			c.cut, c.saved = uncut, nil
		}
		c.doubt = true
		out = append(out, c)
	}
	l.log = out
}
