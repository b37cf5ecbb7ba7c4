package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/disk"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

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
	return a.runAll(ctx, f, w, c, stages, a.console(f.json, f.dir))
}

// runAll runs stages in order until one does not pass.
func (a *app) runAll(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stages []challenges.Stage, con *console) ([]*report.Result, error) {
	var results []*report.Result
	for i := range stages {
		r, err := a.runStage(ctx, f, w, c, &stages[i], con)
		if err != nil {
			return results, err
		}
		results = append(results, r)
		if r.Status != report.Passed {
			break
		}
	}
	return results, nil
}

func (a *app) runStage(ctx context.Context, f *testFlags, w *workspace.Workspace, c *challenges.Challenge, stage *challenges.Stage, con *console) (*report.Result, error) {
	number, itself, err := c.Stage(stage.Name)
	if err != nil {
		return nil, err
	}
	asItself := judgedAsItself(stage, itself)
	began := time.Now()
	runDir, err := w.NewRun(stage.Name, began)
	if err != nil {
		return nil, err
	}
	if err := a.cleanDisks(ctx, w); err != nil {
		return nil, err
	}
	if err := w.Prune(f.keep, f.spared...); err != nil {
		log := a.log()
		log.Warn().Err(err).Msg("old run folders could not be removed")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find lsfr's own program: %w", err)
	}
	con.header("%s  stage %d of %d: %s, seed %d\n", con.style.bold.Sprint(c.Name), number+1, len(c.Stages), stage.Name, f.seed)
	watched := a.record(w, runDir, f.settings(c.Name, stage.Name, asItself, began), con)
	fingerprint := ""
	r, writeReport, err := runner.Stage(ctx, runner.Options{
		Challenge: c.Name, Stage: stage, Dir: f.dir, RunDir: runDir, Command: []string{"./" + f.runScript},
		Seed: f.seed, Duration: f.duration, Clients: f.clients, Faults: f.faults, FailFast: f.failFast, NoEarlyStop: f.runOn,
		StrictDisk: f.strictDisk,
		Guard:      []string{self, "guard"}, Repeat: f.repeat(stage.Name, asItself), Observer: watched, Tell: watched.tell, Log: a.log(),
		Ready: func() {
			if f.watch.built != nil {
				f.watch.built()
			}
			fingerprint, _ = workspace.Fingerprint(ctx, w.Dir) // without one the pass is not recorded
		},
	})
	watched.over(r, err)
	if err != nil {
		return nil, err
	}
	if errors.Is(context.Cause(ctx), errChanged) {
		return r, nil // what it found is of a program that is gone
	}
	con.result(r)
	if r.Status == report.Passed && f.plain() && asItself && fingerprint != "" {
		if err := w.MarkPassed(stage.Name, fingerprint); err != nil {
			return nil, err
		}
	}
	writeReport(ctx)
	con.report(r)
	f.github.result(r)
	return r, nil
}

// cleanDisks unmounts the disks of runs whose lsfr was killed.
func (a *app) cleanDisks(ctx context.Context, w *workspace.Workspace) error {
	cleaned, err := disk.CleanStale(ctx, w.RunsDir())
	log := a.log()
	for _, mountpoint := range cleaned {
		log.Info().Str("folder", mountpoint).Msg("unmounted the disk of a run that was killed")
	}
	return err
}

// settings are what lsfr replay needs to make a run again.
func (f *testFlags) settings(challenge, stage string, asItself bool, began time.Time) workspace.Settings {
	s := workspace.Settings{
		Challenge: challenge, Stage: stage, Seed: f.seed, Duration: f.duration, Clients: f.clients, Faults: f.faultNames,
		FailFast: f.failFast, NoEarlyStop: f.runOn, RunScript: f.runScript, StrictDisk: f.strictDisk, Started: began, PID: os.Getpid(),
	}
	if !asItself {
		s.Towards = f.built
	}
	return s
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
	if f.strictDisk {
		words = append(words, "--strict-disk")
	}
	if filepath.Clean(f.dir) != "." {
		words = append(words, "--dir "+shellWord(f.dir))
	}
	if f.runScript != defaultRunScript {
		words = append(words, "--run-script "+shellWord(f.runScript))
	}
	return strings.Join(words, " ")
}
