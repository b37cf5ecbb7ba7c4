package nodelogs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Span is the part of a run from which on times are counted from one zero: the
// start of the run, or of one of its histories.
type Span struct {
	// History is the name of the history's file, Scenario what it says of itself;
	// empty before the first history.
	History, Scenario string
	Start             time.Time
}

// Spans of a run, in the order of their starts.
type Spans []Span

// At returns the span that a time is in: the last one that began before it, else the
// first. There must be one.
func (s Spans) At(t time.Time) Span {
	for i := len(s) - 1; i > 0; i-- {
		if !stamp(t).Before(stamp(s[i].Start)) {
			return s[i]
		}
	}
	return s[0]
}

// ReadSpans looks for the histories in a run folder. The first span begins when the run
// did, if that is known. Files that are no histories are left out.
func ReadSpans(dir string, began time.Time) (Spans, error) {
	files, err := filepath.Glob(filepath.Join(globbed(dir), "history*.json"))
	if err != nil {
		return nil, fmt.Errorf("look for histories: %w", err)
	}
	var spans Spans
	for _, path := range files {
		if s, ok := readSpan(path); ok {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	if !began.IsZero() {
		spans = slices.Insert(spans, 0, Span{Start: began})
	}
	return spans, nil
}

// globbed is a path in which nothing is a pattern.
func globbed(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// readSpan reads the header of a history, which may still be written.
func readSpan(path string) (s Span, ok bool) {
	file, err := os.Open(path)
	if err != nil {
		return s, false
	}
	defer file.Close() //nolint:errcheck // only read
	s.History = filepath.Base(path)
	in := json.NewDecoder(file)
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		return s, false
	}
	for {
		name, err := in.Token()
		if err != nil || name == "operations" || name == json.Delim('}') {
			return s, !s.Start.IsZero()
		}
		var value json.RawMessage
		if in.Decode(&value) != nil {
			return s, false
		}
		switch name {
		case "started":
			if json.Unmarshal(value, &s.Start) != nil {
				return s, false
			}
		case "scenario":
			_ = json.Unmarshal(value, &s.Scenario) // it is only shown
		}
	}
}

// readHistory returns the faults and leaders of a history that is complete: those of
// one that breaks off stand in the run's record only.
func readHistory(path string) (*history.History, bool) {
	file, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer file.Close() //nolint:errcheck // only read
	h, err := history.Decode(file)
	return h, err == nil && !h.Truncated
}
