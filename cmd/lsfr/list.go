package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"l", "ls"},
		Short:   "List the challenges and their stages",
		Example: "  lsfr list",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			s := a.style(a.stdout)
			for _, c := range catalog() {
				fmt.Fprintf(a.stdout, "%s  %s\n", s.bold.Sprint(c.Name), c.Title)
				for i, st := range c.Stages {
					name := fmt.Sprintf("  %d. %-18s ", i+1, st.Name)
					fmt.Fprintln(a.stdout, wrap(st.Summary, columns(a.stdout), name, strings.Repeat(" ", len(name))))
				}
			}
			fmt.Fprintf(a.stdout, "\nstart one with: lsfr new %s\n", catalog()[0].Name)
			return nil
		},
	}
}
