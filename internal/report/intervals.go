package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// The geometry of the drawing, in pixels of its view box.
const (
	drawingWidth = 1080
	drawingLeft  = 104
	drawingRight = 1064
	barHeight    = 16
	labelRow     = 17
	lanePadding  = 12
	charWidth    = 7.3 // of the drawing's font
	bandRow      = 18
)

const (
	// drawnOperations is the most operations that the drawing shows.
	drawnOperations = 40
	// drawnFaults is the most faults that it shows.
	drawnFaults = 8
	// colours is the number of colours for values.
	colours = 6
)

// intervals is a drawing of operations as bars from call to return, one lane
// for each node, or for each client if there is only one node, with the faults of that
// time behind them.
type intervals struct {
	Width, Height, Top, Bottom float64
	Left, Right                float64
	Lanes                      []drawnLane
	Bars                       []drawnBar
	Bands                      []drawnBand
	// Hits are the parts of the bands on the lanes of the nodes that were hit.
	Hits   []drawnRect
	ByNode bool
	Ticks  []drawnText
	Cuts   []drawnText // only those with room for a text have one
	// Exact is whether lengths are true to scale.
	Exact bool
	// Hidden and HiddenFaults count what was left out.
	Hidden, HiddenFaults int
	// HasOpen, HasFailed, HasDelete say which signs the drawing uses.
	HasOpen, HasFailed, HasDelete bool
}

type drawnLane struct {
	Name           string
	Y, Height, Mid float64
	Odd            bool
}

type drawnBar struct {
	Number        int
	X, Y, W, H    float64
	Class         string
	Open, Culprit bool
	Label, Title  string
	LabelX        float64
	LabelY        float64
	LabelEnd      bool // the label ends at LabelX
}

type drawnBand struct {
	X, W           float64
	Label, Title   string
	LabelX, LabelY float64
	LabelEnd       bool
}

type drawnRect struct{ X, Y, W, H float64 }

type drawnText struct {
	X    float64
	Text string
	End  bool // the text ends at X, where else its middle is
}

// drawIntervals draws the operations of a violation; nil if there are none.
func drawIntervals(v *models.Violation, faults []history.FaultEvent, byNode bool) *intervals {
	ops := v.Operations
	d := &intervals{Width: drawingWidth, Left: drawingLeft, Right: drawingRight, ByNode: byNode}
	if len(ops) > drawnOperations {
		// The end of a long proof is where it shows.
		d.Hidden = len(ops) - drawnOperations
		ops = ops[d.Hidden:]
	}
	if len(ops) == 0 {
		return nil
	}
	from, to := ops[0].Call, ops[0].Call
	for i := range ops {
		from, to = min(from, ops[i].Call), max(to, ops[i].Call, known(&ops[i]))
	}
	shown := overlapping(faults, from, to)
	if len(shown) > drawnFaults {
		d.HiddenFaults = len(shown) - drawnFaults
		shown = shown[d.HiddenFaults:]
	}
	scale := d.place(ops, shown, from, to)
	d.Exact = scale.exact
	d.Top = d.bands(shown, scale) + 6
	d.Bottom = d.lanes(ops, d.Hidden, culprit(v), scale)
	if byNode {
		d.hits(shown)
	}
	d.axis(scale)
	d.Height = d.Bottom + 40
	return d
}

// known is the time by which o had an answer, or its call if it never had one.
func known(o *history.Operation) time.Duration {
	if o.Outcome == history.Unknown {
		return o.Call
	}
	return o.Return
}

func overlapping(faults []history.FaultEvent, from, to time.Duration) []history.FaultEvent {
	var out []history.FaultEvent
	for _, f := range faults {
		if f.Start <= to && max(f.Start, f.End) >= from {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b history.FaultEvent) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

func (d *intervals) place(ops []history.Operation, faults []history.FaultEvent, from, to time.Duration) *timescale {
	var times []time.Duration
	for i := range ops {
		times = append(times, ops[i].Call, max(ops[i].Call, known(&ops[i])))
	}
	for _, f := range faults {
		times = append(times, min(max(f.Start, from), to), min(max(f.End, f.Start, from), to))
	}
	idle := func(a, b time.Duration) bool {
		for i := range ops {
			if o := &ops[i]; o.Outcome != history.Unknown && o.Call < b && o.Return > a {
				return false
			}
		}
		return true
	}
	right := float64(drawingRight)
	if slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Outcome == history.Unknown }) {
		right -= 40 // room to fade out
	}
	return newTimescale(times, idle, drawingLeft+14, right-14)
}

