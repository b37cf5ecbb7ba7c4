package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
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
	// brief leaves out what passes: one of many runs is shown in a line.
	brief bool
	// dir is the learner's folder, to which paths in a result are relative.
	dir string
}

func (a *app) console(silent bool, dir string) *console {
	c := &console{w: a.stdout, style: a.style(a.stdout), silent: silent, dir: dir}
	c.width, c.live = terminal(a.stdout)
	c.live = c.live && os.Getenv("TERM") != "dumb" // which cannot clear a line
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

// wrap breaks text at the console's width.
func (c *console) wrap(text, first, rest string) string {
	return wrap(text, columns(c.w), first, rest)
}

// path is where a path of a result is for whoever runs lsfr.
func (c *console) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
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

// mute lets it say no more.
func (c *console) mute() {
	c.status("")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
}

// header begins a run.
func (c *console) header(format string, args ...any) {
	if !c.brief {
		c.printf(format, args...)
	}
}

// Building says that the first start takes long.
func (c *console) Building(node string) {
	c.printf("  … %s is not ready yet: still building? A first start may take up to 120 s.\n", node)
}

// CheckStarted shows the check on the live line.
func (c *console) CheckStarted(name string) {
	c.status("  … " + name)
}

// CheckDone prints the check's line. The time comes first, so that names of any
// length are aligned.
func (c *console) CheckDone(k report.Check) {
	if c.brief {
		return
	}
	const before = "           " // as wide as what precedes the name
	c.printf("  %s %6s %s\n", c.mark(k.Status), seconds(k.Took), strings.TrimLeft(c.wrap(k.Name, before, before), " "))
	if s := k.Scenario; s != nil {
		c.printf("%s\n", c.style.faint.Sprint(c.wrap(scenarioLine(s), before, before)))
		for _, line := range append([]string{report.StalenessLine(s.Staleness)}, report.AvailabilityLines(s)...) {
			if line != "" {
				c.printf("%s\n", c.style.faint.Sprint(c.wrap(line, before, before)))
			}
		}
	}
	if k.Note != "" {
		c.printf("%s\n", c.style.faint.Sprint(c.wrap(k.Note, before, before)))
	}
}

func (c *console) mark(s report.Status) string {
	switch s {
	case report.Passed:
		return c.style.good.Sprint("✓")
	case report.Failed:
		return c.style.bad.Sprint("✗")
	case report.Skipped, report.NotTried, report.NotPossible:
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

// result prints how a stage ended, without the report, which is not written yet.
func (c *console) result(r *report.Result) {
	c.status("")
	if c.brief {
		return
	}
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
			c.printf("  history  %s\n", c.path(k.Scenario.History))
		}
	}
	c.printf("  again    %s\n", r.Repeat)
	if first != nil && !r.Interrupted {
		c.printf("  more     %s\n", moreAbout(r.Stage, first))
	}
}

// moreAbout names the texts that help with a failure.
func moreAbout(stage string, k *report.Check) string {
	guide := "lsfr guide " + stage
	switch {
	case k.Status == report.Failed && k.Scenario != nil && k.Scenario.Faults[faults.PowerLoss().Name] > 0:
		return guide + ", lsfr docs power-loss"
	case k.Status == report.Failed && k.Scenario != nil && k.Scenario.Verdict != nil:
		return guide + ", lsfr docs consistency-models"
	case k.Status == report.Unknown || k.Failure != nil && slices.Contains(cluster.Kinds(), cluster.Kind(k.Failure.Rule)):
		return guide + ", lsfr docs troubleshooting"
	}
	return guide + ", lsfr docs node-contract"
}

// report follows the result: where its report is, if it could be written.
func (c *console) report(r *report.Result) {
	if c.brief {
		return
	}
	if r.Report != "" {
		c.printf("  report   %s\n", c.path(r.Report))
	}
	c.printf("\n")
}

// failure prints a failed check in full.
func (c *console) failure(k *report.Check) {
	c.printf("\n%s\n", c.style.bold.Sprint(k.Name))
	f := k.Failure
	if f == nil {
		return
	}
	c.printf("%s\n", c.wrap(f.Summary, "  ", "  "))
	for _, line := range []struct{ label, text string }{
		{"request", f.Request}, {"expected", f.Expected}, {"got", f.Actual}, {"hint", f.Hint},
	} {
		said := line.label == "request" && strings.HasPrefix(f.Summary, line.text)
		if line.text != "" && !said {
			c.printf("%s\n", c.wrap(line.text, fmt.Sprintf("  %-9s ", line.label), "            "))
		}
	}
	if len(f.Details) > 0 {
		c.printf("\n")
	}
	for _, d := range f.Details {
		c.printf("%s\n", c.wrap(d, "  ", detailIndent))
	}
}

// detailIndent is below the text of a line that begins with times, as operations do.
const detailIndent = "                        "

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
		c.printf("%s\n", c.wrap(l, "  ", "    "))
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
