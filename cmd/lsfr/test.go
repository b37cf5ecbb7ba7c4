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
	towards  string
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
	json       bool
	junit      string
	keep       int
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
judges the recorded history. A run is repeated with --seed; the interleaving of
requests is your machine's and may differ.

Exit codes: 0 passed, 1 failed, 2 bad usage, 3 unknown (too little evidence, or
time ran out), 4 lsfr itself failed, 130 interrupted.`,
		Example: `  lsfr test
  lsfr test persistence
  lsfr test --so-far
  lsfr test --seed 42 --duration 60s
  lsfr test --faults kill,cut
  lsfr test --plan --seed 42
  lsfr test --junit results.xml --json`,
		Args:              argsBetween(0, 1),
		ValidArgsFunction: completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.seeded = cmd.Flags().Changed("seed")
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
	fl.BoolVar(&f.json, "json", false, "print the result as JSON")
	fl.StringVar(&f.junit, "junit", "", "also write the result to `FILE` as JUnit XML")
	fl.IntVar(&f.keep, "keep", defaultKeep, "how many run folders to keep")
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
	if info, err := os.Stat(filepath.Dir(f.junit)); err != nil || !info.IsDir() {
		return usagef("--junit %s: there is no folder %s", f.junit, filepath.Dir(f.junit))
	}
	return nil
}

// test judges one stage, or all so far, and shows the results.
func (a *app) test(ctx context.Context, f *testFlags, args []string) error {
	w, c, err := loadWorkspace(f.dir)
	if err != nil {
		return err
	}
	name := w.Config.Stage
	if len(args) > 0 {
		name = args[0]
	}
	last, _, err := c.Stage(name)
	if err != nil {
		return err
	}
	stages, err := c.SoFar(name, w.Config.Stage)
	if err != nil {
		return err
	}
	if !f.soFar {
		stages = stages[last:]
	} else if at, _, _ := c.Stage(w.Config.Stage); at < last {
		f.towards = name
	}
	if err := f.chooseFaults(&stages[len(stages)-1]); err != nil {
		return err
	}
	if !f.seeded {
		f.seed = rand.Int64N(1_000_000_000)
	}
	if f.plan {
		return a.plan(f, stages, f.seed)
	}
	results, err := a.runStages(ctx, f, w, c, stages)
	if err != nil {
		return err
	}
	if f.json {
		if err := report.WriteJSON(a.stdout, results); err != nil {
			return err
		}
	}
	if f.junit != "" {
		err := runner.WriteFile(f.junit, func(file *os.File) error { return report.WriteJUnit(file, results) })
		if err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	final := results[len(results)-1]
	if code := resultCode(final); code != exitPassed {
		return exit{code}
	}
	if !f.json && last == len(c.Stages)-1 || !f.json && name != w.Config.Stage {
		return nil
	}
	if !f.json && f.plain() {
		fmt.Fprintln(a.stdout, "next: lsfr next")
	} else if !f.json {
		fmt.Fprintln(a.stdout, "this run does not count for lsfr next, because flags changed it; run a plain: lsfr test")
	}
	return nil
}

// runStages runs stages in order until one does not pass. It holds the
// folder's lock and takes Ctrl-C.
func (a *app) runStages(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stages []challenges.Stage) ([]*report.Result, error) {
	ctx, stop := interruptible(ctx)
	defer stop()
	release, err := w.Lock()
	if err != nil {
		return nil, err
	}
	defer release()
	var results []*report.Result
	for i := range stages {
		r, err := a.runStage(ctx, f, w, c, &stages[i])
		if err != nil {
			return nil, err
		}
		results = append(results, r)
		if r.Status != report.Passed {
			break
		}
	}
	return results, nil
}

func (a *app) runStage(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stage *challenges.Stage) (*report.Result, error) {
	runDir, err := w.NewRun(stage.Name, time.Now())
	if err != nil {
		return nil, err
	}
	if err := w.Prune(f.keep); err != nil {
		log := a.log()
		log.Warn().Err(err).Msg("old run folders could not be removed")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find lsfr's own program: %w", err)
	}
	con := a.console(f.json, f.dir)
	number, itself, err := c.Stage(stage.Name)
	if err != nil {
		return nil, err
	}
	asItself := judgedAsItself(stage, itself)
	con.printf("%s  stage %d of %d: %s, seed %d\n", con.style.bold.Sprint(c.Name), number+1, len(c.Stages), stage.Name, f.seed)
	fingerprint := ""
	r, err := runner.Stage(ctx, runner.Options{
		Challenge: c.Name, Stage: stage, Dir: f.dir, RunDir: runDir, Command: []string{"./" + f.runScript},
		Seed: f.seed, Duration: f.duration, Clients: f.clients, Faults: f.faults, FailFast: f.failFast, NoEarlyStop: f.runOn,
		Guard: []string{self, "guard"}, Repeat: f.repeat(stage.Name, asItself), Observer: con, Log: a.log(),
		Ready: func() { fingerprint, err = workspace.Fingerprint(ctx, w.Dir) },
	})
	if err != nil {
		return nil, err
	}
	con.result(r)
	if r.Status == report.Passed && f.plain() && asItself && fingerprint != "" {
		if err := w.MarkPassed(stage.Name, fingerprint); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// judgedAsItself reports whether a stage of SoFar is the challenge's own. One that
// was replaced on the way to a later stage may ask for less.
func judgedAsItself(stage, own *challenges.Stage) bool {
	return (stage.Towards == nil) == (own.Towards == nil)
}

// repeat is the command that repeats a run.
func (f *testFlags) repeat(stage string, asItself bool) string {
	words := []string{"lsfr test", stage, fmt.Sprintf("--seed %d", f.seed)}
	if f.towards != "" && !asItself {
		words = []string{"lsfr test", f.towards, "--so-far", fmt.Sprintf("--seed %d", f.seed)}
	}
	if f.faultNames != "" {
		words = append(words, "--faults "+shellWord(f.faultNames))
	}
	if f.duration > 0 {
		words = append(words, "--duration "+f.duration.String())
	}
	if f.clients > 0 {
		words = append(words, fmt.Sprintf("--clients %d", f.clients))
	}
	if filepath.Clean(f.dir) != "." {
		words = append(words, "--dir "+shellWord(f.dir))
	}
	if f.runScript != defaultRunScript {
		words = append(words, "--run-script "+shellWord(f.runScript))
	}
	return strings.Join(words, " ")
}
