package main

import (
	"fmt"

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
					fmt.Fprintf(a.stdout, "  %d. %-16s %s\n", i+1, st.Name, st.Summary)
				}
			}
			fmt.Fprintf(a.stdout, "\nstart one with: lsfr new %s\n", catalog()[0].Name)
			return nil
		},
	}
}
