package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/st3v3nmw/lsfr/internal/simulate"
	"github.com/st3v3nmw/lsfr/models"
)

// measurer is inChild, or what a test puts in its place.
type measurer func(context.Context, job) (outcome, error)

// A cell is what one engine did with one history.
type cell struct {
	outcome
	skipped int // the operations of a smaller history that had exceeded a bound; 0 if measured
	bounds  Bounds
	failed  bool // no outcome, or a wrong one
}

// A row is one history.
type row struct {
	shape
	operations      int
	lsfr, porcupine cell
}

func printComparison(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	fmt.Fprintln(stdout, rowHead)
	shown, all := 0, len(p.shapes())*len(p.operations)
	rows, err := compare(ctx, p, inChild, func(r row) {
		shown++
		fmt.Fprintln(stdout, r)
		fmt.Fprintf(stderr, "%d of %d histories\n", shown, all)
	})
	fmt.Fprintf(stdout, "\n%s", summary(rows))
	return err
}

// compare measures all rows, and hands each over when it is complete. Rows of a
// shape come one after the other, the shorter history first.
func compare(ctx context.Context, p plan, measure measurer, show func(row)) ([]row, error) {
	var rows []row
	var errs []error
	for _, s := range p.shapes() {
		exceeded := make(map[string]cell)
		one := func(engine string, operations int) cell {
			if c, ok := exceeded[engine]; ok {
				return c
			}
			c := cell{bounds: p.bounds}
			o, err := measure(ctx, job{Engine: engine, Config: s.config(operations), Bounds: p.bounds})
			c.outcome = o
			if err == nil && o.Exceeded == none && o.Status != expected(s.defect) {
				err = fmt.Errorf("it calls the history %s", o.Status)
			}
			if err != nil {
				c.failed = true
				errs = append(errs, fmt.Errorf("%s on %+v: %w", engine, s.config(operations), err))
			}
			if o.Exceeded != none {
				again := c
				again.skipped = operations
				exceeded[engine] = again
			}
			return c
		}
		for _, operations := range p.operations {
			r := row{shape: s, operations: operations, lsfr: one(engineLsfr, operations), porcupine: one(enginePorcupine, operations)}
			if ctx.Err() != nil {
				return rows, errors.Join(errs...)
			}
			rows = append(rows, r)
			show(r)
		}
	}
	return rows, errors.Join(errs...)
}

// expected is the status of a history with that defect.
func expected(d simulate.Defect) string {
	if d == simulate.Correct {
		return models.Valid.String()
	}
	return models.Invalid.String()
}
