package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

// repeatFlags are those of a test that is run several times.
type repeatFlags struct {
	times        int // 0 for any number
	untilFailure bool
}

func (f *repeatFlags) register(fl *pflag.FlagSet) {
	fl.IntVar(&f.times, "times", 0, "run it `N` times, and count how often it fails")
	fl.BoolVar(&f.untilFailure, "until-failure", false, "run it again and again until it fails, or --times")
}

func (f *repeatFlags) on() bool { return f.times > 0 || f.untilFailure }

func (f *repeatFlags) validate(given func(flag string) bool) error {
	if f.times < 0 || f.times == 0 && given("times") {
		return usagef("--times %d: want at least 1", f.times)
	}
	return nil
}

// testRepeatedly runs stages as often as f says, and sums up.
func (a *app) testRepeatedly(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stages []challenges.Stage) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	release, err := w.Lock()
	if err != nil {
		return err
	}
	defer release()
	con := a.console(f.json, f.dir)
	con.brief = true
	con.printf("%s  %s\n", con.style.bold.Sprint(c.Name), f.repeated.announcement(stages))
	sum := &tally{several: len(stages) > 1}
	var all []*report.Result
	for run := 1; f.repeated.times == 0 || run <= f.repeated.times; run++ {
		if !f.seeded {
			f.seed = newSeed()
		}
		var results []*report.Result
		results, err = a.runAll(ctx, f, w, c, stages, con)
		all = append(all, results...)
		if err != nil {
			break // what the others showed is not lost
		}
		final := results[len(results)-1]
		if final.Interrupted {
			sum.Interrupted = true
			break
		}
		sum.add(final)
		con.runLine(run, final)
		if final.Status != report.Failed {
			continue
		}
		if sum.Failed == 1 { // the others are probably like it
			con.brief = false
			con.result(final)
			con.report(final)
			con.brief = true
		}
		if len(f.spared) < f.keep {
			f.spared = append(f.spared, final.RunDir)
		}
		if f.repeated.untilFailure {
			break
		}
	}
	con.summary(sum)
	if werr := a.write(f, all, sum); err == nil {
		err = werr
	}
	if err != nil {
		return err
	}
	if code := sum.code(); code != exitPassed {
		return exit{code}
	}
	return nil
}

func (f *repeatFlags) announcement(stages []challenges.Stage) string {
	what := stages[len(stages)-1].Name
	if len(stages) > 1 {
		what = "everything up to " + what
	}
	switch {
	case f.untilFailure && f.times > 0:
		return fmt.Sprintf("%s, until it fails, or %d times", what, f.times)
	case f.untilFailure:
		return what + ", until it fails"
	}
	return fmt.Sprintf("%s, %d times", what, f.times)
}

// runLine tells how one of many runs ended.
func (c *console) runLine(run int, r *report.Result) {
	text := fmt.Sprintf("run %d: %s, seed %d", run, r.Status, r.Seed)
	if first := r.FirstFailure(); first != nil && first.Failure != nil {
		text += ": " + reason(first)
	}
	const before = "           " // as wide as what precedes the text
	c.printf("  %s %6s %s\n", c.mark(r.Status), seconds(r.Took), c.wrap(text, before, before)[len(before):])
}

// reason is why a check failed or is unknown, in a few words that are the same each time
// if possible.
func reason(k *report.Check) string {
	if k.Failure.Rule != "" {
		return k.Failure.Rule
	}
	return oneLine(k.Failure.Summary)
}

// tally counts the runs of a test by how they ended.
type tally struct {
	Runs    int `json:"runs"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
	// Interrupted is set if Ctrl-C ended it; the run that it met does not count.
	Interrupted bool `json:"interrupted,omitempty"`
	// Failures are the rules that were violated, in the order in which that was first seen.
	Failures []ruleTally `json:"failures"`
	several  bool
}

// ruleTally counts the runs that failed first by one rule in one stage.
type ruleTally struct {
	Rule  string `json:"rule"`
	Stage string `json:"stage"`
	Runs  int    `json:"runs"`
	// Seed and RunDir are of the first of them.
	Seed   int64  `json:"seed"`
	RunDir string `json:"run_dir"`
}

// add counts a run by how its last stage ended: those before it passed.
func (t *tally) add(r *report.Result) {
	t.Runs++
	switch r.Status {
	case report.Passed:
		t.Passed++
		return
	case report.Failed:
		t.Failed++
	default:
		t.Unknown++
		return
	}
	rule := ""
	if first := r.FirstFailure(); first != nil && first.Failure != nil {
		rule = reason(first)
	}
	for i := range t.Failures {
		if f := &t.Failures[i]; f.Rule == rule && f.Stage == r.Stage {
			f.Runs++
			return
		}
	}
	t.Failures = append(t.Failures, ruleTally{Rule: rule, Stage: r.Stage, Runs: 1, Seed: r.Seed, RunDir: r.RunDir})
}

// code is the exit code: an interruption outranks what was found until then, as it
// does in a single run.
func (t *tally) code() int {
	switch {
	case t.Interrupted:
		return exitInterrupted
	case t.Failed > 0:
		return exitViolation
	case t.Unknown > 0:
		return exitUnknown
	}
	return exitPassed
}

// summary prints the tally.
func (c *console) summary(t *tally) {
	c.status("")
	text := fmt.Sprintf("%s: %d passed, %d failed, %d unknown", counted(t.Runs, "run"), t.Passed, t.Failed, t.Unknown)
	if t.Failed > 0 {
		text += fmt.Sprintf("; it failed in %.0f %%", 100*float64(t.Failed)/float64(t.Runs))
	}
	if t.Interrupted {
		text += "; the last one was interrupted"
	}
	painted := c.style.good
	switch {
	case t.Failed > 0:
		painted = c.style.bad
	case t.Unknown > 0 || t.Interrupted:
		painted = c.style.doubtful
	}
	c.printf("\n%s\n", painted.Sprint(text))
	for _, f := range t.Failures {
		where := ""
		if t.several {
			where = " in " + f.Stage
		}
		c.printf("  %3d × %s%s, first with seed %d: %s\n", f.Runs, f.Rule, where, f.Seed, c.path(f.RunDir))
	}
	c.printf("\n")
}

// writeResults writes results as report.WriteJSON does, and a summary beside them if
// there is one.
func writeResults(w io.Writer, results []*report.Result, summary *tally) error {
	if summary == nil {
		return report.WriteJSON(w, results)
	}
	if results == nil {
		results = []*report.Result{}
	}
	if summary.Failures == nil {
		summary.Failures = []ruleTally{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Results []*report.Result `json:"results"`
		Summary *tally           `json:"summary"`
	}{results, summary})
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
