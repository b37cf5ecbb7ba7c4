package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

func (a *app) statusCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "status",
		Aliases: []string{"s"},
		Short:   "Show your progress and what to do next",
		Example: "  lsfr status",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, c, err := loadWorkspace(dir)
			if err != nil {
				return err
			}
			s := a.style(a.stdout)
			fmt.Fprintf(a.stdout, "%s  %s\n", s.bold.Sprint(c.Name), c.Title)
			for i, st := range c.Stages {
				mark := " "
				switch {
				case slices.Contains(w.Config.Completed, st.Name):
					mark = s.good.Sprint("✓")
				case st.Name == w.Config.Stage:
					mark = s.bold.Sprint("→")
				}
				name := fmt.Sprintf("    %d. %-18s ", i+1, st.Name)
				text := wrap(st.Summary, columns(a.stdout), name, strings.Repeat(" ", len(name)))
				fmt.Fprintf(a.stdout, "  %s%s\n", mark, text[len("   "):])
			}
			if err := disk.Supported(); err != nil {
				fmt.Fprintf(a.stdout, "\n%s\n", wrap("scenarios in which power goes are skipped: "+err.Error(), columns(a.stdout), "", ""))
			}
			passed, err := passedSinceChange(cmd.Context(), w)
			if err != nil {
				return err
			}
			last := c.Stages[len(c.Stages)-1].Name
			switch {
			case w.Config.Stage == last && slices.Contains(w.Config.Completed, last):
				fmt.Fprintf(a.stdout, "\n%s is complete. Judge everything once more with: lsfr test --so-far\n", c.Name)
			case passed:
				fmt.Fprintf(a.stdout, "\n%s has passed, and nothing was changed since. Go on with: lsfr next\n", w.Config.Stage)
			default:
				fmt.Fprintf(a.stdout, "\nnext: build %s (lsfr guide), then: lsfr test\n", w.Config.Stage)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the folder of your solution")
	return cmd
}
