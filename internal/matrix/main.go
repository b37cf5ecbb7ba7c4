// Command matrix counts how well lsfr judges: it runs every bug of the reference node
// through the stage that must catch it and the later ones, and correct stores through
// all their stages, many times with different seeds. It prints a table as it goes, adds
// each run to docs/detection.jsonl, and writes docs/detection.md from that file.
//
// It is also the node that it judges, and the guard of its runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/st3v3nmw/lsfr/challenges/kvstore"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
)

// First arguments of the processes that the program starts.
const (
	nodeArgument  = "node"
	guardArgument = "guard"
	spinArgument  = "spin"
)

// Exit codes.
const (
	exitWrong       = 1 // lsfr judged wrongly, or too often gave no right explanation
	exitUsage       = 2
	exitFailed      = 4 // the counting failed
	exitInterrupted = 130
)

func main() {
	if child := childOf(os.Args[1:]); child != nil {
		os.Exit(child())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// childOf returns what a process was started to do by this program, or nil.
func childOf(args []string) func() int {
	if len(args) == 0 {
		return nil
	}
	switch args[0] {
	case nodeArgument:
		return func() int { return kvnode.Main(context.Background(), args[1:], os.Stderr) }
	case guardArgument:
		return func() int { return cluster.GuardMain(os.Stdin) }
	case spinArgument:
		return func() int { return spin(os.Stdin) }
	}
	return nil
}

// options are what the command line says.
type options struct {
	runs        int
	only        *regexp.Regexp
	stages      []string // none means all
	own, later  bool
	parallel    int
	historyOnly bool
	load        bool
	short       bool
	resume      bool
	render      bool
	results     string
	root        string // the repository
}

const usage = `Usage: go run ./internal/matrix [flags], in the repository

Counts how often lsfr catches each bug and passes each correct store. Bugs have the
names of kvnode --bug, correct stores begin with "correct/".

The document is written beside the results, with the ending .md. To try something
without touching the committed figures, give another file with -results.

`

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{root: "."}
	flags := flag.NewFlagSet("matrix", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.IntVar(&o.runs, "runs", 5, "how often each bug and each store is judged by each of its stages")
	only := flags.String("only", "", "count only bugs and stores whose names match this `regexp`; ^correct/ are the stores, ^[^/]+$ the bugs")
	stages := flags.String("stages", "", "judge only by these `stages`, separated by commas")
	flags.BoolVar(&o.own, "own", false, "judge bugs only by the stage that must catch them")
	flags.BoolVar(&o.later, "later", false, "judge bugs only by the stages after that one, and no correct stores")
	flags.IntVar(&o.parallel, "parallel", 1, "how many runs go on at the same time; rates are to be counted one at a time")
	flags.BoolVar(&o.historyOnly, "history-only", false, "leave the API checks out: what do the histories find on their own?")
	flags.BoolVar(&o.load, "load", false, "keep all cores busy besides: slow is not wrong")
	flags.BoolVar(&o.short, "short", false, "a third of the bugs and the correct stores, once, as CI does; nothing is written")
	flags.BoolVar(&o.resume, "resume", false, "keep earlier rows, and count only what is missing up to -runs")
	flags.BoolVar(&o.render, "render", false, "only write the document again")
	flags.StringVar(&o.results, "results", "docs/detection.jsonl", "the `file` with a line for each run")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if *stages != "" {
		o.stages = strings.Split(*stages, ",")
	}
	return o, o.validate(flags)
}

// validate refuses what cannot work before anything runs.
func (o *options) validate(flags *flag.FlagSet) error {
	c := kvstore.Challenge()
	for _, s := range o.stages {
		if _, _, err := c.Stage(s); err != nil {
			return fmt.Errorf("-stages: %w", err)
		}
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.runs < 1 || o.parallel < 1:
		return errors.New("-runs and -parallel must be 1 or more")
	case o.own && o.later:
		return errors.New("-own and -later leave nothing")
	case !strings.HasSuffix(o.results, resultsEnding):
		return fmt.Errorf("-results %s: the name must end in %s", o.results, resultsEnding)
	}
	return nil
}

// run does what the command line says and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "matrix: %v; see -help\n", err)
		return exitUsage
	}
	problems, err := count(ctx, o, stdout, stderr)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "matrix: interrupted; what was finished is kept, and -resume goes on")
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "matrix: %v\n", err)
		return exitFailed
	}
	for _, p := range problems {
		fmt.Fprintln(stdout, "PROBLEM:", p)
	}
	if len(problems) > 0 {
		return exitWrong
	}
	return 0
}

// count measures what is asked for and writes it down. It returns what is wrong with
// the figures.
func count(ctx context.Context, o options, stdout, stderr io.Writer) (problems []string, err error) {
	var old results
	if !o.short {
		if old, err = readResults(o.results, stderr); err != nil {
			return nil, err
		}
	}
	if o.render {
		return nil, writeDocument(o.document(), old)
	}
	plan, err := planned(o, old)
	if err != nil {
		return nil, err
	}
	m, err := newMeasurement(o, stdout, stderr)
	if err != nil {
		return nil, err
	}
	if !o.short {
		began := newCount(ctx, old.last()+1)
		if m.log, err = appendTo(o.results, began); err != nil {
			return nil, err
		}
		m.count = began.Count
	}
	if o.load {
		stop, err := keepBusy(m.self)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	err = errors.Join(m.measure(ctx, plan), m.log.close())
	if o.short {
		return problemsOf(m.cells(plan)), err
	}
	now, readErr := readResults(o.results, stderr)
	if readErr != nil {
		return nil, errors.Join(err, readErr)
	}
	err = errors.Join(err, writeDocument(o.document(), now))
	counted := slices.DeleteFunc(now.cells(), func(c *cell) bool {
		return !slices.ContainsFunc(plan, func(p task) bool { return p.key() == c.key })
	})
	return problemsOf(counted), err
}

func (o *options) document() string { return strings.TrimSuffix(o.results, resultsEnding) + ".md" }
