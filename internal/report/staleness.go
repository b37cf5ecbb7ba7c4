package report

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

// listedNodes is the most nodes that a table shows.
const listedNodes = 50

// StalenessLine tells how stale the replicas were in one line, for a terminal.
// It is empty if s is nil.
func StalenessLine(s *models.Staleness) string {
	if s == nil {
		return ""
	}
	o := &s.Overall
	switch {
	case o.Reads == 0:
		return "replicas: how stale reads were could not be measured"
	case o.Stale == 0:
		return fmt.Sprintf("replicas: none of %s was provably stale", plural(o.Reads, "read"))
	}
	line := fmt.Sprintf("replicas: %s of reads stale, median %s, p99 %s, worst %s (up to %s)", percent(o.Stale, o.Reads),
		behind(o.Time.Median), behind(o.Time.P99), behind(o.Time.Worst), plural(o.Versions.Worst, "version"))
	return line + fmt.Sprintf("; %s went backwards, %s missed the client's own write", many(o.WentBackwards), many(o.MissedOwnWrite))
}

// many is count with a word for 0.
func many(n int) string {
	if n == 0 {
		return "none"
	}
	return count(n)
}

// percent writes a share so that it is 0 or 100 only if it is nothing or everything.
func percent(part, whole int) string {
	share := 0.0
	if whole > 0 {
		share = 100 * float64(part) / float64(whole)
	}
	switch {
	case part == 0 || part == whole:
		return fmt.Sprintf("%.0f %%", share)
	case share < 0.1:
		return "under 0.1 %"
	case share > 99.9:
		return "over 99.9 %"
	case share < 9.95 || share > 99:
		return fmt.Sprintf("%.1f %%", share)
	}
	return fmt.Sprintf("%.0f %%", share)
}

// behind writes a time by which a read was behind.
func behind(d time.Duration) string {
	if d == 0 {
		return "0 ms"
	}
	return span(max(d, time.Microsecond))
}

type stalenessView struct {
	Rows  []stalenessRow // all nodes together come last
	Chart *stalenessChart
	Lags  *lagChart // nil unless the model is eventual
	More  int
	Note  string
}

type stalenessRow struct {
	Node, Reads, Stale                         string
	Median, P99, Worst                         string
	VersionsMedian, VersionsP99, VersionsWorst string
	Backwards, OwnMissed                       string
	Overall                                    bool
}

func (v *view) staleness(ctx context.Context, p *Page) {
	s := p.Staleness
	if c := scenarioCheck(p); s == nil && c != nil {
		s = c.Scenario.Staleness
	}
	if s == nil {
		return
	}
	out := &stalenessView{}
	for i := range s.Nodes {
		if i == listedNodes {
			out.More = len(s.Nodes) - listedNodes
			break
		}
		out.Rows = append(out.Rows, newStalenessRow(nodeName(s.Nodes[i].Node), &s.Nodes[i]))
	}
	if len(s.Nodes) != 1 {
		all := newStalenessRow("all nodes", &s.Overall)
		all.Overall = true
		out.Rows = append(out.Rows, all)
	}
	if s.NotJudged > 0 {
		out.Note = plural(s.NotJudged, "further read") + " cannot be measured: they found nothing, and a delete may be why, or no single write explains what they returned."
	}
	if s.RepeatedKeys > 0 {
		out.Note += fmt.Sprintf(" On %s a value was written more than once, so that a read does not name the write it saw.", plural(s.RepeatedKeys, "key"))
	}
	out.Chart = drawStaleness(s)
	if p.Verdict != nil && p.Verdict.Model == "eventual" && p.History != nil {
		lags, err := drawLags(ctx, p.History)
		if err != nil {
			out.Note = strings.TrimSpace(out.Note + " There is no chart over time: " + inline(err.Error(), 200) + ".")
		}
		out.Lags = lags
	}
	v.Staleness = out
}

// stalenessChart draws for how long the values had been replaced that were read through
// each node, on a logarithmic scale.
type stalenessChart struct {
	Width, Height, Left, Floor float64
	Levels                     []drawnLevel // Y is where they stand on the horizontal axis
	Rows                       []drawnStaleness
}

type drawnStaleness struct {
	Name, Title           string
	Y, Median, P99, Worst float64
}

// drawStaleness draws at most listedNodes nodes; nil if no read was stale.
func drawStaleness(s *models.Staleness) *stalenessChart {
	if s.Overall.Time.Worst <= 0 {
		return nil
	}
	const least = float64(time.Millisecond)
	high := math.Ceil(math.Log10(float64(s.Overall.Time.Worst)/least) + 0.001)
	c := &stalenessChart{Width: drawingWidth, Left: timelineLeft}
	x := func(d time.Duration) float64 {
		return timelineLeft + (drawingRight-40-timelineLeft)*max(math.Log10(max(float64(d), 1)/least)+1, 0)/(max(high, 1)+1)
	}
	for i := range s.Nodes[:min(len(s.Nodes), listedNodes)] {
		n := &s.Nodes[i]
		if n.Reads == 0 {
			continue
		}
		c.Rows = append(c.Rows, drawnStaleness{
			Name: nodeName(n.Node), Y: float64(len(c.Rows)) * timelineRow, Median: x(n.Time.Median), P99: x(n.Time.P99), Worst: x(n.Time.Worst),
			Title: fmt.Sprintf("%s: median %s, 99 %% %s, worst %s", nodeName(n.Node), behind(n.Time.Median), behind(n.Time.P99), behind(n.Time.Worst)),
		})
	}
	if len(c.Rows) == 0 {
		return nil
	}
	c.Floor = float64(len(c.Rows)) * timelineRow
	c.Height = c.Floor + 26
	for d := time.Millisecond; d <= time.Hour && float64(d) <= least*math.Pow(10, max(high, 1)); d *= 10 {
		c.Levels = append(c.Levels, drawnLevel{x(d), levelText(d)})
	}
	return c
}

func newStalenessRow(node string, r *models.ReadStaleness) stalenessRow {
	row := stalenessRow{Node: node, Reads: count(r.Reads)}
	if r.Reads == 0 {
		return row // figures of no reads would look like good ones
	}
	row.Stale = percent(r.Stale, r.Reads)
	row.Median, row.P99, row.Worst = behind(r.Time.Median), behind(r.Time.P99), behind(r.Time.Worst)
	row.VersionsMedian, row.VersionsP99, row.VersionsWorst = count(r.Versions.Median), count(r.Versions.P99), count(r.Versions.Worst)
	row.Backwards, row.OwnMissed = count(r.WentBackwards), count(r.MissedOwnWrite)
	return row
}
