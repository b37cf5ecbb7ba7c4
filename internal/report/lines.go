package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// OperationLines tells operations in one line each, for a terminal; with the
// node that was asked, unless all are the same. Among them are the faults that took something from
// a disk in the meantime.
func OperationLines(ops []history.Operation, faults []history.FaultEvent) []string {
	lines := make([]string, 0, len(ops))
	several := slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Node != ops[0].Node })
	took := between(faults, ops)
	for i := range ops {
		o := &ops[i]
		for len(took) > 0 && took[0].Start < o.Call {
			lines = append(lines, faultLine(&took[0]))
			took = took[1:]
		}
		end := "        "
		if o.Outcome != history.Unknown {
			end = fmt.Sprintf("%8.4f", o.Return.Seconds())
		}
		node := ""
		if several {
			node = fmt.Sprintf("%-4s ", nodeName(o.Node))
		}
		lines = append(lines, fmt.Sprintf("%8.4f –%s s  client %-3d %s%s", o.Call.Seconds(), end, o.Client, node, describe(o)))
	}
	return lines
}

// mostTook is how many faults are told among operations.
const mostTook = 3

// between are the last faults that took something from a disk while there were still
// operations of these to come, in the order in which they began.
func between(faults []history.FaultEvent, ops []history.Operation) []history.FaultEvent {
	if len(ops) == 0 {
		return nil
	}
	first, last := ops[0].Call, ops[len(ops)-1].Call
	var took []history.FaultEvent
	for _, f := range faults {
		if (f.Fault == powerLoss || f.Fault == fsyncError) && f.Detail != "" && f.Start > first && f.Start < last {
			took = append(took, f)
		}
	}
	slices.SortStableFunc(took, func(a, b history.FaultEvent) int { return cmp.Compare(a.Start, b.Start) })
	return took[max(0, len(took)-mostTook):]
}

func faultLine(f *history.FaultEvent) string {
	return fmt.Sprintf("%8.4f           s  %s of %s; %s", f.Start.Seconds(), f.Fault, nodeList(f.Targets), inline(f.Detail, 300))
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
