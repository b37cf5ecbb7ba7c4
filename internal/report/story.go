package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// recent is how long before an operation a fault's end still matters to it.
	recent = 3 * time.Second
	// before is how long before its first operation a story begins.
	before = time.Second
	// toldFaults is the most faults that the prose names for one node.
	toldFaults = 2
	// toldEvents is the most faults and changes of leadership in a story.
	toldEvents = 12
)

// storyStep is one event of a story: an operation of the proof, or what was done to a node
// that took part, or a change of leadership.
type storyStep struct {
	At    time.Duration
	When  string
	Text  string
	Class string // operation, culprit, fault, leader
	// Operation is the ID of an operation, for a link; -1 for other events.
	Operation int64
	op        *history.Operation // nil for other events
}

// circumstances tells what the nodes of a proof went through when it showed, in
// sentences: faults that concerned the node that gave the answer, and who led.
func circumstances(h *history.History, x *models.Violation) []string {
	bad := accused(x)
	if h == nil || bad < 0 {
		return nil
	}
	read := &x.Operations[bad]
	out := nodeFaults(h, read.Node, read.Call, known(read), x)
	if w := contradicted(x, bad); w != nil && w.Node != read.Node && w.Node != "" {
		out = append(out, fmt.Sprintf("%s had gone through %s.", capital(subject(w)), nodeName(w.Node)))
		out = append(out, nodeFaults(h, w.Node, w.Call, known(w), x)...)
	}
	if led := leadership(h, read); led != "" {
		out = append(out, led)
	}
	return out
}

// accused returns the index of the read that the violation's sentence is about: the one at
// which the proof shows, unless the sentence names only others.
func accused(x *models.Violation) int {
	bad := culprit(x)
	named := func(i int) bool {
		o := &x.Operations[i]
		return o.Kind.Reads() && o.Outcome == history.OK && strings.Contains(x.Sentence, " at "+seconds(3)(o.Return))
	}
	if bad < 0 || named(bad) {
		return bad
	}
	for i := range x.Operations {
		if named(i) {
			return i
		}
	}
	return bad
}

// contradicted is the write that a read should have shown: the last acknowledged one of
// another value in the proof; nil if there is none.
func contradicted(x *models.Violation, bad int) *history.Operation {
	read := &x.Operations[bad]
	var last *history.Operation
	for i := range x.Operations {
		o := &x.Operations[i]
		if o.Acknowledged() && o.Key == read.Key && o.Return <= read.Call && (!read.Present || o.Value != read.Value) && (last == nil || o.Return > last.Return) {
			last = o
		}
	}
	return last
}

func subject(o *history.Operation) string {
	switch o.Kind {
	case history.Delete:
		return "the delete"
	case history.Put:
		return "the write of " + quote(o.Value, 60)
	}
	return fmt.Sprintf("the %s of %s", o.Kind, quote(o.Value, 60))
}

// nodeFaults tells the last faults aimed at a node that were under way between from and
// to, or had ended shortly before, or within the proof.
func nodeFaults(h *history.History, node string, from, to time.Duration, x *models.Violation) []string {
	since := min(from-recent, proofTime(x).from)
	var met []*history.FaultEvent
	for i := range h.Faults {
		f := &h.Faults[i]
		if node != "" && slices.Contains(f.Targets, node) && f.Start <= to && max(f.Start, f.End) >= since {
			met = append(met, f)
		}
	}
	slices.SortStableFunc(met, func(a, b *history.FaultEvent) int { return cmp.Compare(a.Start, b.Start) })
	ongoing := slices.DeleteFunc(slices.Clone(met), func(f *history.FaultEvent) bool { return f.End < from })
	if len(ongoing) > 0 { // what is over matters less
		met = ongoing
	}
	met = met[max(len(met)-toldFaults, 0):]
	var out []string
	for _, f := range met {
		name := nodeName(node)
		was := suffered(f, node)
		if f.Fault == "reset" {
			out = append(out, fmt.Sprintf("All connections between %s and others were reset at %s.", name, seconds(1)(f.Start)))
			continue
		}
		if f.End >= from { // still under way
			out = append(out, fmt.Sprintf("%s %s since %s.", name, was, seconds(1)(f.Start)))
			continue
		}
		out = append(out, fmt.Sprintf("%s %s from %s to %s, until %s before.", name, was, seconds(1)(f.Start), seconds(1)(f.End), behind(from-f.End)))
	}
	return out
}

