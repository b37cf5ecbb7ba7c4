package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/kvnode"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// defaultBug passes every API check; only its history gives it away.
const defaultBug = "dirty-read"

func (a *app) demoCommand() *cobra.Command {
	var bug, stage string
	var seed int64
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch lsfr find a bug in a store it brings along",
		Long: `Runs the reference node with one bug switched on through a real lsfr test, shows
the violation and writes its report. With --bug none the node is correct and passes.

Bugs:
` + bugList(),
		Example: `  lsfr demo
  lsfr demo --bug stale-cache
  lsfr demo --bug none --stage persistence`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				seed = newSeed()
			}
			return a.demo(cmd.Context(), bug, stage, seed)
		},
	}
	cmd.Flags().StringVar(&bug, "bug", defaultBug, "the bug to switch on, or none")
	cmd.Flags().StringVar(&stage, "stage", "", "the stage to run (default: the one that must catch the bug)")
	cmd.Flags().Int64Var(&seed, "seed", 0, "seed of the operations and faults (default: random)")
	err := cmd.RegisterFlagCompletionFunc("bug", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		out := []string{"none"}
		for _, b := range kvnode.Bugs() {
			out = append(out, b.Name+"\t"+b.Title)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	cobra.CheckErr(err) // the flag exists: it was made above
	return cmd
}

func bugList() string {
	var b strings.Builder
	for _, bug := range kvnode.Bugs() {
		fmt.Fprintf(&b, "  %-26s %-15s %s\n", bug.Name, bug.Stage, bug.Title)
	}
	return b.String()
}

// findBug returns the bug of that name; none has no name and the last stage built.
func findBug(name string) (kvnode.Bug, error) {
	if name == "none" || name == "" {
		stages := catalog()[0].Stages
		return kvnode.Bug{Stage: stages[len(stages)-1].Name}, nil
	}
	for _, b := range kvnode.Bugs() {
		if b.Name == name {
			return b, nil
		}
	}
	return kvnode.Bug{}, usagef("unknown bug %q\n      see: lsfr demo --help", name)
}

func (a *app) demo(ctx context.Context, bugName, stageName string, seed int64) error {
	bug, err := findBug(bugName)
	if err != nil {
		return err
	}
	if stageName == "" {
		stageName = bug.Stage
	}
	c := catalog()[0]
	_, stage, err := c.Stage(stageName)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find lsfr's own program: %w", err)
	}
	dir, err := os.MkdirTemp("", "lsfr-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	con := a.console(false, ".")
	repeat := fmt.Sprintf("lsfr demo --bug %s --stage %s --seed %d", orNone(bug.Name), stageName, seed)
	if bug.Name == "" {
		con.printf("A correct store, stage %s, seed %d\n", stageName, seed)
	} else {
		con.printf("A store with a bug, stage %s, seed %d\n%s: %s\n\n", stageName, seed, con.style.bold.Sprint(bug.Name), bug.Title)
	}
	r, writeReport, err := runner.Stage(ctx, runner.Options{
		Challenge: c.Name, Stage: stage, Dir: dir, RunDir: dir, Seed: seed,
		Command: []string{self, "node", "--bug", orNone(bug.Name)},
		Guard:   []string{self, "guard"}, Repeat: repeat, Observer: con, Log: a.log(),
	})
	if err != nil {
		return err
	}
	con.result(r)
	writeReport(ctx)
	con.report(r)
	return demoEnd(con, bug, r)
}

func orNone(bug string) string {
	if bug == "" {
		return "none"
	}
	return bug
}

// demoEnd turns the tables: a bug that is found is what the demo is for.
func demoEnd(con *console, bug kvnode.Bug, r *report.Result) error {
	switch {
	case r.Interrupted:
		return exit{exitInterrupted}
	case bug.Name != "" && r.Status == report.Failed:
		con.printf("lsfr found the bug. Open the report in a browser to see how.\n")
		return nil
	case bug.Name == "" && r.Status == report.Passed:
		return nil
	}
	return exit{resultCode(r)}
}