// bands places the faults behind the lanes and their names above, and returns
// where the names end.
func (d *intervals) bands(faults []history.FaultEvent, scale *timescale) float64 {
	var rows labelRows
	for _, f := range faults {
		x, end := scale.at(f.Start), scale.at(max(f.Start, f.End))
		if f.Start < scale.times[0] {
			x = drawingLeft
		}
		if f.End > scale.times[len(scale.times)-1] {
			end = drawingRight
		}
		b := drawnBand{X: x, W: max(3, end-x), Label: faultName(&f), Title: faultTitle(&f)}
		var row int
		b.LabelX, b.LabelEnd, row = rows.put(x, b.Label)
		b.LabelY = float64(row*bandRow + 14)
		d.Bands = append(d.Bands, b)
	}
	return float64(len(rows) * bandRow)
}

func (d *intervals) bar(o *history.Operation, colour map[string]int, scale *timescale) drawnBar {
	b := drawnBar{X: scale.at(o.Call), H: barHeight, Class: o.Kind.String(), Title: operationTitle(o)}
	end := scale.at(known(o))
	if o.Outcome == history.Unknown {
		b.Open, d.HasOpen = true, true
		b.Class += " open"
		end = drawingRight
	}
	if o.Outcome == history.Failed {
		d.HasFailed = true
		b.Class += " failed"
	}
	switch {
	case o.Kind == history.Delete:
		d.HasDelete = true
	case o.Kind.Reads() && !o.Present:
		b.Class += " absent"
	default:
		b.Class += fmt.Sprintf(" v%d", colour[o.Value]%colours)
	}
	b.W = max(6, end-b.X)
	return b
}

// shards names the shard of each operation's key, where the history knows it.
func (d *intervals) shards(ops []history.Operation, h *history.History) {
	for i := range d.Bars {
		b := &d.Bars[i]
		if shard := shardOf(h, ops[b.Number-1].Key); shard != "" {
			b.Title += ", shard " + shard
		}
	}
}

// axis places as many times below the lanes as there is room for.
func (d *intervals) axis(scale *timescale) {
	write := seconds(3)
	for i := 1; i < len(scale.times); i++ {
		if write(scale.times[i]) == write(scale.times[i-1]) {
			write = seconds(6)
			break
		}
	}
	until := 0.0
	for i, t := range scale.times {
		text := write(t)
		width := float64(len(text)) * charWidth
		x := scale.x[i]
		if x-width/2 < until || x+width/2 > drawingWidth {
			continue
		}
		d.Ticks = append(d.Ticks, drawnText{X: x, Text: text})
		until = x + width/2 + 10
	}
	until = 0
	for _, c := range scale.cuts {
		text := span(c.length)
		width := float64(utf8.RuneCountInString(text)) * charWidth
		if c.middle-width/2 < until {
			text = ""
		} else {
			until = c.middle + width/2 + 6
		}
		d.Cuts = append(d.Cuts, drawnText{X: c.middle, Text: text})
	}
}

// valueColours numbers the values in order of appearance.
func valueColours(ops []history.Operation) map[string]int {
	out := make(map[string]int)
	for i := range ops {
		o := &ops[i]
		if o.Present || !o.Kind.Reads() && o.Kind != history.Delete {
			if _, ok := out[o.Value]; !ok {
				out[o.Value] = len(out)
			}
		}
	}
	return out
}

// barLabel tells an operation in few words, with its key if that is not clear.
func barLabel(o *history.Operation, key bool) string {
	s := o.Kind.String()
	if key {
		s += " " + quote(o.Key, 24)
	}
	write := " "
	if key {
		write = " = "
	}
	switch {
	case o.Kind == history.Delete:
	case o.Kind == history.Cas:
		s += write + quote(o.Expected, 12) + " to " + quote(o.Value, 12)
	case !o.Kind.Reads():
		s += write + quote(o.Value, 24)
	case o.Present:
		s += " → " + quote(o.Value, 24)
	default:
		s += " → absent"
	}
	switch o.Outcome {
	case history.Unknown:
		s += " (no answer)"
	case history.Failed:
		s += " (refused)"
	}
	return s
}

func operationTitle(o *history.Operation) string {
	parts := []string{fmt.Sprintf("operation %d, client %d", o.ID, o.Client)}
	if o.Node != "" {
		parts = append(parts, "through "+inline(o.Node, 40))
	}
	parts = append(parts, "called "+seconds(6)(o.Call))
	if o.Outcome != history.Unknown {
		parts = append(parts, fmt.Sprintf("returned %s (%s)", seconds(6)(o.Return), span(o.Return-o.Call)))
	}
	return strings.Join(append(parts, outcomeText(o)), ", ")
}
