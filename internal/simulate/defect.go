package simulate

import (
	"math/rand/v2"

	"github.com/st3v3nmw/lsfr/history"
)

// late picks an index from the last tenth of n.
func late(n int, r *rand.Rand) int {
	return n - 1 - r.IntN(max(n/10, 1))
}

// plantLostWrite takes one of the puts away.
func plantLostWrite(ops []history.Operation, lost []loss, r *rand.Rand) bool {
	if len(lost) == 0 {
		return false
	}
	gone := lost[late(len(lost), r)]
	put, under := &ops[gone.put], &ops[gone.under]
	for i := range ops {
		if o := &ops[i]; o.Kind == history.Get && o.Present && o.Key == put.Key && o.Value == put.Value {
			o.Value = under.Value
		}
	}
	return true
}

// reads is how many reads are looked at in search of one that can be stale.
const reads = 1000

// plantStaleRead makes one read return a value that was surely overwritten.
func plantStaleRead(ops []history.Operation, r *rand.Rand) bool {
	if len(ops) == 0 {
		return false
	}
	tried := 0
	for i := late(len(ops), r); i >= 0 && tried < reads; i-- {
		read := &ops[i]
		if read.Kind != history.Get || read.Outcome != history.OK {
			continue
		}
		tried++
		if old := overwritten(ops[:i], read); old != nil {
			read.Value, read.Present, read.Status = old.Value, true, 200
			return true
		}
	}
	return false
}

// overwritten finds the latest put that had surely been overwritten when the
// read was called: it had returned before another write was called, which had
// returned before the read was.
func overwritten(before []history.Operation, read *history.Operation) *history.Operation {
	bound := read.Call
	newer := false
	for i := len(before) - 1; i >= 0; i-- {
		o := &before[i]
		if o.Key != read.Key || !o.Acknowledged() || o.Return >= bound {
			continue
		}
		switch {
		case !newer:
			newer, bound = true, o.Call
		case o.Kind == history.Put:
			return o
		}
	}
	return nil
}
