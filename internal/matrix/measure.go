package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// A measurement runs tasks, and tells about them as it goes.
type measurement struct {
	options
	self           string // this program
	count          int
	log            *resultsLog
	stdout, stderr io.Writer

	mu    sync.Mutex // guards what follows, and the two writers
	rows  []row
	short map[key]int // runs that are still to come
}

func newMeasurement(o options, stdout, stderr io.Writer) (*measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &measurement{options: o, self: self, stdout: stdout, stderr: stderr, short: make(map[key]int)}, nil
}

// measure runs all tasks, in order, as many runs at a time as the options allow. The
// error means that rows could not be kept, or is ctx's.
func (m *measurement) measure(ctx context.Context, plan []task) error {
	fmt.Fprint(m.stdout, tableHead)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	waiting := make(chan *task)
	var working sync.WaitGroup
	for range m.parallel {
		working.Go(func() {
			for t := range waiting {
				if err := m.once(ctx, t); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range plan {
		t := &plan[i]
		if _, err := exec.LookPath(t.needs); t.needs != "" && err != nil {
			m.note("%s is left out: %s is not installed", t.name, t.needs)
			continue
		}
		m.mu.Lock()
		m.short[t.key()] = t.runs
		m.mu.Unlock()
		for range t.runs {
			select {
			case waiting <- t:
			case <-ctx.Done():
			}
		}
	}
	close(waiting)
	working.Wait()
	return context.Cause(ctx)
}

// once runs a task once and keeps the row, unless it was interrupted.
func (m *measurement) once(ctx context.Context, t *task) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	folder, err := os.MkdirTemp("", "lsfr-matrix-")
	if err != nil {
		return fmt.Errorf("make a folder for the run: %w", err)
	}
	r, said, err := m.judge(ctx, t, folder)
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	r.Count, r.More = m.count, t.more
	kept := ""
	if surprise(t, &r) && !m.historyOnly {
		kept = "; kept in " + folder
	} else if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("remove the folder of a run: %w", err)
	}
	if err := m.log.write(r); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, r)
	if surprise(t, &r) {
		fmt.Fprintf(m.stderr, "  %s by %s, seed %d: %s%s\n", t.name, t.in, r.Seed, said, kept)
	}
	if m.short[r.key()]--; m.short[r.key()] == 0 {
		fmt.Fprint(m.stdout, tableLine(m.cell(r.key())))
	}
	return nil
}

// surprise reports whether somebody should look at a run.
func surprise(t *task, r *row) bool {
	switch {
	case t.bug == nil:
		return r.Result != report.Passed
	case t.bug.Stage == t.in:
		return r.Result != report.Failed || !right(r)
	}
	return r.Result == broken
}

func (m *measurement) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(m.stderr, "matrix: "+format+"\n", args...)
}

// cell is what was counted so far. It needs mu.
func (m *measurement) cell(k key) *cell {
	c := &cell{key: k}
	for _, r := range m.rows {
		if r.key() == k {
			c.rows = append(c.rows, r)
		}
	}
	return c
}

// cells are those of the plan.
func (m *measurement) cells(plan []task) []*cell {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*cell
	for i := range plan {
		if c := m.cell(plan[i].key()); len(c.rows) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// judge runs a stage once, with its run folder in that one. It returns what the run
// said, in one line. The error is ctx's.
func (m *measurement) judge(ctx context.Context, t *task, folder string) (r row, said string, err error) {
	stage, err := t.stage(t.in)
	if err != nil {
		return row{}, "", err
	}
	if m.historyOnly {
		stage.Checks = nil
	}
	dir := folder
	if t.dir != "" {
		dir = filepath.Join(m.root, t.dir)
	}
	r = row{Subject: t.name, Stage: t.in, Way: t.way, Seed: rand.Int64N(1 << 40)}
	watch := &stopwatch{began: time.Now()}
	result, _, err := runner.Stage(ctx, runner.Options{
		Challenge: "kv-store", Stage: &stage, Dir: dir, RunDir: folder, Command: t.start(m.self, t.in), Seed: r.Seed,
		FailFast: true, Guard: []string{m.self, guardArgument}, Observer: watch, Log: zerolog.Nop(),
	})
	if ctx.Err() != nil {
		return row{}, "", ctx.Err()
	}
	if err != nil {
		r.Result, r.Seconds = broken, rounded(time.Since(watch.began))
		return r, "lsfr failed: " + err.Error(), nil
	}
	r.Result, r.Seconds = result.Status, rounded(result.Took)
	first := result.FirstFailure()
	if first == nil || first.Failure == nil {
		return r, string(r.Result), nil
	}
	r.Check, r.Rule = first.Name, first.Failure.Rule
	if r.Result == report.Failed {
		r.Seconds = rounded(watch.failed)
	}
	return r, fmt.Sprintf("%s at %q (%s): %s", r.Result, r.Check, r.Rule, first.Failure.Summary), nil
}

// rounded is a time in seconds, to the millisecond.
func rounded(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// stopwatch is an Observer that takes the time of the first failure.
type stopwatch struct {
	began  time.Time
	failed time.Duration // from began; 0 if nothing failed
}

// Building does nothing.
func (*stopwatch) Building(string) {}

// CheckStarted does nothing.
func (*stopwatch) CheckStarted(string) {}

// CheckDone takes the time of the first failure.
func (w *stopwatch) CheckDone(c report.Check) {
	if c.Status == report.Failed && w.failed == 0 {
		w.failed = time.Since(w.began)
	}
}

// Progress does nothing.
func (*stopwatch) Progress(runner.Progress) {}
