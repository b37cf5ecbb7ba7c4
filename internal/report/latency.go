package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	latencyUnits = 150 // height of the chart
	latencyTop   = 12
)

// percentiles are those that the chart draws, with the class of their line.
var percentiles = [...]struct {
	Share float64
	Name  string
	Class string
}{{0.50, "median", "p50"}, {0.95, "95 %", "p95"}, {0.99, "99 %", "p99"}}

// latencies draws how long answered operations took, over the time of their return.
type latencies struct {
	Width, Height, Left, Right, Top, Floor float64
	Lines                                  []latencyLine
	Bars                                   []drawnBand // faults
	Ticks                                  []drawnText
	Levels                                 []drawnLevel
	Columns                                string
}

type latencyLine struct{ Name, Class, Path, Worst string }

type drawnLevel struct {
	Y    float64
	Text string
}

// drawLatencies draws a history, on a logarithmic scale; nil if hardly anything was
// answered. Percentiles are by nearest rank. Final reads and what came after the clients'
// last write are left out, as in the throughput.
func drawLatencies(h *history.History) *latencies {
	if h == nil {
		return nil
	}
	end, until := runEnd(h), clientsEnd(h)
	length := max(roundStep(end, 100), time.Millisecond)
	bins := make([][]time.Duration, int(end/length)+1)
	least, most, n := time.Duration(math.MaxInt64), time.Duration(0), 0
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Outcome != history.OK || o.Final || o.Call > until {
			continue
		}
		took := max(o.Return-o.Call, time.Microsecond)
		b := binOf(o.Return, length, len(bins))
		bins[b] = append(bins[b], took)
		least, most, n = min(least, took), max(most, took), n+1
	}
	if n < 2 {
		return nil
	}
	d := &latencies{
		Width: drawingWidth, Left: timelineLeft, Right: drawingRight, Top: latencyTop, Floor: latencyTop + latencyUnits, Columns: span(length),
	}
	d.Height = d.Floor + 26
	x := timeAxis(end)
	low, high := math.Log10(float64(least))-0.1, math.Log10(float64(most))+0.1
	y := func(took float64) float64 { return d.Floor - latencyUnits*(math.Log10(took)-low)/(high-low) }
	for level := math.Ceil(low); level <= high; level++ {
		d.Levels = append(d.Levels, drawnLevel{y(math.Pow(10, level)), levelText(time.Duration(math.Pow(10, level)))})
	}
	for _, b := range bins {
		slices.Sort(b)
	}
	for _, p := range percentiles {
		line := latencyLine{Name: p.Name, Class: p.Class}
		var path strings.Builder
		worst, drawn := time.Duration(0), false
		for i, b := range bins {
			if len(b) == 0 {
				drawn = false // a line over a gap would tell of operations that there were not
				continue
			}
			v := b[max(int(math.Ceil(p.Share*float64(len(b))))-1, 0)]
			worst = max(worst, v)
			move := 'L'
			if !drawn {
				move = 'M'
			}
			// A step over the whole column shows also where its neighbours are empty.
			fmt.Fprintf(&path, "%c%.1f %.1fH%.1f", move, x(time.Duration(i)*length), y(float64(v)), x(time.Duration(i+1)*length))
			drawn = true
		}
		line.Path, line.Worst = path.String(), span(worst)
		d.Lines = append(d.Lines, line)
	}
	d.Bars, d.Ticks = faultBands(h.Faults, "", x), timeTicks(end, x)
	return d
}

// levelText writes a power of ten.
func levelText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%g µs", d.Seconds()*1e6)
	case d < time.Second:
		return fmt.Sprintf("%g ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}
