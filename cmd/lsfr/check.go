package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/models"
)

type checkFlags struct {
	model   string
	keys    []string
	timeout time.Duration
	html    string
	json    bool
}

func (a *app) checkCommand() *cobra.Command {
	f := &checkFlags{}
	var names []string
	for _, m := range models.All() {
		names = append(names, fmt.Sprintf("  %-16s %s", m.Name, m.Title))
	}
	cmd := &cobra.Command{
		Use:   "check <file>...",
		Short: "Judge saved histories",
		Long: `Judges histories that lsfr test saved (docs/history-format.md) by a consistency
model; - reads standard input.

Models:
` + strings.Join(names, "\n") + `

Exit codes: 0 valid, 1 a history violates its model, 2 a file cannot be read,
3 unknown (no evidence, or time ran out), 4 lsfr itself failed.`,
		Example: `  lsfr check .lsfr/latest/history.json
  lsfr check --html report.html history.json
  lsfr check --key k3.1 --timeout 5m --json history.json`,
		Args: argsBetween(1, 1<<16),
		RunE: func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "the consistency model (default: the one that the file names)")
	fl.StringArrayVar(&f.keys, "key", nil, "judge only this key; may be repeated")
	fl.DurationVar(&f.timeout, "timeout", models.DefaultTimeout, "how long judging one file may take")
	fl.StringVar(&f.html, "html", "", "write a report to `FILE` (one history only)")
	fl.BoolVar(&f.json, "json", false, "print the verdicts as JSON")
	err := cmd.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, m := range models.All() {
			out = append(out, m.Name+"\t"+m.Title)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	cobra.CheckErr(err) // the flag exists: it was made above
	return cmd
}

func (a *app) check(ctx context.Context, f *checkFlags, files []string) error {
	switch {
	case f.timeout <= 0:
		return usagef("--timeout %s: want a positive duration such as 60s", f.timeout)
	case f.html != "" && len(files) > 1:
		return usagef("--html: a report shows one history, and %d were given", len(files))
	}
	var judged []report.Judged
	code := exitPassed
	for _, file := range files {
		v, err := a.checkFile(ctx, f, file)
		if err != nil {
			if !isUsage(err) || len(files) == 1 && !f.json {
				return err
			}
			fmt.Fprintf(a.stderr, "lsfr: %v\n", err)
			judged = append(judged, report.Judged{Source: file, Problem: err.Error()})
			code = worse(code, exitUsage)
			continue
		}
		judged = append(judged, report.Judged{Source: file, Verdict: v})
		if !f.json {
			a.showVerdict(file, v)
		}
		switch v.Status {
		case models.Invalid:
			code = worse(code, exitViolation)
		case models.Unknown:
			code = worse(code, exitUnknown)
		}
	}
	if f.json {
		if err := report.WriteVerdicts(a.stdout, judged); err != nil {
			return err
		}
	}
	if code != exitPassed {
		return exit{code}
	}
	return nil
}

// worse returns the exit code that outranks the other: a violation, then bad
// input, then unknown.
func worse(a, b int) int {
	for _, code := range []int{exitViolation, exitUsage, exitUnknown} {
		if a == code || b == code {
			return code
		}
	}
	return exitPassed
}

func (a *app) checkFile(ctx context.Context, f *checkFlags, file string) (*models.Verdict, error) {
	h, err := a.readHistory(file)
	if err != nil {
		return nil, err
	}
	for _, key := range f.keys {
		if !slices.ContainsFunc(h.Operations, func(o history.Operation) bool { return o.Key == key }) {
			return nil, usagef("%s: it has no operation on --key %q", file, key)
		}
	}
	v, err := models.Check(ctx, h, models.Options{Model: f.model, Keys: f.keys, Timeout: f.timeout})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if f.html != "" {
		page := report.Page{History: h, Verdict: &v, Source: file, Repeat: "lsfr check " + file}
		err := runner.WriteFile(f.html, func(out *os.File) error { return report.WriteHTML(ctx, out, page) })
		if err != nil {
			return nil, fmt.Errorf("--html: %w", err)
		}
	}
	return &v, nil
}

func (a *app) readHistory(file string) (*history.History, error) {
	var in io.Reader = a.stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the file and the reason
		}
		if info, err := opened.Stat(); err == nil && info.IsDir() {
			return nil, errors.Join(usagef("%s is a folder; judge a file in it, such as %s", file, filepath.Join(file, "history.json")), opened.Close())
		}
		defer opened.Close() //nolint:errcheck // only read
		in = opened
	}
	h, err := history.Decode(in)
	var syntax *history.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, usagef("%s:%d: %s", file, syntax.Line, syntax.Msg)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return h, nil
}

// showVerdict prints a verdict for people.
func (a *app) showVerdict(file string, v *models.Verdict) {
	s := a.style(a.stdout)
	for _, w := range v.Warnings {
		fmt.Fprintf(a.stderr, "lsfr: %s: warning: %s\n", file, w)
	}
	counts := fmt.Sprintf("%d operations on %d keys, judged in %.2f s", v.Operations, v.Keys, v.Took.Seconds())
	switch v.Status {
	case models.Valid:
		fmt.Fprintf(a.stdout, "%s: %s  %s (%s)\n", file, s.good.Sprint("VALID"), v.Model, counts)
		return
	case models.Unknown:
		fmt.Fprintf(a.stdout, "%s: %s  %s: %s (%s)\n", file, s.doubtful.Sprint("UNKNOWN"), v.Model, v.Reason, counts)
		return
	}
	fmt.Fprintf(a.stdout, "%s: %s  not %s: %d of %d keys (%s)\n", file, s.bad.Sprint("INVALID"), v.Model, len(v.Violations), v.Keys, counts)
	worst := v.Violations[0]
	fmt.Fprintf(a.stdout, "\n  %s\n%s\n\n", s.bold.Sprint(string(worst.Rule)), wrap(worst.Sentence, columns(a.stdout), "  ", "  "))
	for _, line := range report.OperationLines(worst.Operations) {
		fmt.Fprintf(a.stdout, "  %s\n", line)
	}
	const most = 5
	for i, other := range v.Violations[1:] {
		if i == 0 {
			fmt.Fprintln(a.stdout, "\nand also")
		}
		if i == most {
			fmt.Fprintf(a.stdout, "  … and %d more keys\n", len(v.Violations)-1-most)
			break
		}
		fmt.Fprintf(a.stdout, "  %s on %s\n", other.Rule, other.Key)
	}
}
