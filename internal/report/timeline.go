package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// binLength is the time that one column of the throughput usually covers.
	binLength = 100 * time.Millisecond
	// mostBins and leastBins bound the number of columns; very long and very
	// short runs get others.
	mostBins, leastBins = 320, 20
	// mostFaultRows is the number of kinds of faults that get a row of their own.
	mostFaultRows = 12

	timelineLeft  = 132
	timelineRow   = 24
	answeredUnits = 76 // height of the columns for answered operations
	missingUnits  = 22 // height of the columns below them
)

// timeline draws a whole run: its faults, its leaders, its violations, and how many
// of the clients' operations were acknowledged in each stretch of time.
type timeline struct {
	Width, Height         float64
	Left, Right           float64
	Rows                  []faultRow
	Served                []servedRow // when writes were acknowledged
	Reigns                []reignRow  // who led
	LeaderKeys            []leaderKey
	Leaderless            bool        // at times
	MoreReigns            int         // that are not drawn
	Marks                 []drawnText // violations
	MarksY                float64
	Top, Base, Floor      float64 // of the throughput
	Answered, Missing     string  // paths
	MostAnswered, Columns string
	Ticks                 []drawnText
	// Quiet is the longest time without an acknowledged operation.
	Quiet string
	// LeftOut counts the reads after the clients' last write. They come so fast that
	// beside them the clients' own columns would hardly show.
	LeftOut string
}

type faultRow struct {
	Name string
	Y    float64
	Bars []drawnBand
}

// drawTimeline draws a history; nil if nothing was recorded.
func drawTimeline(h *history.History, v *models.Verdict) *timeline {
	if h == nil || len(h.Operations) == 0 {
		return nil
	}
	end := runEnd(h)
	t := &timeline{Width: drawingWidth, Left: timelineLeft, Right: drawingRight}
	x := timeAxis(end)
	y := t.faults(h.Faults, x)
	y = t.served(h, end, y, x)
	y = t.reigns(h, end, y, x)
	if v != nil && len(v.Violations) > 0 {
		t.MarksY = y + timelineRow/2
		for i := range v.Violations {
			bad := culprit(&v.Violations[i])
			if bad < 0 {
				continue
			}
			o := &v.Violations[i].Operations[bad]
			t.Marks = append(t.Marks, drawnText{X: x(known(o)), Text: fmt.Sprintf("%s of %s at %s", inline(string(v.Violations[i].Rule), 80), inShard(inline(o.Key, 60), h, o.Key), seconds(3)(known(o)))})
		}
		y += timelineRow
	}
	t.Top = y + 14
	t.Base = t.Top + answeredUnits
	t.Floor = t.Base + missingUnits
	t.throughput(h, end, x)
	t.Ticks = timeTicks(end, x)
	t.Height = t.Floor + 26
	return t
}

// runEnd is the last time that a history knows of, and never 0.
func runEnd(h *history.History) time.Duration {
	end := time.Duration(1)
	for i := range h.Operations {
		end = max(end, h.Operations[i].Call, known(&h.Operations[i]))
	}
	for _, f := range h.Faults {
		end = max(end, f.Start, f.End)
	}
	for _, l := range h.Leaders {
		end = max(end, l.At)
	}
	return end
}

// clientsEnd is when the last write had ended; what is read later is not the clients'
// doing. Without writes it is never.
func clientsEnd(h *history.History) time.Duration {
	end, found := time.Duration(math.MinInt64), false
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind.Writes() {
			end, found = max(end, o.Call, known(o)), true
		}
	}
	if !found {
		return math.MaxInt64
	}
	return end
}

// faults gives each kind of fault a row, and returns where the rows end.
func (t *timeline) faults(faults []history.FaultEvent, x func(time.Duration) float64) float64 {
	var names []string
	for _, f := range faults {
		if !slices.Contains(names, f.Fault) {
			names = append(names, f.Fault)
		}
	}
	if len(names) > mostFaultRows {
		names = append(names[:mostFaultRows-1], "")
	}
	for i, name := range names {
		row := faultRow{Name: inline(name, 15), Y: float64(i) * timelineRow}
		if name == "" {
			row.Name = "others"
		}
		for _, f := range faults {
			if f.Fault != name && (name != "" || slices.Contains(names, f.Fault)) {
				continue
			}
			row.Bars = append(row.Bars, drawnBand{X: x(f.Start), W: max(3, x(f.End)-x(f.Start)), Title: faultTitle(&f)})
		}
		t.Rows = append(t.Rows, row)
	}
	return float64(len(names)) * timelineRow
}

// throughput draws a column for each stretch of time: operations that were
// acknowledged in it upwards, those called in it that never were downwards.
func (t *timeline) throughput(h *history.History, end time.Duration, x func(time.Duration) float64) {
	length := binLength
	for end/length >= mostBins {
		length *= 2
	}
	for end/length < leastBins && length > time.Millisecond {
		length /= 10
	}
	bins := int(end/length) + 1
	answered, missing := make([]int, bins), make([]int, bins)
	var returns []time.Duration
	until, leftOut := clientsEnd(h), 0
	first, last := until, time.Duration(0)
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Final || o.Call > until {
			leftOut++
			continue
		}
		first, last = min(first, o.Call), max(last, o.Call, known(o))
		if o.Outcome == history.OK {
			answered[binOf(o.Return, length, bins)]++
			returns = append(returns, o.Return)
		} else {
			missing[binOf(o.Call, length, bins)]++
		}
	}
	most, mostMissing := slices.Max(answered), slices.Max(missing)
	t.Answered = columns(answered, most, t.Base, -answeredUnits, length, x)
	// Both directions have one scale, unless the lower one would leave the drawing.
	t.Missing = columns(missing, max(mostMissing, most*missingUnits/answeredUnits), t.Base+1, missingUnits-1, length, x)
	t.MostAnswered = count(most)
	t.Columns = span(length)
	slices.Sort(returns)
	longest := time.Duration(0)
	for _, at := range append(returns, last) {
		longest, first = max(longest, at-first), at
	}
	t.Quiet = span(longest)
	if leftOut > 0 {
		t.LeftOut = plural(leftOut, "read")
	}
}

func binOf(at, length time.Duration, bins int) int {
	return min(max(int(at/length), 0), bins-1)
}

// columns returns an SVG path of one rectangle for each count.
func columns(counts []int, most int, base, height float64, length time.Duration, x func(time.Duration) float64) string {
	var b strings.Builder
	for i, n := range counts {
		if n == 0 || most == 0 {
			continue
		}
		left, right := x(time.Duration(i)*length), x(time.Duration(i+1)*length)
		h := height * float64(n) / float64(most)
		if h > -1 && h < 1 { // one operation must not be invisible
			h = height / max(height, -height)
		}
		fmt.Fprintf(&b, "M%.1f %.1fv%.1fh%.1fV%.1fz", left, base, h, max(0.6, right-left-0.6), base)
	}
	return b.String()
}

func faultName(f *history.FaultEvent) string {
	return inline(strings.TrimSpace(f.Fault+" "+strings.Join(f.Targets, " ")), 28)
}

func faultTitle(f *history.FaultEvent) string {
	s := fmt.Sprintf("%s from %s to %s (%s), %s", inline(f.Fault+" "+strings.Join(f.Targets, ", "), 80),
		seconds(3)(f.Start), seconds(3)(f.End), span(max(0, f.End-f.Start)), plural(f.Hits, "hit"))
	if f.Detail != "" {
		s += ": " + inline(f.Detail, 200)
	}
	return s
}
