package report

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// laned reports whether the operations of a violation are to be drawn on lanes of nodes:
// where there are several of them, that is where the explanation lies.
func laned(h *history.History, v *models.Violation) bool {
	return h != nil && len(h.Nodes) > 1 || slices.ContainsFunc(v.Operations, func(o history.Operation) bool { return o.Node != v.Operations[0].Node })
}

// hits marks on the lanes of nodes which of the faults hit them.
func (d *intervals) hits(faults []history.FaultEvent) {
	for i, f := range faults {
		for _, l := range d.Lanes {
			if slices.ContainsFunc(f.Targets, func(n string) bool { return nodeName(n) == l.Name }) {
				d.Hits = append(d.Hits, drawnRect{d.Bands[i].X, l.Y, d.Bands[i].W, l.Height})
			}
		}
	}
}

// lane is the name of the lane that an operation is drawn on.
func (d *intervals) lane(o *history.Operation) string {
	if d.ByNode {
		return nodeName(o.Node)
	}
	return fmt.Sprintf("client %d", o.Client)
}

// lanes places the operations and returns where the lanes end. Operations of a lane that
// overlap stand below each other. A label stands above its bar, in the first row that
// has room for it.
func (d *intervals) lanes(ops []history.Operation, first, bad int, scale *timescale) float64 {
	var names []string
	for i := range ops {
		if name := d.lane(&ops[i]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if d.ByNode {
		slices.Sort(names)
	}
	colour, several := valueColours(ops), severalKeys(ops)
	y := d.Top
	for n, name := range names {
		lane := drawnLane{Name: name, Y: y, Odd: n%2 == 1}
		var tracks []track
		for i := range ops {
			o := &ops[i]
			if d.lane(o) != name {
				continue
			}
			b := d.bar(o, colour, scale)
			b.Number, b.Culprit = first+i+1, first+i == bad
			b.Label = fmt.Sprintf("%d  %s", b.Number, barLabel(o, several))
			if d.ByNode {
				b.Label = fmt.Sprintf("%d  client %d: %s", b.Number, o.Client, barLabel(o, several))
			}
			at := slices.IndexFunc(tracks, func(t track) bool { return t.until < b.X })
			if at < 0 {
				at = len(tracks)
				tracks = append(tracks, track{})
			}
			tracks[at].put(b)
		}
		for i := range tracks {
			y = tracks[i].place(y)
			d.Bars = append(d.Bars, tracks[i].bars...)
		}
		lane.Height = y + lanePadding - lane.Y
		lane.Mid = y - barHeight/2
		if len(tracks) > 1 {
			lane.Mid = lane.Y + lane.Height/2
		}
		d.Lanes = append(d.Lanes, lane)
		y = lane.Y + lane.Height
	}
	return y
}

// track is a row of bars that do not overlap, with their labels above.
type track struct {
	bars  []drawnBar
	rows  []int // of the labels
	used  labelRows
	until float64 // where the last bar ends
}

func (t *track) put(b drawnBar) {
	var row int
	b.LabelX, b.LabelEnd, row = t.used.put(b.X, b.Label)
	t.bars, t.rows = append(t.bars, b), append(t.rows, row)
	t.until = b.X + b.W
}

// place moves everything below y, and returns where the bars end.
func (t *track) place(y float64) float64 {
	top := y + lanePadding + float64(len(t.used)*labelRow)
	for i := range t.bars {
		b := &t.bars[i]
		b.Y = top
		b.LabelY = top - 6 - float64(t.rows[i]*labelRow)
		if b.Culprit {
			b.LabelY -= 3 // its ring
		}
	}
	return top + barHeight
}

// labelRows holds, for each row, where its last label ends.
type labelRows []float64

// put finds a place for a label that begins at x, or ends at the right edge if
// it would not fit, in the first free row.
func (rows *labelRows) put(x float64, label string) (at float64, atEnd bool, row int) {
	width := float64(utf8.RuneCountInString(label)) * charWidth
	at, begin := x, x
	if x+width > drawingRight {
		at, begin, atEnd = drawingRight, drawingRight-width, true
	}
	for row = range *rows {
		if (*rows)[row]+10 <= begin {
			(*rows)[row] = begin + width
			return at, atEnd, row
		}
	}
	*rows = append(*rows, begin+width)
	return at, atEnd, len(*rows) - 1
}
