package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// line tells a row on one line.
func (r *row) line() string {
	if r.bug == nil {
		return fmt.Sprintf("%s | %s | %d of %d passed | %s", r.subject, r.stage, r.passed, r.runs, seconds(median(r.took)))
	}
	return fmt.Sprintf("%s | %s | %d of %d | %s | %s", r.subject, r.stage, r.failed, r.runs, seconds(median(r.took)), r.saying())
}

// saying lists the explanations, the most frequent first.
func (r *row) saying() string {
	var names []string
	for name := range r.said {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := r.said[b] - r.said[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		mark := ""
		if !slices.Contains(expected()[r.subject], name) {
			mark = ", not expected"
		}
		names[i] = fmt.Sprintf("%s (%d%s)", name, r.said[name], mark)
	}
	return strings.Join(names, "; ")
}

// tables are Markdown.
func tables(rows []*row, o options) string {
	var b strings.Builder
	if o.machine != "" {
		fmt.Fprintf(&b, "%s\n\n", o.machine)
	}
	b.WriteString("### Correct stores pass\n\n| store | stage | passed | median time |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		if r.bug == nil {
			fmt.Fprintf(&b, "| %s | %s | %d of %d | %s |\n", r.subject, r.stage, r.passed, r.runs, seconds(median(r.took)))
		}
	}
	b.WriteString("\n### Bugs are caught by their stage\n\n| bug | stage | caught | median time | what lsfr said |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		if r.due() {
			fmt.Fprintf(&b, "| `%s` | %s | %d of %d | %s | %s |\n", r.subject, r.stage, r.failed, r.runs, seconds(median(r.took)), r.saying())
		}
	}
	var later []string
	for _, r := range rows {
		if r.bug != nil && !r.due() {
			later = append(later, fmt.Sprintf("| `%s` | %s | %d of %d | %s | %s |\n", r.subject, r.stage, r.failed, r.runs, seconds(median(r.took)), r.saying()))
		}
	}
	if len(later) > 0 {
		b.WriteString("\n### What later stages say of them\n\nA later stage need not look for what an earlier one asks.\n\n| bug | stage | caught | median time | what lsfr said |\n| --- | --- | --- | --- | --- |\n")
		b.WriteString(strings.Join(later, ""))
	}
	return b.String()
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// The tables stand between these lines.
const (
	beginMark = "<!-- make matrix writes from here -->"
	endMark   = "<!-- to here -->"
)

// replaceBetweenMarks puts the tables in the place of older ones.
func replaceBetweenMarks(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("-write: %w", err)
	}
	head, rest, ok := bytes.Cut(old, []byte(beginMark))
	_, tail, found := bytes.Cut(rest, []byte(endMark))
	if !ok || !found {
		return fmt.Errorf("-write: %s has no lines %q and %q", file, beginMark, endMark)
	}
	now := fmt.Sprintf("%s%s\n\n%s\n%s%s", head, beginMark, text, endMark, tail)
	if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
		return fmt.Errorf("-write: %w", err)
	}
	return nil
}
