package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

// testFlags are the flags of lsfr test; lsfr next uses their defaults.
type testFlags struct {
	soFar bool
	// towards is the last stage of --so-far if it is later than the one in lsfr.yaml.
	towards string
	// built is the stage up to which the program is taken to be built.
	built    string
	failFast bool
	runOn    bool
	seed     int64
	seeded   bool
	duration time.Duration
	clients  int
	// faultNames is --faults as given, faults what it means.
	faultNames string
	faults     faults.Selection
	plan       bool
	dir        string
	runScript  string
	strictDisk bool
	json       bool
	junit      string
	keep       int
	repeated   repeatFlags
	watch      watchFlags
	// github is where to leave word if a workflow on GitHub runs this.
	github *github
	// spared are run folders that are not to be removed: of runs that have failed.
	spared []string
}

// plain reports whether a pass counts for lsfr next: whoever weakens the test
// or tests another program has not passed it.
func (f *testFlags) plain() bool {
	return f.duration == 0 && f.clients == 0 && f.faultNames == "" && f.runScript == defaultRunScript
}

const (
	defaultRunScript = "run.sh"
	defaultKeep      = 10
	// maxSeed keeps seeds exact in every JSON reader.
	maxSeed = 1<<53 - 1
	// maxClients bounds the sockets that one node has to hold.
	maxClients = 40
)

func (a *app) testCommand() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:     "test [stage]",
		Aliases: []string{"t"},
		Short:   "Judge the current stage, or the one that is named",
		Long: `Starts your run.sh, checks its API, lets clients and faults loose on it, and
judges the recorded history. A run is repeated with --seed, or lsfr replay; the
interleaving of requests is your machine's and may differ.

With --times or --until-failure it is run again and again, each time with another
seed unless --seed is given, and a summary says how often it failed, and why. With
--watch it is run again whenever files of the folder change, but not those that
.gitignore names: put there what run.sh builds. Ctrl-C ends these.

On GitHub Actions, failures are annotated, and the step gets a summary (docs/ci.md).

Exit codes: 0 passed, 1 failed, 2 bad usage, 3 unknown (too little evidence, or
time ran out), 4 lsfr itself failed, 130 interrupted.`,
		Example: `  lsfr test
  lsfr test persistence
  lsfr test --so-far
  lsfr test --seed 42 --duration 60s
  lsfr test --faults kill,cut
  lsfr test --plan --seed 42
  lsfr test --watch
  lsfr test --until-failure
  lsfr test --times 20 --fail-fast
  lsfr test --junit results.xml --json`,
		Args:              argsBetween(0, 1),
		ValidArgsFunction: completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.seeded, f.github = cmd.Flags().Changed("seed"), a.github()
			if err := f.validate(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.test(cmd.Context(), f, args)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.soFar, "so-far", false, "judge all stages up to this one; the first failure stops")
	fl.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failed check")
	fl.BoolVar(&f.runOn, "no-early-stop", false, "let a scenario run on after its first violation")
	fl.Int64Var(&f.seed, "seed", 0, "seed of the operations and faults (default: random, always shown)")
	fl.DurationVar(&f.duration, "duration", 0, "how long clients run in each history scenario (default: about 10s)")
	fl.IntVar(&f.clients, "clients", 0, "number of concurrent clients (default: the scenario's, 10 to 18)")
	fl.StringVar(&f.faultNames, "faults", "", "inject only these `KINDS`, such as kill,pause,cut, or none")
	fl.BoolVar(&f.plan, "plan", false, "print the faults that a seed gives, and run nothing")
	fl.StringVar(&f.dir, "dir", ".", "the folder of your solution")
	fl.StringVar(&f.runScript, "run-script", defaultRunScript, "the script that starts a node, relative to the folder")
	fl.BoolVar(&f.strictDisk, "strict-disk", false, "when power goes, a file's name is durable only after an fsync of its folder")
	fl.BoolVar(&f.json, "json", false, "print the result as JSON")
	fl.StringVar(&f.junit, "junit", "", "also write the result to `FILE` as JUnit XML")
	fl.IntVar(&f.keep, "keep", defaultKeep, "how many run folders to keep, besides those of failures with --times")
	f.repeated.register(fl)
	f.watch.register(fl)
	return cmd
}

