package nodelogs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

// happened turns an event of a run's record into a line.
func happened(e workspace.Event) Line {
	line := Line{Time: e.Time}
	switch e.Event {
	case workspace.EventCheck:
		line.Kind, line.Text = Check, "check begins: "+e.Name
	case workspace.EventChecked:
		line.Kind, line.Text = Check, fmt.Sprintf("check %s: %s", e.Status, e.Name)
		if e.Summary != "" {
			line.Text += ": " + e.Summary
		}
	case workspace.EventBegin:
		line.Kind, line.Text = Phase, e.Name+" begins"
	case workspace.EventFinish:
		line.Kind, line.Text = Phase, e.Name+" ends"
	case workspace.EventLeader:
		line.Kind, line.Text = Leader, led(e.Shard, e.Leader, e.Term)
	case workspace.EventOver:
		line.Kind, line.Text = Run, "the run is over: "+e.Status
	default: // of a later lsfr
		line.Kind, line.Text = Phase, strings.TrimSpace(e.Event+" "+e.Name)
	}
	line.Text = oneLine(line.Text)
	return line
}

func led(shard, leader string, term int64) string {
	text := "leader"
	if shard != "" {
		text += " of " + shard
	}
	if leader == "" {
		return text + ": none"
	}
	return fmt.Sprintf("%s: %s, term %d", text, leader, term)
}

// oneLine keeps what others said in one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Events returns what happened in a run that is over, in order: what its histories
// say of faults and leaders, and what its record says of the rest.
func Events(dir string, spans Spans, recorded []workspace.Event) Lines {
	var lines Lines
	// Of a span whose history is complete: the names of its faults.
	known := make(map[string]map[string]bool)
	for _, s := range spans {
		if s.History == "" {
			continue
		}
		h, ok := readHistory(filepath.Join(dir, s.History))
		if !ok {
			continue
		}
		faults := make(map[string]bool)
		for _, f := range h.Faults {
			faults[f.Fault] = true
			lines = append(lines, injected(s, f)...)
		}
		for _, l := range h.Leaders {
			lines = append(lines, Line{Time: s.Start.Add(l.At), Kind: Leader, Text: led(l.Shard, l.Leader, l.Term)})
		}
		known[s.History] = faults
	}
	for _, e := range recorded {
		faults, complete := known[spans.At(e.Time).History]
		phase := e.Event == workspace.EventBegin || e.Event == workspace.EventFinish
		if complete && (e.Event == workspace.EventLeader || phase && faults[e.Name]) {
			continue // the history has it, and more of it
		}
		lines = append(lines, happened(e))
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines
}

// injected is the beginning and the end of a fault.
func injected(s Span, f history.FaultEvent) []Line {
	what := f.Fault + " " + strings.Join(f.Targets, " ")
	if f.Detail != "" {
		what += ": " + f.Detail
	}
	return []Line{
		{Time: s.Start.Add(f.Start), Kind: Fault, Text: oneLine("fault begins: " + what)},
		{Time: s.Start.Add(f.End), Kind: Fault, Text: oneLine(fmt.Sprintf("fault ends: %s (%.3f s, %d hits)", what, (f.End - f.Start).Seconds(), f.Hits))},
	}
}
