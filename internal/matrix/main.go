package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
)

func main() {
	// The program is also the node that it judges, and the guard of its runs.
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "node":
			os.Exit(kvnode.Main(context.Background(), os.Args[2:], os.Stderr))
		case "guard":
			os.Exit(cluster.GuardMain(os.Stdin))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	wrong, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(2)
	}
	if wrong {
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	runs    int
	only    *regexp.Regexp
	later   bool
	correct bool
	write   string
	machine string
}

// run measures everything. It reports whether lsfr was wrong too often.
func run(ctx context.Context) (wrong bool, err error) {
	var o options
	only := ""
	flag.IntVar(&o.runs, "runs", 5, "how often each bug is judged by each of its stages")
	flag.StringVar(&only, "only", "", "measure only bugs and stores whose names match this `pattern`")
	flag.BoolVar(&o.later, "later", true, "judge a bug also by the stages after the one that must catch it")
	flag.BoolVar(&o.correct, "correct", true, "judge correct stores as well")
	flag.StringVar(&o.write, "write", "", "write the tables to this Markdown `FILE`, between its two marks")
	flag.StringVar(&o.machine, "machine", "", "what to say about the `machine` in FILE")
	flag.Parse()
	if o.only, err = regexp.Compile(only); err != nil {
		return false, fmt.Errorf("-only: %w", err)
	}
	rows, err := measure(ctx, o)
	if err != nil {
		return false, err
	}
	text := tables(rows, o)
	fmt.Print(text)
	if o.write != "" {
		if err := replaceBetweenMarks(o.write, text); err != nil {
			return false, err
		}
	}
	for _, r := range rows {
		wrong = wrong || !r.good()
	}
	return wrong, nil
}
