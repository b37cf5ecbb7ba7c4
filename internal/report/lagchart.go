package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	drawnReplicas = 16 // the most nodes that the chart shows
	stripUnits    = 46 // height of a node's strip
	stripGap      = 14
	levelRoom     = 15 // between the texts of two levels
)

// lagChart draws, over the time at which reads were called, for how long the values had been
// replaced that they returned: a strip for each node, all on one logarithmic scale.
type lagChart struct {
	Width, Height, Left, Right, Floor float64
	Strips                            []lagStrip
	Bars                              []drawnBand // faults
	Ticks                             []drawnText
	Columns                           string
	More                              int // nodes that are not drawn
}

// lagStrip is one node's. Told says in a sentence what it shows.
type lagStrip struct {
	Name, Told string
	Top, Floor float64
	Hit        []drawnBand // faults that were aimed at the node
	Levels     []drawnLevel
	Fresh      string // path of the columns in which no read was stale
	Stretches  []lagStretch
}

// lagStretch is a time in which each column has stale reads; the paths are of their worst
// and their median.
type lagStretch struct{ Worst, Median, Title string }

// readsOf are the reads of one node, by column; Reads is 0 where there were none.
type readsOf struct {
	node    string
	columns []models.ReadStaleness
}

// drawLags draws a history; nil if no read was stale. The error is that of
// models.MeasureStaleness.
func drawLags(ctx context.Context, h *history.History) (*lagChart, error) {
	end := runEnd(h)
	length := max(roundStep(end, 100), time.Millisecond)
	nodes, overall, err := lagColumns(ctx, h, length, int(end/length)+1)
	if err != nil || overall.Time.Worst <= 0 {
		return nil, err
	}
	c := &lagChart{Width: drawingWidth, Left: timelineLeft, Right: drawingRight, Columns: span(length)}
	x := timeAxis(end)
	high := max(math.Ceil(math.Log10(overall.Time.Worst.Seconds()*1e3)-1e-9), 1)
	for i := range nodes {
		if i == drawnReplicas {
			c.More = len(nodes) - i
			break
		}
		c.Strips = append(c.Strips, newLagStrip(&nodes[i], 6+float64(i)*(stripUnits+stripGap), high, length, x))
		c.Strips[i].Hit = faultBands(h.Faults, nodes[i].node, x)
	}
	c.Floor = c.Strips[len(c.Strips)-1].Floor
	c.Height = c.Floor + 26
	c.Bars = faultBands(h.Faults, "", x)
	c.Ticks = timeTicks(end, x)
	return c, nil
}

// lagColumns measures the reads of each node that was read, and of all, by columns of time.
// The measure tells nodes apart and else takes no notice of them: so each column of a node is
// a node to it.
func lagColumns(ctx context.Context, h *history.History, length time.Duration, bins int) ([]readsOf, models.ReadStaleness, error) {
	type place struct {
		node string
		bin  int
	}
	places, names := make(map[string]place), make(map[place]string)
	split := *h
	split.Nodes, split.Operations = nil, slices.Clone(h.Operations)
	for i := range split.Operations {
		o := &split.Operations[i]
		if o.Kind != history.Get {
			continue
		}
		at := place{o.Node, binOf(o.Call, length, bins)}
		name, ok := names[at]
		if !ok {
			name = fmt.Sprint(len(names))
			names[at], places[name] = name, at
		}
		o.Node = name
	}
	s, err := models.MeasureStaleness(ctx, &split)
	if err != nil {
		return nil, s.Overall, err
	}
	order, columns := slices.Clone(h.Nodes), make(map[string][]models.ReadStaleness)
	for _, r := range s.Nodes {
		at := places[r.Node]
		if r.Reads == 0 {
			continue
		}
		if columns[at.node] == nil {
			columns[at.node] = make([]models.ReadStaleness, bins)
		}
		columns[at.node][at.bin] = r
		if !slices.Contains(order, at.node) {
			order = append(order, at.node)
		}
	}
	var out []readsOf
	for _, node := range order {
		if columns[node] != nil {
			out = append(out, readsOf{node, columns[node]})
		}
	}
	return out, s.Overall, nil
}