// suffered is what a fault had done to a node.
func suffered(f *history.FaultEvent, node string) string {
	switch f.Fault {
	case "kill", "kill-recovering":
		return "had been down after a kill"
	case "stop":
		return "had been stopped"
	case "pause":
		return "had been paused"
	case "cut":
		return cutOff(f.Detail, node)
	case "slow":
		return "had had slow links"
	case powerLoss:
		return "had been without power"
	case diskFull:
		return "had had a full disk"
	case fsyncError:
		return "had had an fsync that failed"
	case slowDisk:
		return "had had a slow disk"
	case "lossy":
		return "had had links that lose segments"
	}
	return "had been under the fault " + inline(f.Fault, 40)
}

// cutOff tells how a cut separated a node, by the detail that faults give: "n4 | n1 n2" where
// neither side reached the other, "n4 -> n1 n2" where nothing came through one way.
func cutOff(detail, node string) string {
	sides, _, _ := strings.Cut(detail, ";")
	from, to, oneWay := strings.Cut(sides, " -> ")
	a, b, both := strings.Cut(sides, " | ")
	switch {
	case strings.ContainsAny(sides, ",") || strings.Count(sides, " | ") > 1 || !oneWay && !both:
		if sides == "" {
			return "had been cut off"
		}
		return "had been cut off from some of the others (" + inline(sides, 80) + ")"
	case oneWay && slices.Contains(strings.Fields(to), node):
		return "had heard nothing from " + nodeList(strings.Fields(from))
	case oneWay:
		return "had been unable to reach " + nodeList(strings.Fields(to))
	}
	own, others := strings.Fields(a), strings.Fields(b)
	if !slices.Contains(own, node) {
		own, others = others, own
	}
	with := slices.DeleteFunc(own, func(n string) bool { return n == node })
	text := "had been cut off from " + nodeList(others)
	if len(with) > 0 {
		text += ", together with " + nodeList(with) + ","
	}
	return text
}

// leadership tells who led when a read was sent, from its node's point of view.
func leadership(h *history.History, read *history.Operation) string {
	shard := h.Shards[read.Key] // empty in a cluster without shards
	_, events := leadersByShard(h)
	var last *history.LeaderEvent
	for i := range events[shard] {
		if l := &events[shard][i]; l.At <= read.Call {
			last = l
		}
	}
	of := ""
	if shard != "" {
		of = " shard " + inline(shard, 24)
	}
	switch {
	case last == nil:
		return ""
	case last.Leader == "":
		return fmt.Sprintf("Since %s a majority had named no leader%s.", seconds(1)(last.At), strings.Replace(of, " shard", " of shard", 1))
	case last.Leader == read.Node:
		return fmt.Sprintf("%s itself had led%s since %s.", nodeName(last.Leader), of, seconds(1)(last.At))
	}
	return fmt.Sprintf("%s had led%s since %s, in term %d.", nodeName(last.Leader), of, seconds(1)(last.At), last.Term)
}

