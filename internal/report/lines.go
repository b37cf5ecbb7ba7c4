package report

import (
	"fmt"

	"github.com/st3v3nmw/lsfr/history"
)

// OperationLines tells operations in one line each, for a terminal.
func OperationLines(ops []history.Operation) []string {
	lines := make([]string, len(ops))
	for i := range ops {
		o := &ops[i]
		end := "        "
		if o.Outcome != history.Unknown {
			end = fmt.Sprintf("%8.4f", o.Return.Seconds())
		}
		lines[i] = fmt.Sprintf("%8.4f –%s s  client %-3d %s", o.Call.Seconds(), end, o.Client, describe(o))
	}
	return lines
}

// describe tells what was asked and what came back.
func describe(o *history.Operation) string {
	s := fmt.Sprintf("%s %s", o.Kind, o.Key)
	switch {
	case o.Kind == history.Put:
		s += " = " + inline(o.Value, 60)
	case o.Kind == history.Get && o.Outcome == history.OK && o.Present:
		s += " → " + inline(o.Value, 60)
	case o.Kind == history.Get && o.Outcome == history.OK:
		return s + " → absent"
	}
	switch o.Outcome {
	case history.OK:
		if o.Kind != history.Get {
			s += ": acknowledged"
		}
	case history.Failed:
		s += ": failed, " + inline(o.Error, 60)
	default:
		s += ": no answer, " + inline(o.Error, 60)
	}
	return s
}