// newLagStrip draws a node's columns below top; high is the power of ten, in milliseconds,
// that the scale ends with.
func newLagStrip(r *readsOf, top, high float64, length time.Duration, x func(time.Duration) float64) lagStrip {
	name := nodeName(r.node)
	s := lagStrip{Name: inline(name, 10), Top: top, Floor: top + stripUnits}
	y := func(d time.Duration) float64 { // from 0.1 ms on
		return s.Floor - stripUnits*max(math.Log10(max(float64(d), 1)/float64(time.Millisecond))+1, 0)/(high+1)
	}
	for level, above := high, math.Inf(-1); level >= 0; level-- {
		d := time.Duration(math.Pow(10, level)) * time.Millisecond
		if y(d)-above >= levelRoom {
			s.Levels = append(s.Levels, drawnLevel{y(d), levelText(d)})
			above = y(d)
		}
	}
	var fresh strings.Builder
	var all models.ReadStaleness
	worst := 0
	for i := 0; i < len(r.columns); i++ {
		c := &r.columns[i]
		if c.Reads > 0 && c.Stale == 0 {
			fmt.Fprintf(&fresh, "M%.1f %.1fH%.1f", x(time.Duration(i)*length), s.Floor, x(time.Duration(i+1)*length))
			all.Reads += c.Reads
		}
		if c.Stale == 0 {
			continue
		}
		until := i
		var part models.ReadStaleness
		for ; until < len(r.columns) && r.columns[until].Stale > 0; until++ {
			c := &r.columns[until]
			part.Reads, part.Stale, part.Time.Worst = part.Reads+c.Reads, part.Stale+c.Stale, max(part.Time.Worst, c.Time.Worst)
			if c.Time.Worst > all.Time.Worst {
				all.Time.Worst, worst = c.Time.Worst, until
			}
		}
		all.Reads, all.Stale = all.Reads+part.Reads, all.Stale+part.Stale
		s.Stretches = append(s.Stretches, lagStretch{
			Worst:  steps(r.columns, i, until, s.Floor, length, x, func(c *models.ReadStaleness) float64 { return min(y(c.Time.Worst), s.Floor-1.5) }),
			Median: steps(r.columns, i, until, s.Floor, length, x, func(c *models.ReadStaleness) float64 { return y(c.Time.Median) }),
			Title: fmt.Sprintf("%s from %s to %s: %s of %s stale, the worst by %s", name, seconds(2)(time.Duration(i)*length),
				seconds(2)(time.Duration(until)*length), count(part.Stale), plural(part.Reads, "read"), behind(part.Time.Worst)),
		})
		i = until - 1
	}
	s.Fresh = fresh.String()
	s.Told = fmt.Sprintf("%s: none of %s was stale.", name, plural(all.Reads, "read"))
	if all.Stale > 0 {
		s.Told = fmt.Sprintf("%s: %s of %s stale; the worst by %s, at about %s.",
			name, count(all.Stale), plural(all.Reads, "read"), behind(all.Time.Worst), seconds(2)(time.Duration(worst)*length))
	}
	return s
}

// steps returns the SVG path of the area between floor and the tops of columns.
func steps(columns []models.ReadStaleness, from, until int, floor float64, length time.Duration, x func(time.Duration) float64, top func(*models.ReadStaleness) float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", x(time.Duration(from)*length), floor)
	for i := from; i < until; i++ {
		fmt.Fprintf(&b, "V%.1fH%.1f", top(&columns[i]), x(time.Duration(i+1)*length))
	}
	fmt.Fprintf(&b, "V%.1fz", floor)
	return b.String()
}
