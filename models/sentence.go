package models

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
)

// shown is how many bytes of a value a sentence shows.
const shown = 60

// quote shows a value on one line: as it is if it is plain, quoted otherwise.
func quote(value string) string {
	cut := ""
	if len(value) > shown {
		n := shown
		for n > 0 && !utf8.RuneStart(value[n]) {
			n--
		}
		cut = fmt.Sprintf("… (%d bytes)", len(value))
		value = value[:n]
	}
	q := fmt.Sprintf("%q", value)
	if cut == "" && q == `"`+value+`"` && value != "" && !strings.ContainsAny(value, " ") {
		return value
	}
	return q + cut
}

func at(t time.Duration) string { return fmt.Sprintf("%.3f s", t.Seconds()) }

func via(o *op) string {
	if o.Node == "" {
		return ""
	}
	return " through " + o.Node
}

// gap tells how long after one moment another came.
func gap(from, to time.Duration) string {
	d := to - from
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func sentenceDefect(read *op) string {
	return fmt.Sprintf("Client %d read %s%s at %s and got a value that nobody ever wrote: %s.",
		read.Client, read.Key, via(read), at(read.ret), read.Defect)
}

func sentenceFuture(read, put *op) string {
	return fmt.Sprintf("Client %d read %s = %s%s at %s, but that value was not written before %s.",
		read.Client, read.Key, quote(read.Value), via(read), at(read.ret), at(put.Call))
}

func sentenceCutOff(read, put *op) string {
	return fmt.Sprintf("Client %d read %s = %s%s at %s, which is only the beginning of %s, written by client %d.",
		read.Client, read.Key, quote(read.Value), via(read), at(read.ret), quote(put.Value), put.Client)
}

func sentenceNeverWritten(read *op) string {
	return fmt.Sprintf("Client %d read %s = %s%s at %s, a value that nobody ever wrote to this key.",
		read.Client, read.Key, quote(read.Value), via(read), at(read.ret))
}

func sentenceFailedVisible(read, put *op) string {
	return fmt.Sprintf("Client %d's write of %s to %s was answered with a failure (%s) at %s, yet client %d read that value%s at %s: a write that was refused must never take effect.",
		put.Client, quote(put.Value), put.Key, failure(put), at(put.ret), read.Client, via(read), at(read.ret))
}

func failure(o *op) string {
	if o.Status != 0 {
		return fmt.Sprintf("status %d", o.Status)
	}
	if o.Error != "" {
		return o.Error
	}
	return "failed"
}

// known tells how a value was first known to be current.
func known(k *keyHistory, c *cluster) string {
	put, first := &k.ops[c.put], &k.ops[c.first]
	if c.first == c.put {
		return fmt.Sprintf("client %d's write of %s had been acknowledged", put.Client, quote(put.Value))
	}
	return fmt.Sprintf("client %d had read %s, written by client %d,", first.Client, quote(put.Value), put.Client)
}

func sentenceStale(k *keyHistory, old, newer *cluster) string {
	r := &k.ops[old.last]
	return fmt.Sprintf("Client %d read %s = %s%s at %s. But %s %s before that read was sent, and %s had been there earlier: the read is stale.",
		r.Client, r.Key, quote(r.Value), via(r), at(r.ret), known(k, newer), gap(newer.min, r.Call), quote(r.Value))
}

func sentenceLost(k *keyHistory, old, newer *cluster, lost bool) string {
	r, conclusion := &k.ops[old.last], ", and no later read found it: the write is lost"
	if !lost {
		conclusion = ": " + staleOnOneNode
	}
	return fmt.Sprintf("Client %d read %s = %s%s at %s, an older value: %s %s before that read was sent%s.",
		r.Client, r.Key, quote(r.Value), via(r), at(r.ret), known(k, newer), gap(newer.min, r.Call), conclusion)
}

// staleOnOneNode is all that one answer says when no other node was asked.
const staleOnOneNode = "the read is stale, unless the write is lost altogether, which no read through another node tells"

func sentenceAbsent(k *keyHistory, w *window, lost bool) string {
	read, put, last := w.read, &k.ops[w.over.put], &k.ops[w.over.last]
	if read.before(last) {
		return fmt.Sprintf("Client %d found no value for %s%s at %s. But %s was there before, and still after it, when client %d read it at %s, and it was written only once: the read is stale.",
			read.Client, read.Key, via(read), at(read.ret), quote(put.Value), last.Client, at(last.ret))
	}
	conclusion := "the write is lost"
	if !lost {
		conclusion = staleOnOneNode
	}
	return fmt.Sprintf("Client %d found no value for %s%s at %s. But %s %s before that read was sent, and no delete could have removed it since: %s.",
		read.Client, read.Key, via(read), at(read.ret), known(k, w.over), gap(w.over.min, read.Call), conclusion)
}

func sentenceTooFewDeletes(k *keyHistory, w *window, reads, deletes int) string {
	one := fmt.Sprintf("only %d deletes were", deletes)
	if deletes == 1 {
		one = "only one delete was"
	}
	return fmt.Sprintf("Client %d found no value for %s%s at %s. But %s %s before that read was sent. %d reads found nothing, each after a value was there again, and %s sent that could explain them: a write is lost.",
		w.read.Client, w.read.Key, via(w.read), at(w.read.ret), known(k, w.over), gap(w.over.min, w.read.Call), reads, one)
}

func sentenceCameBack(del, read *op) string {
	return fmt.Sprintf("Client %d's delete of %s%s was acknowledged at %s, yet client %d read %s = %s%s at %s, a value from before the delete: the deleted value came back.",
		del.Client, del.Key, via(del), at(del.ret), read.Client, read.Key, quote(read.Value), via(read), at(read.ret))
}

func sentenceNotLinearizable(ops []*op) string {
	return fmt.Sprintf("These %d operations on %s cannot be put into any order that respects real time and in which every read returns the latest write.",
		len(ops), ops[0].Key)
}

// faultsBetween names at most three faults that began between from and to.
func faultsBetween(faults []history.FaultEvent, from, to time.Duration) string {
	var names []string
	more := 0
	for _, f := range faults {
		if f.Start < from || f.Start > to {
			continue
		}
		if len(names) == 3 {
			more++
			continue
		}
		names = append(names, fmt.Sprintf("%s of %s at %s", f.Fault, strings.Join(f.Targets, ", "), at(f.Start)))
	}
	if len(names) == 0 {
		return ""
	}
	tail := ""
	if more > 0 {
		tail = fmt.Sprintf(" and %d more", more)
	}
	return " In between: " + strings.Join(names, "; ") + tail + "."
}

// state tells what a read found.
func state(o *op) string {
	if o.isRead() {
		return quote(o.Value)
	}
	return "no value"
}

func sentenceCopies(a, b *op) string {
	return fmt.Sprintf("After all faults had healed and all writes had ended, client %d found %s for %s%s at %s, and client %d found %s%s at %s: the copies disagree.",
		a.Client, state(a), a.Key, via(a), at(a.ret), b.Client, state(b), via(b), at(b.ret))
}

// wrote tells a write by what is known of it.
func wrote(o *op) string {
	what := fmt.Sprintf("write of %s", quote(o.Value))
	if o.Kind == history.Delete {
		what = "delete"
	}
	if o.Outcome == history.OK {
		return fmt.Sprintf("client %d's %s, acknowledged at %s,", o.Client, what, at(o.ret))
	}
	return fmt.Sprintf("client %d's %s, whose value was read by %s,", o.Client, what, at(o.ret))
}

func sentenceFinalOld(k *keyHistory, last *cluster, missing, final *op) string {
	return fmt.Sprintf("In the end %s is %s. But %s before %s had even been sent, and it is missing: a later write was lost.",
		final.Key, state(final), known(k, last), wrote(missing))
}

func sentenceFinalAbsent(missing, final *op) string {
	return fmt.Sprintf("In the end %s has no value. But %s is missing, and no delete came after it: the write is lost.",
		final.Key, wrote(missing))
}

func sentenceFinalImpossible(final *op) string {
	return fmt.Sprintf("In the end %s is %s, but no order of its writes that respects real time ends there: an acknowledged write is lost.",
		final.Key, state(final))
}
