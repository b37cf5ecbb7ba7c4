package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/models"
)

type checkFlags struct {
	model   string
	engine  string
	keys    []string
	timeout time.Duration
	memory  memoryFlag
	html    string
	json    bool
}

func (a *app) checkCommand() *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check <file>...",
		Short: "Judge saved histories",
		Long: `Judges saved histories by a consistency model: those that lsfr test saved
(docs/history-format.md), and those of other tools, such as Jepsen, Maelstrom,
porcupine, etcd and elle (docs/foreign-histories.md), also compressed with gzip or
zstd; - reads standard input.

lsfr check --model lists the models (docs/models.md). --model all prints which of
them hold.

Exit codes: 0 valid, 1 a history violates its model, 2 a file cannot be read,
3 unknown (no evidence, or time or memory ran out), 4 lsfr itself failed. With
--model all the code is that of the model which the file names; if it names none, 0
if any model holds.`,
		Example: `  lsfr check .lsfr/latest/history.json
  lsfr check --html report.html history.json
  lsfr check --model all store/latest/history.edn
  lsfr check --key k3.1 --timeout 5m --memory 8GiB --json history.json.zst`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.model == listModels {
				return nil
			}
			return argsBetween(1, 1<<16)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "the consistency `MODEL`, all, or nothing to list them (default: the one that the file names)")
	fl.StringVar(&f.engine, "engine", string(models.EngineAuto), "what decides: auto (exact rules where they apply, else porcupine's search), porcupine, or both, which must agree")
	fl.StringArrayVar(&f.keys, "key", nil, "judge only this key; may be repeated")
	fl.DurationVar(&f.timeout, "timeout", models.DefaultTimeout, "how long judging one file by one model may take")
	cobra.CheckErr(f.memory.Set(defaultMemory)) // it is one that Set takes
	fl.Var(&f.memory, "memory", "how much memory lsfr may take, such as 2GiB, or a share of the machine's")
	fl.StringVar(&f.html, "html", "", "write a report to `FILE` (one history and one model only)")
	fl.BoolVar(&f.json, "json", false, "print the verdicts as JSON")
	complete := func(values func() []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return values(), cobra.ShellCompDirectiveNoFileComp
		}
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("model", complete(func() (out []string) { // the flags exist: they were made above
		for _, m := range models.All() {
			out = append(out, m.Name+"\t"+m.Title)
		}
		return append(out, allModels)
	})))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("engine", complete(func() (out []string) {
		for _, e := range models.Engines() {
			out = append(out, string(e))
		}
		return out
	})))
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var missing *pflag.ValueRequiredError
		if errors.As(err, &missing) && missing.GetSpecifiedName() == "model" {
			showModels(a.stdout)
			return nil // and so nothing else is done
		}
		return cmd.Parent().FlagErrorFunc()(cmd, err)
	})
	return cmd
}

