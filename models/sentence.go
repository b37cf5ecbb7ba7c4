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

// gap tells the time from one operation's return to another's call.
func gap(from, to *op) string {
	d := to.Call - from.ret
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
func known(c *cluster) string {
	if c.first == c.put {
		return fmt.Sprintf("client %d's write of %s had been acknowledged", c.put.Client, quote(c.put.Value))
	}
	return fmt.Sprintf("client %d had read %s, written by client %d,", c.first.Client, quote(c.put.Value), c.put.Client)
}

func sentenceStale(old, newer *cluster) string {
	r := old.last
	return fmt.Sprintf("Client %d read %s = %s%s at %s. But %s %s before that read was sent, and %s had been there earlier: the read is stale.",
		r.Client, r.Key, quote(r.Value), via(r), at(r.ret), known(newer), gap(newer.first, r), quote(r.Value))
}

func sentenceLost(old, newer *cluster) string {
	r := old.last
	return fmt.Sprintf("Client %d read %s = %s%s at %s, an older value: %s %s before that read was sent, and no later read found it: the write is lost.",
		r.Client, r.Key, quote(r.Value), via(r), at(r.ret), known(newer), gap(newer.first, r))
}

func sentenceAbsent(read *op, c *cluster) string {
	if read.before(c.last) {
		return fmt.Sprintf("Client %d found no value for %s%s at %s. But %s was there before, and still after it, when client %d read it at %s, and it was written only once: the read is stale.",
			read.Client, read.Key, via(read), at(read.ret), quote(c.put.Value), c.last.Client, at(c.last.ret))
	}
	return fmt.Sprintf("Client %d found no value for %s%s at %s. But %s %s before that read was sent, and no delete could have removed it since: the write is lost.",
		read.Client, read.Key, via(read), at(read.ret), known(c), gap(c.first, read))
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
