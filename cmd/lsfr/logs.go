package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/internal/nodelogs"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

type logsFlags struct {
	dir, run, history string
	follow, json      bool
	around, window    time.Duration
	// limited is set if --around was given, which may be 0.
	limited bool
}

func (a *app) logsCommand() *cobra.Command {
	f := &logsFlags{}
	cmd := &cobra.Command{
		Use:   "logs [node...]",
		Short: "Show what the nodes of a run printed, merged by time",
		Long: `Shows the logs of all nodes, or of those that are named, in the order of time, with
the checks, faults and changes of leadership of the run in between.

Each line begins with seconds: from the run's start, and as soon as a scenario records
a history, from that one's start, as in the history and in the report. The
clock is that of this machine, and a line's time is when its first byte arrived.

The run is the latest one, or --run: its folder's name, the beginning of that, or a path.`,
		Example: `  lsfr logs
  lsfr logs n1 n3
  lsfr logs --around 12.4s
  lsfr logs --follow
  lsfr logs --json n1`,
		Args:              argsBetween(0, 1<<10),
		ValidArgsFunction: f.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.limited = cmd.Flags().Changed("around")
			if err := f.validate(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.logs(cmd.Context(), f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "dir", ".", "the folder of your solution")
	fl.StringVar(&f.run, "run", "", "the `RUN` (default: the latest)")
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on while the run goes on, and end with it")
	fl.DurationVar(&f.around, "around", 0, "only what is near this time, such as 12.4s")
	fl.DurationVar(&f.window, "window", 2*time.Second, "how near, before and after")
	fl.StringVar(&f.history, "history", "", "the `FILE` whose times --around means (default: of the scenario that failed, or the last)")
	fl.BoolVar(&f.json, "json", false, "print a JSON object a line (docs/ci.md)")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("run", completeRuns)) // the flag exists: it was made above
	return cmd
}

func (f *logsFlags) validate(given func(string) bool) error {
	switch {
	case f.window <= 0:
		return usagef("--window %s: want a positive duration such as 2s", f.window)
	case f.limited && f.follow:
		return usagef("--around and --follow: want one of them")
	case !f.limited && given("window"):
		return usagef("--window goes with --around")
	case !f.limited && f.history != "":
		return usagef("--history goes with --around")
	}
	return nil
}

// loggedRun is a run whose logs are shown.
type loggedRun struct {
	folder   string
	settings workspace.Settings // zero if there is no record
	recorded []workspace.Event
	spans    nodelogs.Spans
}

func (a *app) logs(ctx context.Context, f *logsFlags, nodes []string) error {
	folder, err := runFolder(f.dir, f.run)
	if err != nil {
		return err
	}
	r := &loggedRun{folder: folder}
	if r.settings, r.recorded, err = workspace.ReadRecord(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(a.stderr, "lsfr: warning: %v\n", err) // the logs can be shown all the same
	}
	logs, err := r.logFiles()
	if err != nil {
		return err
	}
	goesOn := f.follow && !r.over() && r.settings.Alive()
	if err := r.knows(nodes, logs, goesOn); err != nil {
		return err
	}
	if r.spans, err = nodelogs.ReadSpans(folder, r.settings.Started); err != nil {
		return err
	}
	out := bufio.NewWriter(a.stdout)
	p := &logPrinter{out: out, json: f.json, style: a.style(a.stdout), nodes: nodes}
	if goesOn {
		ctx, stop := interruptible(ctx)
		defer stop()
		err = r.follow(ctx, p)
	} else {
		err = r.show(f, p, a)
	}
	return errors.Join(err, out.Flush())
}

// logFiles finds the logs of the nodes by their names, also of those that joined later.
func (r *loggedRun) logFiles() (map[string]string, error) {
	entries, err := os.ReadDir(filepath.Join(r.folder, "nodes"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	logs := make(map[string]string)
	for _, e := range entries {
		if node, ok := strings.CutSuffix(e.Name(), ".log"); ok && e.Type().IsRegular() {
			logs[node] = filepath.Join(r.folder, "nodes", e.Name())
		}
	}
	return logs, nil
}

// knows refuses nodes that the run does not have; one that goes on may get them yet.
func (r *loggedRun) knows(nodes []string, logs map[string]string, goesOn bool) error {
	if goesOn {
		return nil
	}
	if len(logs) == 0 {
		return usagef("%s has no logs of nodes: none was started", r.folder)
	}
	for _, n := range nodes {
		if logs[n] == "" {
			return usagef("%s has no node %q, but %s", r.folder, n, strings.Join(sortedNodes(logs), ", "))
		}
	}
	return nil
}

func sortedNodes(logs map[string]string) []string {
	var names []string
	for n := range logs {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { // n2 before n10
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return names
}

// over reports whether the record tells the end of the run.
func (r *loggedRun) over() bool {
	return slices.ContainsFunc(r.recorded, func(e workspace.Event) bool { return e.Event == workspace.EventOver })
}

// show shows a run as it is now.
func (r *loggedRun) show(f *logsFlags, p *logPrinter, a *app) error {
	logs, err := r.logFiles()
	if err != nil {
		return err
	}
	var merged nodelogs.Merger
	if len(r.spans) > 0 {
		events := nodelogs.Events(r.folder, r.spans, r.recorded)
		merged.Add(&events)
	}
	for _, node := range sortedNodes(logs) {
		if !p.wants(node) {
			continue
		}
		log, err := nodelogs.OpenLog(logs[node], node)
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // only read
		log.End()
		merged.Add(log)
	}
	from, to := time.Time{}, forever
	if f.limited {
		span, err := r.meant(f.history)
		if err != nil {
			return err
		}
		if len(r.spans) > 2 {
			fmt.Fprintf(a.stderr, "lsfr: around %s of %s (%s)\n", f.around, span.History, span.Scenario)
		}
		from, to = span.Start.Add(f.around-f.window), span.Start.Add(f.around+f.window)
	}
	for {
		line, ok, err := merged.Next(to)
		if err != nil {
			return err
		}
		if !ok {
			if f.limited && !p.begun {
				fmt.Fprintf(a.stderr, "lsfr: nothing was printed between %s and %s; a longer --window shows more\n", f.around-f.window, f.around+f.window)
			}
			return nil
		}
		if len(r.spans) == 0 { // nothing says when it began
			r.spans = nodelogs.Spans{{Start: line.Time}}
		}
		if !line.Time.Before(from) {
			p.print(r.spans.At(line.Time), line)
		}
	}
}

var forever = time.Unix(1<<40, 0)

// meant is the part of the run whose times --around means: that of the history
// which the report shows.
func (r *loggedRun) meant(history string) (nodelogs.Span, error) {
	if len(r.spans) == 0 {
		return nodelogs.Span{}, usagef("--around: nothing says when %s began", r.folder)
	}
	last := r.spans[len(r.spans)-1]
	for _, e := range slices.Backward(r.recorded) {
		if history == "" && e.History != "" && e.Status == string(report.Failed) {
			history = e.History
		}
	}
	if history == "" {
		return last, nil
	}
	var have []string
	for _, s := range r.spans {
		if s.History == history {
			return s, nil
		}
		if s.History != "" {
			have = append(have, s.History)
		}
	}
	return last, usagef("--history %s: %s has %s", history, r.folder, strings.Join(append(have, "no other"), ", "))
}

func (f *logsFlags) completeNodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	folder, err := runFolder(f.dir, f.run)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	logs, _ := (&loggedRun{folder: folder}).logFiles()
	return sortedNodes(logs), cobra.ShellCompDirectiveNoFileComp
}
