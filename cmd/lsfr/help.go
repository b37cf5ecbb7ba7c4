package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// helpCommand takes the place of cobra's, which accepts commands that are not there.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show what a command does",
		Example: `  lsfr help
  lsfr help test`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			for _, c := range cmd.Root().Commands() {
				if len(args) == 0 && c.IsAvailableCommand() {
					out = append(out, c.Name()+"\t"+c.Short)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q\n      see: lsfr --help", args[len(args)-max(1, len(rest))])
			}
			about.InitDefaultHelpFlag() // else its help lacks it
			return about.Help()
		},
	}
}

// completionCommand takes the place of cobra's, which accepts shells that are not there.
func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion <shell>",
		Short: "Print a script that makes your shell complete lsfr's commands",
		Long:  "Prints a completion script for bash, zsh, fish or powershell.",
		Example: `  source <(lsfr completion bash)
  lsfr completion zsh > "${fpath[1]}/_lsfr"
  lsfr completion fish > ~/.config/fish/completions/lsfr.fish`,
		Args: argsBetween(1, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"bash", "zsh", "fish", "powershell"}, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			var err error
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				err = root.GenZshCompletion(a.stdout)
			case "fish":
				err = root.GenFishCompletion(a.stdout, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(a.stdout)
			default:
				return usagef("unknown shell %q (want bash, zsh, fish or powershell)", args[0])
			}
			if err != nil {
				return fmt.Errorf("print completion script: %w", err)
			}
			return nil
		},
	}
}
