package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

const reportFile = "report.html"

type reportFlags struct {
	dir    string
	serve  string
	noOpen bool
}

func (a *app) reportCommand() *cobra.Command {
	f := &reportFlags{}
	cmd := &cobra.Command{
		Use:   "report [run]",
		Short: "Show the report of a run",
		Long: `Prints the path of a run's report, and opens it on a desktop: not over SSH, not in
CI, and not with --no-open. The run is the latest one, or named: its folder's name,
the beginning of that, or a path.

With --serve it serves the run's folder to browsers until Ctrl-C, on this machine's
loopback addresses only: at a free port of 127.0.0.1, or at --serve=ADDRESS. To read
the report of a remote machine, forward that port: ssh -L 8080:127.0.0.1:8080 HOST.`,
		Example: `  lsfr report
  lsfr report 20260102-150405-clustering
  lsfr report --serve
  lsfr report --serve=127.0.0.1:8080`,
		Args:              argsBetween(0, 2),
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := f.address(args)
			if err != nil {
				return err
			}
			if err := argsBetween(0, 1)(cmd, args); err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return a.report(cmd.Context(), f, name)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "dir", ".", "the folder of your solution")
	fl.StringVar(&f.serve, "serve", "", "serve the run's folder at this loopback `ADDRESS`, or a free port if none is given")
	fl.Lookup("serve").NoOptDefVal = anyPort
	fl.BoolVar(&f.noOpen, "no-open", false, "only print where the report is")
	return cmd
}

// address takes the address out of the arguments: --serve 127.0.0.1:8080 is what
// people write, and a flag whose value may be missing does not take the next word.
func (f *reportFlags) address(args []string) (rest []string, err error) {
	if f.serve == "" {
		return args, nil
	}
	for i, arg := range args {
		if f.serve == anyPort && looksLikeAddress(arg) {
			f.serve = arg
			args = append(args[:i:i], args[i+1:]...)
			break
		}
	}
	f.serve, err = loopback(f.serve)
	return args, err
}

func (a *app) report(ctx context.Context, f *reportFlags, name string) error {
	folder, err := runFolder(f.dir, name)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, reportFile)
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return usagef("%s has no report: the run goes on, or ended before it was written\n      write one with: lsfr check --html %s %s",
			folder, shellWord(path), shellWord(filepath.Join(folder, "history.json")))
	} else if err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return usagef("%s is no file", path)
	}
	if f.serve != "" {
		return a.serveRun(ctx, folder, f.serve, !f.noOpen)
	}
	fmt.Fprintln(a.stdout, path)
	if !f.noOpen {
		a.openOnDesktop(path)
	}
	return nil
}
