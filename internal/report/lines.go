package report

import (
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// OperationLines tells operations in one line each, for a terminal; with the
// node that was asked, unless all are the same.
func OperationLines(ops []history.Operation) []string {
	lines := make([]string, len(ops))
	several := slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Node != ops[0].Node })
	for i := range ops {
		o := &ops[i]
		end := "        "
		if o.Outcome != history.Unknown {
			end = fmt.Sprintf("%8.4f", o.Return.Seconds())
		}
		node := ""
		if several {
			node = fmt.Sprintf("%-4s ", nodeName(o.Node))
		}
		lines[i] = fmt.Sprintf("%8.4f –%s s  client %-3d %s%s", o.Call.Seconds(), end, o.Client, node, describe(o))
	}
	return lines
}

// describe tells what was asked and what came back.
func describe(o *history.Operation) string {
	s := fmt.Sprintf("%s %s", o.Kind, o.Key)
	switch {
	case o.Kind == history.Cas:
		s += " = " + inline(o.Expected, 30) + " to " + inline(o.Value, 30)
	case o.Kind.Reads() && o.Outcome == history.OK && o.Present:
		return s + " → " + inline(o.Value, 60)
	case o.Kind.Reads() && o.Outcome == history.OK:
		return s + " → absent"
	case !o.Kind.Reads() && o.Kind != history.Delete:
		s += " = " + inline(o.Value, 60)
	}
	switch o.Outcome {
	case history.OK:
		s += ": acknowledged"
	case history.Failed:
		s += ": failed, " + inline(o.Error, 60)
	default:
		s += ": no answer, " + inline(o.Error, 60)
	}
	return s
}

// nodeName shows a node's ID on one line.
func nodeName(id string) string {
	if id == "" {
		return "(no name)"
	}
	return inline(id, 24)
}