func (a *app) check(ctx context.Context, f *checkFlags, files []string) error {
	switch {
	case f.model == listModels:
		showModels(a.stdout)
		return nil
	case !slices.Contains(models.Engines(), models.Engine(f.engine)):
		return usagef("--engine %s: want auto, porcupine or both", f.engine)
	case f.timeout <= 0:
		return usagef("--timeout %s: want a positive duration such as 60s", f.timeout)
	case f.html != "" && len(files) > 1:
		return usagef("--html: a report shows one history, and %d were given", len(files))
	case f.html != "" && f.model == allModels:
		return usagef("--html: a report shows one model, and --model all was given")
	}
	// Most of a history is there to stay, so that looking for garbage is in vain;
	// the collector works harder before the limit is reached.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(f.memory.bytes / 10 * 9)
	var judged []report.Judged
	code := exitPassed
	for _, file := range files {
		one, c, err := a.checkFile(ctx, f, file)
		if err != nil {
			if !isUsage(err) || len(files) == 1 && !f.json {
				return err
			}
			fmt.Fprintf(a.stderr, "lsfr: %v\n", err)
			one, c = report.Judged{Problem: err.Error()}, exitUsage
		}
		one.Source = file
		judged = append(judged, one)
		code = worse(code, c)
		if !f.json {
			a.show(&one)
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

// checkFile judges one file and returns its exit code.
func (a *app) checkFile(ctx context.Context, f *checkFlags, file string) (report.Judged, int, error) {
	limited, stop := models.WithMemory(ctx, f.memory.bytes)
	h, err := a.readHistory(limited, file)
	stop()
	switch {
	case errors.Is(err, models.ErrMemory):
		v := &models.Verdict{Reason: fmt.Sprintf("reading it takes more than %s of memory (see --memory)", humanize.IBytes(uint64(f.memory.bytes)))}
		return report.Judged{Verdict: v}, exitUnknown, nil
	case err != nil:
		return report.Judged{}, exitUsage, err
	}
	for _, key := range f.keys {
		if !slices.ContainsFunc(h.Operations, func(o history.Operation) bool { return o.Key == key }) {
			return report.Judged{}, exitUsage, usagef("%s: it has no operation on --key %q", file, key)
		}
	}
	opts := models.Options{Model: f.model, Engine: models.Engine(f.engine), Keys: f.keys, Timeout: f.timeout, Memory: f.memory.bytes}
	if f.model == allModels {
		opts.Model = ""
		all, err := models.CheckAll(ctx, h, opts)
		if err != nil {
			return report.Judged{}, exitUsage, fmt.Errorf("%s: %w", file, err)
		}
		return report.Judged{All: all, Strongest: models.Strongest(all), Faults: h.Faults}, allCode(h.Model, all), nil
	}
	v, err := models.Check(ctx, h, opts)
	if err != nil {
		return report.Judged{}, exitUsage, fmt.Errorf("%s: %w", file, err)
	}
	if f.html != "" {
		page := report.Page{History: h, Verdict: &v, Source: file, Repeat: "lsfr check " + file}
		if f.model != "" {
			page.Repeat += " --model " + f.model
		}
		if v.Model == "eventual" {
			s, err := models.MeasureStaleness(ctx, h)
			if err != nil {
				return report.Judged{}, exitUsage, fmt.Errorf("%s: %w", file, err)
			}
			page.Staleness = &s
		}
		err := runner.WriteFile(f.html, func(out *os.File) error { return report.WriteHTML(ctx, out, page) })
		if err != nil {
			return report.Judged{}, exitUsage, fmt.Errorf("--html: %w", err)
		}
	}
	return report.Judged{Verdict: &v, Faults: h.Faults}, statusCode(v.Status), nil
}

// show prints what was found for people.
func (a *app) show(judged *report.Judged) {
	switch {
	case judged.All != nil:
		a.showAll(judged)
	case judged.Verdict != nil:
		a.showVerdict(judged)
	}
}

// showVerdict prints a verdict for people.
func (a *app) showVerdict(judged *report.Judged) {
	s, file, v := a.style(a.stdout), judged.Source, judged.Verdict
	for _, w := range v.Warnings {
		fmt.Fprintf(a.stderr, "lsfr: %s: warning: %s\n", file, w)
	}
	counts := fmt.Sprintf("%s on %s, judged by %s in %.2f s", counted(v.Operations, "operation"), counted(v.Keys, "key"), v.Engine, v.Took.Seconds())
	switch {
	case v.Status == models.Valid:
		fmt.Fprintf(a.stdout, "%s: %s  %s (%s)\n", file, s.good.Sprint("VALID"), v.Model, counts)
		return
	case v.Model == "":
		fmt.Fprintf(a.stdout, "%s: %s  %s\n", file, s.doubtful.Sprint("UNKNOWN"), v.Reason)
		return
	case v.Status == models.Unknown:
		fmt.Fprintf(a.stdout, "%s: %s  %s: %s (%s)\n", file, s.doubtful.Sprint("UNKNOWN"), v.Model, v.Reason, counts)
		return
	}
	fmt.Fprintf(a.stdout, "%s: %s  not %s: %d of %s (%s)\n", file, s.bad.Sprint("INVALID"), v.Model, len(v.Violations), counted(v.Keys, "key"), counts)
	a.showViolation(&v.Violations[0], judged.Faults)
	const most = 20
	for i, other := range v.Violations[1:] {
		if i == 0 {
			fmt.Fprintln(a.stdout, "\nand also")
		}
		if i == most {
			fmt.Fprintf(a.stdout, "  … and %d more keys (--json has them all)\n", len(v.Violations)-1-most)
			break
		}
		fmt.Fprintf(a.stdout, "  %s on %s\n", other.Rule, other.Key)
	}
}

// showViolation prints the rule, the sentence and the operations that prove it.
func (a *app) showViolation(v *models.Violation, faults []history.FaultEvent) {
	fmt.Fprintf(a.stdout, "\n  %s\n%s\n\n", a.style(a.stdout).bold.Sprint(string(v.Rule)), wrap(v.Sentence, columns(a.stdout), "  ", "  "))
	lines := report.OperationLines(v.Operations, faults)
	const most = 40
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(a.stdout, "  … and %d more operations (--json has them all)\n", len(lines)-most)
			break
		}
		fmt.Fprintf(a.stdout, "  %s\n", line)
	}
}
