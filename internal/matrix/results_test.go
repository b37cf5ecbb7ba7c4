package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// seeds of the rows that are valid for a cell.
func seeds(r results, k key) (out []int64) {
	for _, c := range r.cells() {
		if c.key == k {
			for _, one := range c.rows {
				out = append(out, one.Seed)
			}
		}
	}
	return out
}

func TestRowsReplaceOlderOnesOfTheirCellOnly(t *testing.T) {
	r := results{rows: []row{
		{Count: 1, Subject: "a", Stage: "x", Seed: 1},
		{Count: 1, Subject: "a", Stage: "x", Seed: 2},
		{Count: 1, Subject: "a", Stage: "y", Seed: 3},
		{Count: 1, Subject: "a", Stage: "x", Way: wayLoad, Seed: 4},
		{Count: 2, Subject: "a", Stage: "x", Seed: 5},
		{Count: 2, Subject: "b", Stage: "x", Seed: 6},
		{Count: 2, Subject: "a", Stage: "x", Seed: 7},
		{Count: 3, More: true, Subject: "a", Stage: "x", Seed: 8},
		{Count: 3, More: true, Subject: "a", Stage: "x", Seed: 9},
		{Count: 3, More: true, Subject: "c", Stage: "x", Seed: 10},
	}}
	for k, want := range map[key][]int64{
		{"a", "x", ""}: {5, 7, 8, 9}, {"a", "y", ""}: {3}, {"a", "x", wayLoad}: {4}, {"b", "x", ""}: {6}, {"c", "x", ""}: {10},
	} {
		if got := seeds(r, k); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", k, got, want)
		}
	}
	r.rows = append(r.rows, row{Count: 4, Subject: "a", Stage: "x", Seed: 11})
	if got := seeds(r, key{"a", "x", ""}); !slices.Equal(got, []int64{11}) {
		t.Errorf("a new count leaves %v", got)
	}
}

func TestWhatIsAppendedIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.jsonl")
	if r, err := readResults(file, io.Discard); err != nil || len(r.rows) != 0 || r.last() != 0 {
		t.Fatalf("a file that is not there: %+v, %v", r, err)
	}
	began := counting{Count: 1, Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Commit: "abc", Machine: "2 cores"}
	rows := []row{
		{Count: 1, Subject: "a", Stage: "x", Seed: 1, Result: report.Failed, Check: "c", Rule: "r", Seconds: 0.5},
		{Count: 1, More: true, Subject: "b", Stage: "y", Way: wayLoad, Seed: 2, Result: report.Passed, Seconds: 12.25},
	}
	write := func(began counting, rows ...row) {
		t.Helper()
		l, err := appendTo(file, began)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := l.write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
	}
	write(began, rows...)
	r, err := readResults(file, io.Discard)
	if err != nil || !slices.Equal(r.rows, rows) || r.countings[1] != began || r.last() != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}

	// Killed within a line: the rest stays readable, and what comes then begins anew.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text[:len(text)-10], 0o644); err != nil {
		t.Fatal(err)
	}
	began.Count = 2
	third := row{Count: 2, Subject: "c", Stage: "x", Seed: 3, Result: report.Passed}
	write(began, third)
	var warned strings.Builder
	r, err = readResults(file, &warned)
	if err != nil || !slices.Equal(r.rows, []row{rows[0], third}) || r.last() != 2 || !strings.Contains(warned.String(), "line 3") {
		t.Errorf("got %+v, %v, %q", r, err, warned.String())
	}
}

func TestOftenEnough(t *testing.T) {
	for _, c := range []struct {
		caught, runs int
		want         bool
	}{
		{1, 1, true}, {0, 1, false}, {4, 4, true}, {3, 4, false},
		{5, 5, true}, {4, 5, true}, {3, 5, false}, {18, 19, true}, {17, 19, false},
		{20, 20, true}, {19, 20, true}, {18, 20, false}, {38, 40, true}, {37, 40, false}, {95, 100, true}, {94, 100, false},
	} {
		if got := enough(c.caught, c.runs); got != c.want {
			t.Errorf("%d of %d: got %v", c.caught, c.runs, got)
		}
	}
}

func TestTheMedianIsOfTheRunsWithThatResult(t *testing.T) {
	for _, c := range []struct {
		times []float64
		want  float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{8, 1, 2, 4}, 3}} {
		cell := &cell{rows: []row{{Result: report.Passed, Seconds: 100}, {Result: report.Unknown, Seconds: 100}}}
		for _, s := range c.times {
			cell.rows = append(cell.rows, row{Result: report.Failed, Seconds: s})
		}
		if got := cell.median(report.Failed); got != c.want {
			t.Errorf("%v: got %v", c.times, got)
		}
	}
}

// runs makes a cell of one bug or store.
func runs(subject, stage, way string, rows ...row) *cell {
	c := &cell{key: key{subject, stage, way}}
	for _, r := range rows {
		r.Subject, r.Stage, r.Way = subject, stage, way
		c.rows = append(c.rows, r)
	}
	return c
}

func TestWhatIsWrongWithTheFigures(t *testing.T) {
	rightly := row{Result: report.Failed, Check: "refuses other methods", Rule: "wrong answer"}
	wrongly := row{Result: report.Failed, Check: "clears all keys", Rule: "wrong answer"}
	missed, passed, unknown, failed := row{Result: report.Passed}, row{Result: report.Passed}, row{Result: report.Unknown}, row{Result: broken}
	for _, c := range []struct {
		name string
		cell *cell
		want string // empty if nothing is
	}{
		{"a bug that is caught", runs("wrong-405", httpAPI, "", rightly), ""},
		{"a bug that is missed", runs("wrong-405", httpAPI, "", missed), "caught in 0 of 1 runs only"},
		{"a bug that stays unknown", runs("wrong-405", httpAPI, "", unknown), "caught in 0 of 1 runs only"},
		{"one of five missed", runs("wrong-405", httpAPI, "", rightly, rightly, rightly, rightly, missed), ""},
		{"a wrong explanation among five", runs("wrong-405", httpAPI, "", rightly, rightly, rightly, rightly, wrongly), "explained rightly in 4 of 5 catches only"},
		{"a later stage that misses it", runs("wrong-405", persistence, "", missed), ""},
		{"a later stage that explains it otherwise", runs("wrong-405", persistence, "", wrongly), ""},
		{"a history that cannot show it", runs("wrong-405", httpAPI, wayHistory, missed), ""},
		{"a correct store that passes", runs("correct/go", httpAPI, "", passed, passed), ""},
		{"a correct store that failed once", runs("correct/go", httpAPI, "", passed, rightly), "passed in 1 of 2 runs only"},
		{"a correct store without evidence", runs("correct/go", httpAPI, "", unknown), "passed in 0 of 1 runs only"},
		{"a correct store that failed on a busy machine", runs("correct/go", httpAPI, wayLoad, rightly), "passed in 0 of 1 runs only"},
		{"lsfr failing in a later stage", runs("wrong-405", persistence, "", failed), "lsfr itself failed in 1 of 1 runs"},
	} {
		got := strings.Join(problemsOf([]*cell{c.cell}), "; ")
		if c.want == "" && got != "" || c.want != "" && !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}
