package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/workspace"
)

func (a *app) newCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "new <challenge> [path]",
		Aliases: []string{"init", "i"},
		Short:   "Start a challenge in a new folder",
		Long: `Writes run.sh, README.md, lsfr.yaml and .gitignore into ./<challenge>, or into the
path ("." for the current folder). It never overwrites a file.`,
		Example: `  lsfr new kv-store
  lsfr new kv-store ~/code/my-store
  lsfr new kv-store .`,
		Args:              argsBetween(1, 2),
		ValidArgsFunction: completeChallenges,
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := findChallenge(args[0])
			if err != nil {
				return err
			}
			dir := c.Name
			if len(args) > 1 {
				dir = args[1]
			}
			if dir == "" { // an unset variable, rather than the current folder
				return usagef("lsfr new: the path is empty; the current folder is .")
			}
			scaffold := workspace.Scaffold{Challenge: c.Name, Title: c.Title, Overview: c.Overview}
			for _, s := range c.Stages {
				scaffold.Stages = append(scaffold.Stages, workspace.StageInfo{Name: s.Name, Title: s.Title, Summary: s.Summary})
			}
			files, err := workspace.Create(dir, scaffold)
			if err != nil {
				return fmt.Errorf("new %s: %w", c.Name, err)
			}
			for _, f := range files {
				fmt.Fprintf(a.stdout, "  %s\n", filepath.Join(dir, f))
			}
			first := fmt.Sprintf("The first stage is %s: %s.", c.Stages[0].Name, c.Stages[0].Summary)
			fmt.Fprintf(a.stdout, "\n%s\n\n", wrap(first, columns(a.stdout), "", ""))
			if filepath.Clean(dir) != "." {
				fmt.Fprintf(a.stdout, "  cd %s\n", shellWord(dir))
			}
			fmt.Fprint(a.stdout, "  lsfr guide    what to build\n  lsfr test     judge it\n")
			return nil
		},
	}
}
