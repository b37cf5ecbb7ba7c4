package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// results counts the rows with this result.
func (c *cell) results(s report.Status) int {
	n := 0
	for i := range c.rows {
		if c.rows[i].Result == s {
			n++
		}
	}
	return n
}

func (c *cell) caught() int { return c.results(report.Failed) }

// explained counts the catches whose explanation is right.
func (c *cell) explained() int {
	n := 0
	for i := range c.rows {
		if c.rows[i].Result == report.Failed && right(&c.rows[i]) {
			n++
		}
	}
	return n
}

// median is the time in seconds of the rows with this result: with an even number of
// them the mean of the two in the middle; 0 if there are none.
func (c *cell) median(s report.Status) float64 {
	var all []float64
	for i := range c.rows {
		if c.rows[i].Result == s {
			all = append(all, c.rows[i].Seconds)
		}
	}
	n := len(all)
	if n == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// An explanation is what lsfr said first in some of the runs.
type explanation struct {
	check, rule string
	count       int
	right       bool
}

// explanations are those of the catches, the most frequent first.
func (c *cell) explanations() []explanation {
	var out []explanation
	for i := range c.rows {
		r := &c.rows[i]
		if r.Result != report.Failed {
			continue
		}
		at := slices.IndexFunc(out, func(e explanation) bool { return e.check == r.Check && e.rule == r.Rule })
		if at < 0 {
			at = len(out)
			out = append(out, explanation{check: r.Check, rule: r.Rule, right: right(r)})
		}
		out[at].count++
	}
	slices.SortStableFunc(out, func(a, b explanation) int {
		return cmp.Or(b.count-a.count, strings.Compare(a.check, b.check), strings.Compare(a.rule, b.rule))
	})
	return out
}

// String shows it in a table; wrong marks what is not the right explanation.
func (e explanation) String() string {
	mark := ""
	if !e.right {
		mark = "✗ "
	}
	return fmt.Sprintf("%s%s: %s (%d)", mark, e.check, cmp.Or(e.rule, "no rule"), e.count)
}

// enough reports whether a bug was caught often enough in so many runs: with 20 and more
// in 19 of 20; with less, one may escape; with less than 5, none.
func enough(caught, runs int) bool {
	switch {
	case runs >= 20:
		return 20*caught >= 19*runs
	case runs >= 5:
		return runs-caught <= 1
	}
	return caught == runs
}

// problemsOf lists what is wrong with the figures: a correct store that did not pass, a
// bug that its own stage did not catch often enough or explained wrongly, and lsfr failing.
// Without API checks, and on a machine that is kept busy, only correct stores and lsfr count.
func problemsOf(cells []*cell) (problems []string) {
	for _, c := range cells {
		problem := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%s by %s: ", c.subject, c.stage)+fmt.Sprintf(format, args...))
		}
		n := len(c.rows)
		if k := c.results(broken); k > 0 {
			problem("lsfr itself failed in %d of %d runs", k, n)
		}
		own, isBug := ownStages()[c.subject]
		switch {
		case !isBug:
			if k := c.results(report.Passed); k < n {
				problem("passed in %d of %d runs only", k, n)
			}
		case own != c.stage || c.way != "":
		default:
			if len(expected()[c.subject]) == 0 {
				problem("internal/matrix does not say what the right explanation is")
				continue
			}
			if !enough(c.caught(), n) {
				problem("caught in %d of %d runs only", c.caught(), n)
			}
			if k := c.explained(); k < c.caught() {
				problem("explained rightly in %d of %d catches only", k, c.caught())
			}
		}
	}
	return problems
}

// ownStages has the stage of each bug that must catch it.
func ownStages() map[string]string {
	own := make(map[string]string)
	for _, s := range bugs() {
		own[s.name] = s.bug.Stage
	}
	return own
}

// tableHead and tableLine are the table that grows while runs go on.
const tableHead = "| subject | stage | result | right explanation | median | first failures |\n| --- | --- | --- | --- | --- | --- |\n"

func tableLine(c *cell) string {
	_, isBug := ownStages()[c.subject]
	stage := c.stage
	if c.way != "" {
		stage += " (" + c.way + ")"
	}
	var said []string
	for _, e := range c.explanations() {
		said = append(said, e.String())
	}
	if k := c.results(report.Unknown); k > 0 {
		said = append(said, fmt.Sprintf("unknown (%d)", k))
	}
	if k := c.results(broken); k > 0 {
		said = append(said, fmt.Sprintf("lsfr failed (%d)", k))
	}
	if !isBug {
		k := c.results(report.Passed)
		return fmt.Sprintf("| %s | %s | passed %d of %d | | %s | %s |\n", c.subject, stage, k, len(c.rows), seconds(c.median(report.Passed)), strings.Join(said, "; "))
	}
	return fmt.Sprintf("| %s | %s | caught %d of %d | %d of %d | %s | %s |\n",
		c.subject, stage, c.caught(), len(c.rows), c.explained(), c.caught(), seconds(c.median(report.Failed)), strings.Join(said, "; "))
}

// seconds shows a time: to the hundredth of a second where it is less than one, and nothing
// where there is none.
func seconds(s float64) string {
	switch {
	case s == 0:
		return ""
	case s < 1:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}
