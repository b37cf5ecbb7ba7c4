package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// The figures stand between these lines of the document; what is around them is text.
const (
	beginMark = "<!-- make matrix writes from here -->"
	endMark   = "<!-- to here -->"
)

// writeDocument puts the figures into the document, and makes a new one if there is none.
// What was in it before stays if it cannot be written.
func writeDocument(path string, r results) error {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		old = []byte("# What lsfr detects, measured\n\n" + beginMark + "\n" + endMark + "\n")
	} else if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	head, rest, begun := bytes.Cut(old, []byte(beginMark))
	_, tail, ended := bytes.Cut(rest, []byte(endMark))
	if !begun || !ended {
		return fmt.Errorf("write the figures: %s has no lines %q and %q", path, beginMark, endMark)
	}
	text := fmt.Sprintf("%s%s\n\n%s\n%s%s", head, beginMark, figures(r), endMark, tail)
	temp, err := os.CreateTemp(filepath.Dir(path), ".detection-*")
	if err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	_, err = temp.WriteString(text)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the document: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// figures are everything that was counted, as Markdown.
func figures(r results) string {
	cells := make(map[key]*cell)
	for _, c := range r.cells() {
		cells[c.key] = c
	}
	var b strings.Builder
	b.WriteString(origin(r, cells))
	b.WriteString("\n## Correct stores pass\n")
	storeTable(&b, cells, "")
	if table := (&strings.Builder{}); storeTable(table, cells, wayLoad) {
		b.WriteString("\nWith all cores kept busy besides:\n" + table.String())
	}
	b.WriteString("\n## Bugs are caught\n\n" + total(cells))
	for _, family := range families() {
		for i, stage := range family {
			bugTable(&b, cells, stage, family[i+1:])
		}
	}
	return b.String()
}

// origin tells when, with what and on what the rows were counted that are shown.
func origin(r results, cells map[key]*cell) string {
	first, last := 0, 0
	for _, c := range cells {
		for _, one := range c.rows {
			last = max(last, one.Count)
			if first == 0 || one.Count < first {
				first = one.Count
			}
		}
	}
	newest, ok := r.countings[last]
	if !ok {
		return "Nothing has been counted yet.\n"
	}
	when := func(c counting) string { return c.Began.Format(time.DateOnly) + ", commit " + c.Commit }
	text := fmt.Sprintf("Counted on %s. The newest rows are of %s", newest.Machine, when(newest))
	if oldest, ok := r.countings[first]; ok && when(oldest) != when(newest) {
		text += "; the oldest of " + when(oldest)
		if oldest.Machine != newest.Machine {
			text += ", counted on " + oldest.Machine
		}
	}
	return text + ".\n"
}

// storeTable has a row for each correct store and a column for each stage. It reports
// whether there was anything to show.
func storeTable(b *strings.Builder, cells map[key]*cell, way string) bool {
	columns := slices.Concat(families()...)
	any := false
	b.WriteString("\n| store |" + headings(columns))
	for _, s := range correct() {
		fmt.Fprintf(b, "| %s |", s.title)
		for _, stage := range columns {
			c := cells[key{s.name, stage, way}]
			any = any || c != nil
			fmt.Fprintf(b, " %s |", passed(c))
		}
		b.WriteString("\n")
	}
	return any
}

// headings ends a table's first line and adds the second, for these columns behind one.
func headings(columns []string) string {
	return " " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat(" --- |", len(columns)+1) + "\n"
}

func passed(c *cell) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("%d of %d", c.results(report.Passed), len(c.rows))
	if took := c.median(report.Passed); took > 0 {
		text += fmt.Sprintf(", %.0f s", took)
	}
	return text
}

// total sums up what the bugs' own stages say.
func total(cells map[key]*cell) string {
	count, runs, caught, explained := 0, 0, 0, 0
	for _, s := range bugs() {
		if c := cells[key{s.name, s.bug.Stage, ""}]; c != nil {
			count, runs, caught, explained = count+1, runs+len(c.rows), caught+c.caught(), explained+c.explained()
		}
	}
	return fmt.Sprintf("%d of %d bugs were counted. In %d runs their own stages caught them %d times, and gave the right explanation %d times.\n",
		count, len(bugs()), runs, caught, explained)
}

// bugTable has a row for each bug of a stage. Columns for which nothing was counted are
// left out, and so is the table if there is none.
func bugTable(b *strings.Builder, cells map[key]*cell, stage string, later []string) {
	var rows []subject
	counted := make(map[string]bool) // stages and ways
	for _, s := range bugs() {
		if s.bug.Stage != stage {
			continue
		}
		rows = append(rows, s)
		for _, in := range append([]string{stage}, later...) {
			counted[in] = counted[in] || cells[key{s.name, in, ""}] != nil
		}
		for _, way := range []string{wayHistory, wayLoad} {
			counted[way] = counted[way] || cells[key{s.name, stage, way}] != nil
		}
	}
	columns := []string{"caught", "explained rightly", "median", "what lsfr said first, how often"}
	type extra struct{ stage, way string }
	var extras []extra
	add := func(heading string, e extra) {
		columns = append(columns, heading)
		extras = append(extras, e)
	}
	if counted[wayHistory] {
		add("history alone", extra{stage, wayHistory})
	}
	if counted[wayLoad] {
		add("busy machine", extra{stage, wayLoad})
	}
	for _, in := range later {
		if counted[in] {
			add(in, extra{in, ""})
		}
	}
	if !counted[stage] && len(extras) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n| bug | %s", stage, strings.TrimPrefix(headings(columns), " "))
	for _, s := range rows {
		fmt.Fprintf(b, "| `%s`: %s |", s.name, inTable(s.title))
		own := cells[key{s.name, stage, ""}]
		if own == nil {
			b.WriteString(" | | | |")
		} else {
			var said []string
			for _, e := range own.explanations() {
				said = append(said, inTable(e.String()))
			}
			fmt.Fprintf(b, " %s | %d of %d | %s | %s |", caught(own), own.explained(), own.caught(), seconds(own.median(report.Failed)), strings.Join(said, "<br>"))
		}
		for _, e := range extras {
			fmt.Fprintf(b, " %s |", caught(cells[key{s.name, e.stage, e.way}]))
		}
		b.WriteString("\n")
	}
}

func caught(c *cell) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d", c.caught(), len(c.rows))
}

// inTable keeps text within its cell.
func inTable(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