// validate refuses what cannot work before anything runs. given tells which
// flags were given: a zero that was is not the default.
func (f *testFlags) validate(given func(flag string) bool) error {
	switch {
	case f.seed < 0 || f.seed > maxSeed:
		return usagef("--seed %d: want a number from 0 to %d", f.seed, int64(maxSeed))
	case f.duration < 0 || f.duration == 0 && given("duration"):
		return usagef("--duration %s: want a positive duration such as 30s", f.duration)
	case f.clients < 0 || f.clients > maxClients || f.clients == 0 && given("clients"):
		return usagef("--clients %d: want a number from 1 to %d", f.clients, maxClients)
	case f.keep < 1:
		return usagef("--keep %d: want at least 1, because this run is kept", f.keep)
	case f.runScript == "":
		return usagef("--run-script: the name is empty")
	case f.junit == "" && given("junit"):
		return usagef("--junit: the name is empty")
	case strings.TrimSpace(f.faultNames) == "" && given("faults"):
		return usagef("--faults: want kinds of faults such as kill,cut, or none")
	}
	var err error
	if f.faults, err = faults.ParseSelection(f.faultNames); err != nil {
		return usagef("--faults %s: %v", f.faultNames, err)
	}
	if err := f.repeated.validate(given); err != nil {
		return err
	}
	if err := f.watch.validate(f); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Dir(f.junit)); err != nil || !info.IsDir() {
		return usagef("--junit %s: there is no folder %s", f.junit, filepath.Dir(f.junit))
	}
	return nil
}

// newSeed draws the seed of a run.
func newSeed() int64 { return rand.Int64N(1_000_000_000) }

// test judges one stage, or all so far, and shows the results.
func (a *app) test(ctx context.Context, f *testFlags, args []string) error {
	if f.watch.on {
		return a.watch(ctx, f, args)
	}
	w, c, stages, err := f.choose(args)
	if err != nil {
		return err
	}
	if !f.seeded {
		f.seed = newSeed()
	}
	if f.plan {
		return a.plan(f, stages, f.seed)
	}
	if err := a.judge(ctx, f, w, c, stages); err != nil {
		return err
	}
	last := stages[len(stages)-1].Name
	if !f.json && !f.repeated.on() && last == w.Config.Stage && last != c.Stages[len(c.Stages)-1].Name {
		a.whatNext(f)
	}
	return nil
}

// judge runs stages, once or as often as f says. The error is an exit unless all passed.
func (a *app) judge(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stages []challenges.Stage) error {
	if f.repeated.on() {
		return a.testRepeatedly(ctx, f, w, c, stages)
	}
	results, err := a.runStages(ctx, f, w, c, stages)
	if err != nil {
		return err
	}
	if err := a.write(f, results, nil); err != nil {
		return err
	}
	if code := resultCode(results[len(results)-1]); code != exitPassed {
		return exit{code}
	}
	return nil
}

// whatNext follows a pass of the current stage.
func (a *app) whatNext(f *testFlags) {
	if f.plain() {
		fmt.Fprintln(a.stdout, "next: lsfr next")
	} else {
		fmt.Fprintln(a.stdout, "this run does not count for lsfr next, because flags changed it; run a plain: lsfr test")
	}
}

// choose loads the folder and returns the stages that are to be judged in it.
func (f *testFlags) choose(args []string) (*workspace.Workspace, *challenges.Challenge, []challenges.Stage, error) {
	w, c, err := loadWorkspace(f.dir)
	if err != nil {
		return nil, nil, nil, err
	}
	name := w.Config.Stage
	if len(args) > 0 {
		name = args[0]
	}
	last, _, err := c.Stage(name)
	if err != nil {
		return nil, nil, nil, err
	}
	stages, err := c.SoFar(name, w.Config.Stage)
	if err != nil {
		return nil, nil, nil, err
	}
	at, _, err := c.Stage(w.Config.Stage)
	if err != nil {
		return nil, nil, nil, err
	}
	f.built, f.towards = c.Stages[max(at, last)].Name, ""
	if !f.soFar {
		stages = stages[last:]
	} else if at < last {
		f.towards = name
	}
	if err := f.chooseFaults(&stages[len(stages)-1]); err != nil {
		return nil, nil, nil, err
	}
	return w, c, stages, nil
}

// write writes results for scripts, as far as flags ask for that.
func (a *app) write(f *testFlags, results []*report.Result, summary *tally) error {
	if f.json {
		if err := writeResults(a.stdout, results, summary); err != nil {
			return err
		}
	}
	if f.junit != "" {
		err := runner.WriteFile(f.junit, func(file *os.File) error { return report.WriteJUnit(file, results) })
		if err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	return nil
}
