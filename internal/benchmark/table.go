package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rowHead is the head of the table that rows make.
const rowHead = `| operations | keys | clients | unknown | history | lsfr | lsfr, memory | porcupine | porcupine, memory |
| ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |`

func (r row) String() string {
	return "| " + strings.Join([]string{
		thousands(r.operations), strconv.Itoa(r.keys), strconv.Itoa(r.clients), percent(r.unknown), r.defect.String(),
		r.lsfr.time(), r.lsfr.memory(), r.porcupine.time(), r.porcupine.memory(),
	}, " | ") + " |"
}

// time says how long the decision took, or which bound ended it.
func (c cell) time() string {
	text := seconds(c.Took)
	switch {
	case c.failed && c.Status != "":
		return "**wrong: " + c.Status + "**"
	case c.failed:
		return "**failed**"
	case c.Exceeded == timeExceeded:
		text = "> " + limit(c.bounds.Time)
	case c.Exceeded == tooMuch:
		text = fmt.Sprintf("> %s", gibibytes(c.bounds.Memory))
	}
	if c.skipped > 0 {
		return fmt.Sprintf("(%s at %s)", text, power(c.skipped))
	}
	return text
}

// memory says what the decision took beyond what the history takes.
func (c cell) memory() string {
	switch {
	case c.failed || c.skipped > 0:
		return ""
	case c.Exceeded == tooMuch:
		return "> " + gibibytes(c.bounds.Memory)
	case c.Exceeded == timeExceeded:
		return "> " + mebibytes(c.beyond())
	}
	return mebibytes(c.beyond())
}

func (c cell) beyond() uint64 { return c.Peak - min(c.Base, c.Peak) }

// summary tells the worst row for each number of operations.
func summary(rows []row) string {
	var sizes []int
	for _, r := range rows {
		if !slices.Contains(sizes, r.operations) {
			sizes = append(sizes, r.operations)
		}
	}
	var b strings.Builder
	for _, n := range sizes {
		fmt.Fprintf(&b, "- %s operations:", thousands(n))
		for i, engine := range []string{engineLsfr, enginePorcupine} {
			all, decided := 0, 0
			var slowest, largest row
			var took time.Duration
			var beyond uint64
			for _, r := range rows {
				c := []cell{r.lsfr, r.porcupine}[i]
				if r.operations != n {
					continue
				}
				all++
				if c.failed || c.skipped > 0 || c.Exceeded != none {
					continue
				}
				decided++
				if c.Took >= took {
					slowest, took = r, c.Took
				}
				if c.beyond() >= beyond {
					largest, beyond = r, c.beyond()
				}
			}
			if i > 0 {
				b.WriteString(";")
			}
			fmt.Fprintf(&b, " %s decided %d of %d", engine, decided, all)
			if decided > 0 {
				fmt.Fprintf(&b, ", in at most %s (%s) and %s (%s)", seconds(took), slowest.shape, mebibytes(beyond), largest.shape)
			}
		}
		b.WriteString(".\n")
	}
	return b.String()
}

func (s shape) String() string {
	keys := "keys"
	if s.keys == 1 {
		keys = "key"
	}
	return fmt.Sprintf("%d %s, %d clients, %s unknown, %s", s.keys, keys, s.clients, percent(s.unknown), s.defect)
}

func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'f', -1, 64) + " %"
}

// seconds shows a duration with three digits at most.
func seconds(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= unit.length {
			x := float64(d) / float64(unit.length)
			digits := 2
			for y := x; y >= 9.95 && digits > 0; y /= 10 {
				digits--
			}
			return strconv.FormatFloat(x, 'f', digits, 64) + " " + unit.name
		}
	}
	return "< 1 µs"
}

// limit shows a bound, which is a round number as a rule.
func limit(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return d.String()
}

func mebibytes(n uint64) string {
	if n < mib {
		return "< 1 MiB"
	}
	return strconv.FormatUint((n+mib/2)/mib, 10) + " MiB"
}

func gibibytes(n uint64) string {
	return strconv.FormatFloat(float64(n)/gib, 'g', 3, 64) + " GiB"
}

// thousands groups the digits of a number.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// power shows a power of ten as such.
func power(n int) string {
	e := 0
	for m := n; m >= 10 && m%10 == 0; m /= 10 {
		e++
		if m == 10 {
			return "1e" + strconv.Itoa(e)
		}
	}
	return thousands(n)
}
