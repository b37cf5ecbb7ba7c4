package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

func (a *app) nextCommand() *cobra.Command {
	f := &testFlags{runScript: defaultRunScript, keep: defaultKeep}
	cmd := &cobra.Command{
		Use:     "next",
		Aliases: []string{"n"},
		Short:   "Go on to the next stage, if the current one passes",
		Long: `Judges the current stage, unless it has passed since the last change to the
folder's files, and then unlocks the next one in lsfr.yaml.`,
		Example: "  lsfr next",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.next(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.dir, "dir", ".", "the folder of your solution")
	return cmd
}

func (a *app) next(ctx context.Context, f *testFlags) error {
	w, c, err := loadWorkspace(f.dir)
	if err != nil {
		return err
	}
	i, stage, err := c.Stage(w.Config.Stage)
	if err != nil {
		return err
	}
	passed, err := passedSinceChange(ctx, w)
	if err != nil {
		return err
	}
	if passed {
		fmt.Fprintf(a.stdout, "%s has passed, and nothing was changed since.\n", stage.Name)
	} else {
		f.seed = newSeed()
		results, err := a.runStages(ctx, f, w, c, c.Stages[i:i+1])
		if err != nil {
			return err
		}
		if code := resultCode(results[0]); code != exitPassed {
			return exit{code}
		}
	}
	return a.advance(w, c, i)
}

// advance records that stage i is completed.
func (a *app) advance(w *workspace.Workspace, c *challenges.Challenge, i int) error {
	if i == len(c.Stages)-1 {
		if !slices.Contains(w.Config.Completed, c.Stages[i].Name) {
			if err := w.Advance(c.Stages[i].Name, ""); err != nil {
				return err
			}
		}
		fmt.Fprintf(a.stdout, "That was the last stage: %s is complete. Congratulations!\n", c.Name)
		return nil
	}
	next := c.Stages[i+1]
	if err := w.Advance(c.Stages[i].Name, next.Name); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Stage %d of %d: %s\n%s\n\n  lsfr guide    what to build\n  lsfr test     judge it\n",
		i+2, len(c.Stages), next.Name, wrap(next.Summary, columns(a.stdout), "  ", "  "))
	return nil
}

// passedSinceChange reports whether the current stage passed with the files as they are.
func passedSinceChange(ctx context.Context, w *workspace.Workspace) (bool, error) {
	fingerprint, err := workspace.Fingerprint(ctx, w.Dir)
	if err != nil {
		return false, err
	}
	return w.PassedSince(w.Config.Stage, fingerprint), nil
}