// story tells a proof in the order of time, with the faults on the nodes that took part
// and the changes of leadership in between.
func story(h *history.History, x *models.Violation) []storyStep {
	if len(x.Operations) > listedOperations/8 {
		return nil // the drawing and the table tell it better
	}
	bad := culprit(x)
	var steps []storyStep
	nodes := make(map[string]bool)
	for i := range x.Operations {
		o := &x.Operations[i]
		nodes[o.Node] = true
		step := storyStep{At: o.Call, Text: told(o), Class: "operation", Operation: o.ID, op: o}
		if o.Kind.Reads() && o.Outcome == history.OK {
			step.At = o.Return
		}
		if i == bad {
			step.Class = "culprit"
		}
		steps = append(steps, step)
	}
	if h != nil {
		steps = append(steps, events(h, proofTime(x), nodes)...)
	}
	slices.SortStableFunc(steps, func(a, b storyStep) int { return cmp.Compare(a.At, b.At) })
	steps = grouped(steps)
	for i := range steps {
		steps[i].When = seconds(3)(steps[i].At)
	}
	return steps
}

// told tells an operation in one sentence.
func told(o *history.Operation) string {
	through := ""
	if o.Node != "" {
		through = " through " + nodeName(o.Node)
	}
	name := quote(o.Key, 60)
	s := fmt.Sprintf("Client %d ", o.Client)
	value := quote(o.Value, 80)
	switch {
	case o.Kind == history.Get && o.Outcome == history.OK && o.Present:
		return s + fmt.Sprintf("read %s = %s%s; the read had been sent %s before.", name, value, through, behind(o.Return-o.Call))
	case o.Kind == history.Get && o.Outcome == history.OK:
		return s + fmt.Sprintf("read %s%s and found no value; the read had been sent %s before.", name, through, behind(o.Return-o.Call))
	case o.Kind == history.Put:
		s += fmt.Sprintf("sent a write of %s to %s%s", value, name, through)
	case o.Kind == history.Delete:
		s += fmt.Sprintf("sent a delete of %s%s", name, through)
	default:
		s += fmt.Sprintf("sent: %s%s", barLabel(o, true), through)
	}
	switch o.Outcome {
	case history.OK:
		s += fmt.Sprintf("; it was acknowledged %s later, at %s.", behind(o.Return-o.Call), seconds(3)(o.Return))
	case history.Failed:
		s += fmt.Sprintf("; it was refused at %s (%s).", seconds(3)(o.Return), outcomeText(o))
	default:
		s += "; it was never answered, so it may have taken effect."
	}
	return s
}

// events are the faults on nodes, and the changes of leadership, within a time; the last
// ones if there are many.
func events(h *history.History, s proofSpan, nodes map[string]bool) []storyStep {
	var out []storyStep
	add := func(at time.Duration, class, text string) {
		if at >= s.from-before && at <= s.to {
			out = append(out, storyStep{At: at, Class: class, Text: text, Operation: -1})
		}
	}
	for i := range h.Faults {
		f := &h.Faults[i]
		if len(f.Targets) > 0 && !slices.ContainsFunc(f.Targets, func(n string) bool { return nodes[n] }) || f.End < s.from-before {
			continue
		}
		detail := ""
		if f.Detail != "" {
			detail = " (" + inline(f.Detail, 120) + ")"
		}
		on := ""
		if len(f.Targets) > 0 {
			on = " on " + nodeList(f.Targets)
		}
		add(f.Start, "fault", fmt.Sprintf("Fault: %s%s%s.", inline(f.Fault, 40), on, detail))
		if f.End > f.Start {
			add(f.End, "fault", fmt.Sprintf("End of the fault %s%s, after %s.", inline(f.Fault, 40), on, span(f.End-f.Start)))
		}
	}
	for _, l := range h.Leaders {
		of := ""
		if l.Shard != "" {
			of = " shard " + inline(l.Shard, 24)
		}
		if l.Leader == "" {
			add(l.At, "leader", fmt.Sprintf("A majority names no leader%s any more.", strings.Replace(of, " shard", " of shard", 1)))
			continue
		}
		add(l.At, "leader", fmt.Sprintf("%s leads%s, in term %d.", nodeName(l.Leader), of, l.Term))
	}
	slices.SortStableFunc(out, func(a, b storyStep) int { return cmp.Compare(a.At, b.At) })
	return out[max(len(out)-toldEvents, 0):]
}
