// Command benchmark measures lsfr's checker and porcupine side by side on the
// same generated histories, and lsfr check as a whole process. It prints
// Markdown on standard output, progress on standard error (docs/performance.md).
//
// Each measurement runs in a process of its own, so that its peak memory is its
// own, and its end by a bound costs only its own cell: the program starts itself
// with a first argument that says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// First arguments of the processes that the program starts.
const (
	measureArgument = "measure"
	writeArgument   = "write"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if child := childCommand(args); child != nil {
		if err := child(stdin, stdout); err != nil {
			fmt.Fprintf(stderr, "benchmark %s: %v\n", args[0], err)
			return 1
		}
		return 0
	}
	flags := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "a small selection, less than a minute")
	timeCap := flags.Duration("time-cap", 0, "the longest decision (default 20s; 3s with -quick)")
	memoryCap := flags.Float64("memory-cap", 0, "the most memory of a measuring process, in GiB (default 4; 1 with -quick)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || *timeCap < 0 || *memoryCap < 0 {
		fmt.Fprintln(stderr, "benchmark: want no arguments, and positive bounds; see -help")
		return 2
	}
	p := full()
	if *quick {
		p = small()
	}
	if *timeCap > 0 {
		p.bounds.Time = *timeCap
	}
	if *memoryCap > 0 {
		p.bounds.Memory = uint64(*memoryCap * gib)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	if err := printAll(ctx, p, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "benchmark: %v\n", err)
		return 1
	}
	fmt.Fprintf(stderr, "took %s\n", time.Since(began).Round(time.Second))
	return 0
}

// childCommand returns what a process was started to do by this program, or nil.
func childCommand(args []string) func(io.Reader, io.Writer) error {
	if len(args) != 1 {
		return nil
	}
	switch args[0] {
	case measureArgument:
		return measureCommand
	case writeArgument:
		return writeCommand
	}
	return nil
}

// printAll measures and prints all parts. What fails is shown in its place, and
// the rest goes on; the errors come at the end.
func printAll(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	head := machine(ctx)
	if p.name != "" {
		head += "\n- " + p.name
	}
	fmt.Fprintf(stdout, "%s\n", head)
	var errs []error
	for _, part := range []struct {
		title string
		print func(context.Context, plan, io.Writer, io.Writer) error
	}{
		{"Deciding, side by side", printComparison},
		{"Adversarial histories, lsfr alone", printAdversarial},
		{"`lsfr check` as a whole process", printWholeProcess},
	} {
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(stdout, "\n### %s\n\n", part.title)
		if err := part.print(ctx, p, stdout, stderr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", strings.ToLower(part.title), err))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}
