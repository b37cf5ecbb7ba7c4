package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/workspace"
)

// runFolder returns the folder of the run that name means: the latest in dir if it is
// empty, else the one of that name, or whose name begins so, or that path.
func runFolder(dir, name string) (string, error) {
	if name != "" && (strings.ContainsRune(name, filepath.Separator) || name == "." || name == "..") {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return "", err
		case !info.IsDir():
			return "", usagef("%s is a file; want the folder of a run", name)
		}
		return name, nil
	}
	w, _, err := loadWorkspace(dir)
	if err != nil {
		return "", err
	}
	return w.FindRun(name)
}

// completeRuns serves shell completion.
func completeRuns(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	dir, _ := cmd.Flags().GetString("dir")
	w, err := workspace.Load(dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	names, _ := w.Runs()
	return names, cobra.ShellCompDirectiveNoFileComp
}
