package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/docs"
)

func (a *app) docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "docs [page]",
		Short: "Read how lsfr works, what models mean, what to do about trouble",
		Long:  "Lists the pages of the documentation, or shows one. Piped, it is plain Markdown.",
		Example: `  lsfr docs
  lsfr docs troubleshooting
  lsfr docs consistency-models | less`,
		Args: argsBetween(0, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			if pages, err := docs.Pages(); err == nil && len(args) == 0 {
				for _, p := range pages {
					out = append(out, p.Name+"\t"+p.Title)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			pages, err := docs.Pages()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.listPages(pages)
			}
			name := strings.TrimSuffix(strings.TrimPrefix(args[0], "docs/"), ".md")
			i := slices.IndexFunc(pages, func(p docs.Page) bool { return p.Name == name })
			if i < 0 {
				return usagef("there is no page %q\n      see: lsfr docs", args[0])
			}
			return a.printMarkdown(pages[i].Text)
		},
	}
}

func (a *app) listPages(pages []docs.Page) error {
	for _, p := range pages {
		name := fmt.Sprintf("  %-20s ", p.Name)
		if _, err := fmt.Fprintln(a.stdout, wrap(p.Title, columns(a.stdout), name, strings.Repeat(" ", len(name)))); err != nil {
			return fmt.Errorf("list pages: %w", err)
		}
	}
	_, err := fmt.Fprint(a.stdout, "\nread one with: lsfr docs troubleshooting\nwhat to build is in the guides: lsfr guide\n")
	if err != nil {
		return fmt.Errorf("list pages: %w", err)
	}
	return nil
}
