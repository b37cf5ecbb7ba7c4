package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// console shows a run while it goes on: a line per check, and on a terminal
// one live line. With --json it is silent.
type console struct {
	mu     sync.Mutex
	w      io.Writer
	style  style
	width  int
	live   bool
	silent bool
	// now is the check that runs.
	now string
}

func (a *app) console(silent bool) *console {
	c := &console{w: a.stdout, style: a.style(a.stdout), silent: silent}
	c.width, c.live = terminal(a.stdout)
	return c
}

const clearLine = "\r\x1b[2K"

// printf writes a line above the live one.
func (c *console) printf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent {
		return
	}
	if c.live {
		fmt.Fprint(c.w, clearLine)
	}
	fmt.Fprintf(c.w, format, args...)
}

// status replaces the live line.
func (c *console) status(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent || !c.live {
		return
	}
	if max := c.width - 1; utf8.RuneCountInString(text) > max {
		text = string([]rune(text)[:max])
	}
	fmt.Fprint(c.w, clearLine, c.style.faint.Sprint(text))
}

// Building says that the first start takes long.
func (c *console) Building(node string) {
	c.printf("  … %s is not ready yet: still building? A first start may take up to 120 s.\n", node)
}

// CheckStarted shows the check on the live line.
func (c *console) CheckStarted(name string) {
	c.now = name
	c.status("  … " + name)
}

// nameWidth aligns the times of checks.
const nameWidth = 64

// CheckDone prints the check's line.
func (c *console) CheckDone(k report.Check) {
	mark := c.mark(k.Status)
	pad := strings.Repeat(" ", max(1, nameWidth-utf8.RuneCountInString(k.Name)))
	c.printf("  %s %s%s%7s\n", mark, k.Name, pad, seconds(k.Took))
	if s := k.Scenario; s != nil {
		c.printf("    %s\n", c.style.faint.Sprint(scenarioLine(s)))
	}
}

func (c *console) mark(s report.Status) string {
	switch s {
	case report.Passed:
		return c.style.good.Sprint("✓")
	case report.Failed:
		return c.style.bad.Sprint("✗")
	case report.Skipped:
		return c.style.faint.Sprint("–")
	}
	return c.style.doubtful.Sprint("?")
}

// scenarioLine tells how much a scenario did.
func scenarioLine(s *report.Scenario) string {
	line := fmt.Sprintf("%.0f operations/s, %.1f %% ok (%d ok, %d failed, %d unknown)", s.Rate, 100*s.AckedShare, s.OK, s.Failed, s.Unknown)
	total := 0
	for _, n := range s.Faults {
		total += n
	}
	if total > 0 {
		line += fmt.Sprintf(", %d faults", total)
	}
	return line
}

// Progress shows a running scenario on the live line.
func (c *console) Progress(p runner.Progress) {
	text := fmt.Sprintf("  … %s/%s  %d ok, %d failed, %d unknown", short(p.Elapsed), short(p.Total), p.OK, p.Failed, p.Unknown)
	if p.Phase != "" {
		text += "  [" + p.Phase + "]"
	}
	c.status(text)
}

func short(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }

// result prints how a stage ended.
func (c *console) result(r *report.Result) {
	defer c.printf("\n")
	c.status("")
	switch {
	case r.Interrupted:
		c.printf("\n%s  after %s\n", c.style.doubtful.Sprint("INTERRUPTED"), seconds(r.Took))
	case r.Status == report.Passed:
		c.printf("\n%s  %s in %s, seed %d\n", c.style.good.Sprint("PASSED"), r.Stage, seconds(r.Took), r.Seed)
	case r.Status == report.Failed:
		c.printf("\n%s  %s, seed %d\n", c.style.bad.Sprint("FAILED"), r.Stage, r.Seed)
	default:
		c.printf("\n%s  %s, seed %d\n", c.style.doubtful.Sprint("UNKNOWN"), r.Stage, r.Seed)
	}
	first := r.FirstFailure()
	if first != nil {
		c.failure(first)
	}
	c.others(r, first)
	c.printf("\n")
	for _, k := range r.Checks {
		if k.Scenario != nil {
			c.printf("  history  %s\n", k.Scenario.History)
		}
	}
	if r.Report != "" {
		c.printf("  report   %s\n", r.Report)
	}
	c.printf("  again    %s\n", r.Repeat)
}

// failure prints a failed check in full.
func (c *console) failure(k *report.Check) {
	c.printf("\n%s\n", c.style.bold.Sprint(k.Name))
	f := k.Failure
	if f == nil {
		return
	}
	c.printf("%s\n", indent(f.Summary, "  "))
	for _, line := range []struct{ label, text string }{
		{"request", f.Request}, {"expected", f.Expected}, {"got", f.Actual}, {"hint", f.Hint},
	} {
		if line.text != "" {
			c.printf("%s\n", indent(fmt.Sprintf("%-9s %s", line.label, line.text), "            "))
		}
	}
	if len(f.Details) > 0 {
		c.printf("\n")
	}
	for _, d := range f.Details {
		c.printf("  %s\n", d)
	}
}

// others prints the remaining failures, one line each.
func (c *console) others(r *report.Result, first *report.Check) {
	var lines []string
	skipped := 0
	for i := range r.Checks {
		k := &r.Checks[i]
		switch {
		case k == first:
		case k.Status == report.Skipped:
			skipped++
		case k.Status != report.Passed && k.Failure != nil:
			lines = append(lines, fmt.Sprintf("%s %s: %s", c.mark(k.Status), k.Name, oneLine(k.Failure.Summary)))
		}
	}
	if len(lines) > 0 {
		c.printf("\nand also\n")
	}
	for _, l := range lines {
		c.printf("  %s\n", l)
	}
	if skipped > 0 {
		c.printf("\n  %d of %d checks were skipped\n", skipped, len(r.Checks))
	}
}

func oneLine(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if utf8.RuneCountInString(s) > 160 {
		s = string([]rune(s)[:160]) + "…"
	}
	return s
}

// textWidth is where text for reading is wrapped, in columns.
const textWidth = 96

// indent wraps text at textWidth; the first line is indented by two columns,
// the others by prefix.
func indent(text, prefix string) string {
	var b strings.Builder
	line := "  "
	empty := true
	// Split at single spaces, so that alignment and what is quoted stay as they are.
	for _, word := range strings.Split(text, " ") {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth {
			b.WriteString(line + "\n")
			line, empty = prefix, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(line)
	return b.String()
}
