package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// resultsEnding is that of a file of results: JSON, one object in a line.
const resultsEnding = ".jsonl"

// A counting is one invocation: a line in front of its rows.
type counting struct {
	Count   int       `json:"count"` // grows from one invocation to the next
	Began   time.Time `json:"began"`
	Commit  string    `json:"commit"`
	Machine string    `json:"machine"`
}

// A row is one finished run.
type row struct {
	Count int `json:"count"`
	// More adds the row to those of earlier invocations, which it replaces otherwise.
	More    bool   `json:"more,omitempty"`
	Subject string `json:"subject"`
	Stage   string `json:"stage"`
	Way     string `json:"way,omitempty"`
	Seed    int64  `json:"seed"`
	// Result is a report.Status, or broken if lsfr failed.
	Result report.Status `json:"result"`
	// Check and Rule are those of the first failure.
	Check string `json:"check,omitempty"`
	Rule  string `json:"rule,omitempty"`
	// Seconds passed until the check that failed had ended, or the stage.
	Seconds float64 `json:"seconds"`
}

// broken is the result of a run in which lsfr failed.
const broken report.Status = "broken"

func (r *row) key() key { return key{r.Subject, r.Stage, r.Way} }

// results are what a file holds.
type results struct {
	countings map[int]counting
	rows      []row
}

// last is the number of the newest invocation, 0 if there is none.
func (r *results) last() int {
	n := 0
	for c := range r.countings {
		n = max(n, c)
	}
	return n
}

// A cell is what is valid of the rows of one subject, stage and way.
type cell struct {
	key
	rows []row
}

// cells merges the rows: those of an invocation replace earlier ones of their cell.
func (r *results) cells() []*cell {
	found := make(map[key]*cell)
	var out []*cell
	for _, one := range r.rows {
		c := found[one.key()]
		if c == nil {
			c = &cell{key: one.key()}
			found[c.key] = c
			out = append(out, c)
		}
		if n := len(c.rows); n > 0 && c.rows[n-1].Count != one.Count && !one.More {
			c.rows = nil
		}
		c.rows = append(c.rows, one)
	}
	slices.SortStableFunc(out, func(a, b *cell) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), strings.Compare(a.stage, b.stage), strings.Compare(a.way, b.way))
	})
	return out
}

// readResults reads a file, or nothing if there is none. A line that was not written to
// its end is left out, with a warning.
func readResults(path string, stderr io.Writer) (results, error) {
	r := results{countings: make(map[int]counting)}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read the results: %w", err)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var one row
		var began counting
		err := json.Unmarshal(line, &one)
		switch {
		case err == nil && one.Subject != "":
			r.rows = append(r.rows, one)
			continue
		case err == nil:
			err = json.Unmarshal(line, &began)
		}
		if err != nil {
			fmt.Fprintf(stderr, "matrix: %s, line %d is no row and is left out: %v\n", path, number, err)
			continue
		}
		r.countings[began.Count] = began
	}
	return r, nil
}

// A resultsLog appends to a file of results. A nil one does nothing.
type resultsLog struct {
	mu   sync.Mutex
	file *os.File
}

// appendTo opens the file and begins an invocation in it.
func appendTo(path string, began counting) (*resultsLog, error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the results: %w", err)
	}
	l := &resultsLog{file: file}
	if len(old) > 0 && old[len(old)-1] != '\n' { // somebody was stopped within a line
		if _, err := file.WriteString("\n"); err != nil {
			return nil, errors.Join(fmt.Errorf("write the results: %w", err), file.Close())
		}
	}
	if err := l.write(began); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// write appends one line in one piece.
func (l *resultsLog) write(line any) error {
	if l == nil {
		return nil
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encode a result: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

func (l *resultsLog) close() error {
	if l == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close the results: %w", err)
	}
	return nil
}

// newCount describes an invocation that begins now.
func newCount(ctx context.Context, number int) counting {
	return counting{Count: number, Began: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx), Machine: machine(ctx)}
}
