package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// A row is what one stage said of one subject in all runs.
type row struct {
	subject string
	bug     *kvnode.Bug // nil for a correct store
	stage   string
	runs    int
	passed  int
	failed  int
	took    []time.Duration // until it was judged
	// said counts explanations of failed runs: the rule that was broken, or the check.
	said map[string]int
	// seeds of the runs that were judged wrongly.
	seeds []int64
}

// due reports whether this is the stage that must catch the bug.
func (r *row) due() bool { return r.bug != nil && r.bug.Stage == r.stage }

// explained counts the runs in which the right explanation came out.
func (r *row) explained() int {
	n := 0
	for said, times := range r.said {
		if slices.Contains(expected()[r.subject], said) {
			n += times
		}
	}
	return n
}

// good reports whether lsfr was right often enough: always about a correct store, and in
// 19 of 20 runs about a bug at the stage that must catch it.
func (r *row) good() bool {
	switch {
	case r.bug == nil:
		return r.passed == r.runs
	case r.due():
		return 20*r.failed >= 19*r.runs && 20*r.explained() >= 19*r.failed
	}
	return true
}

// measure judges all subjects, one run after the other: two at once would measure each
// other.
func measure(ctx context.Context, o options) ([]*row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	subjects, err := bugs(self, o.later)
	if err != nil {
		return nil, err
	}
	if o.correct {
		right, err := correct(self)
		if err != nil {
			return nil, err
		}
		subjects = append(right, subjects...)
	}
	var rows []*row
	for _, s := range subjects {
		if !o.only.MatchString(s.name) {
			continue
		}
		for i := range s.stages {
			r := &row{subject: s.name, bug: s.bug, stage: s.stages[i].Name, said: make(map[string]int)}
			rows = append(rows, r)
			for range o.runs {
				if err := r.judge(ctx, self, s, &s.stages[i]); err != nil {
					return nil, err
				}
			}
			fmt.Fprintln(os.Stderr, r.line())
		}
	}
	return rows, nil
}

// judge runs a stage once.
func (r *row) judge(ctx context.Context, self string, s subject, stage *challenges.Stage) error {
	folder, err := os.MkdirTemp("", "lsfr-matrix-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a leftover in the temporary folder
	dir := s.dir
	if dir == "" {
		dir = folder
	}
	result, err := runner.Stage(ctx, runner.Options{
		Challenge: "kv-store", Stage: stage, Dir: dir, RunDir: folder, Command: s.command, Seed: rand.Int64N(1 << 40),
		FailFast: true, Guard: []string{self, "guard"}, Observer: quiet{}, Log: zerolog.Nop(),
	})
	if err != nil {
		return fmt.Errorf("%s in %s: %w", s.name, stage.Name, err)
	}
	if result.Interrupted {
		return context.Cause(ctx)
	}
	r.runs++
	r.took = append(r.took, result.Took)
	switch result.Status {
	case report.Passed:
		r.passed++
	case report.Failed:
		r.failed++
		r.said[explanation(result)]++
	}
	if wrong := result.Status != report.Passed; wrong == (s.bug == nil) || result.Status == report.Unknown {
		r.seeds = append(r.seeds, result.Seed)
		if f := result.FirstFailure(); f != nil && f.Failure != nil {
			fmt.Fprintf(os.Stderr, "  %s in %s, seed %d: %s at %q: %s\n", s.name, stage.Name, result.Seed, result.Status, f.Name, f.Failure.Summary)
		}
	}
	return nil
}

// explanation is the rule that a history broke, or the check that failed.
func explanation(r *report.Result) string {
	f := r.FirstFailure()
	if f.Scenario == nil || f.Scenario.Verdict == nil || len(f.Scenario.Verdict.Violations) == 0 {
		return f.Name
	}
	return string(f.Scenario.Verdict.Violations[0].Rule)
}

// quiet is an Observer for which nobody looks.
type quiet struct{}

func (quiet) Building(string)          {}
func (quiet) CheckStarted(string)      {}
func (quiet) CheckDone(report.Check)   {}
func (quiet) Progress(runner.Progress) {}
