package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/workspace"
)

func (a *app) replayCommand() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "replay [run]",
		Short: "Make a run again: the same stage, seed, faults and flags",
		Long: `Judges your program once more with what a saved run was made with: its stage, its
seed, so the same operations and the same plan of faults, and its flags. How
requests interleave is up to your program and your machine, so what went wrong
once may need several times: --times says how often it does.

The run is the latest one, or named: its folder's name, the beginning of that, or
a path. To judge a saved history again, without running anything: lsfr check.

Exit codes: 0 passed, 1 failed, at least once, 2 bad usage, 3 unknown, 4 lsfr itself
failed, 130 interrupted.`,
		Example: `  lsfr replay
  lsfr replay --times 20
  lsfr replay 20260102-150405-clustering --until-failure`,
		Args:              argsBetween(0, 1),
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return a.replay(cmd.Context(), f, name, cmd.Flags().Changed)
		},
	}
	fl := cmd.Flags()
	f.repeated.register(fl)
	fl.StringVar(&f.dir, "dir", ".", "the folder of your solution")
	fl.BoolVar(&f.json, "json", false, "print the result as JSON")
	fl.StringVar(&f.junit, "junit", "", "also write the result to `FILE` as JUnit XML")
	fl.IntVar(&f.keep, "keep", defaultKeep, "how many run folders to keep, besides those of failures with --times")
	return cmd
}

func (a *app) replay(ctx context.Context, f *testFlags, name string, given func(string) bool) error {
	w, c, err := loadWorkspace(f.dir)
	if err != nil {
		return err
	}
	folder, err := runFolder(f.dir, name)
	if err != nil {
		return err
	}
	saved, _, err := workspace.ReadRecord(folder)
	if err != nil {
		return err
	}
	if saved.Challenge != c.Name {
		return usagef("%s is a run of %s, and this folder is one of %s", folder, saved.Challenge, c.Name)
	}
	f.restore(saved)
	f.github = a.github()
	if err := f.validate(given); err != nil {
		return err
	}
	stages, err := c.SoFar(saved.Stage, f.built)
	if err != nil {
		return err
	}
	stages = stages[len(stages)-1:]
	if err := f.chooseFaults(&stages[0]); err != nil {
		return err
	}
	return a.judge(ctx, f, w, c, stages)
}

// restore sets the flags that a run was made with.
func (f *testFlags) restore(s workspace.Settings) {
	f.seed, f.seeded = s.Seed, true
	f.duration, f.clients, f.faultNames = s.Duration, s.Clients, s.Faults
	f.failFast, f.runOn, f.runScript = s.FailFast, s.NoEarlyStop, s.RunScript
	f.strictDisk = s.StrictDisk
	f.built, f.towards = s.Stage, s.Towards
	if s.Towards != "" {
		f.built = s.Towards
	}
}
