package report

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// leastStep is the least distance, in pixels, of two different times.
	leastStep = 12
	// idleStep is the width of a stretch in which nothing was under way, when
	// the drawing is not to scale.
	idleStep = 72
)

// timescale maps times to horizontal positions. It never changes their order
// and gives different times different places; lengths it keeps if it can.
type timescale struct {
	times []time.Duration
	x     []float64
	// exact is whether lengths are true to scale.
	exact bool
	// cuts are the stretches of idle time that were shortened.
	cuts []cut
}

type cut struct {
	middle float64
	length time.Duration
}

// newTimescale places times between left and right. Stretches of time in which
// idle holds are the first to be shortened when not everything fits.
func newTimescale(times []time.Duration, idle func(from, to time.Duration) bool, left, right float64) *timescale {
	s := &timescale{times: slices.Clone(times), exact: true}
	slices.Sort(s.times)
	s.times = slices.Compact(s.times)
	n := len(s.times)
	s.x = make([]float64, n)
	for i := range s.x {
		s.x[i] = left
	}
	if n < 2 {
		return s
	}
	whole := float64(s.times[n-1] - s.times[0])
	for i, t := range s.times {
		s.x[i] = left + (right-left)*float64(t-s.times[0])/whole
		if i > 0 && s.x[i]-s.x[i-1] < leastStep {
			s.exact = false
		}
	}
	if !s.exact {
		s.distort(idle, left, right)
	}
	return s
}

// distort gives idle stretches a fixed width, and shares the rest by the
// square root of length, so that short and long operations both show.
func (s *timescale) distort(idle func(from, to time.Duration) bool, left, right float64) {
	n := len(s.times) - 1 // stretches
	step := min(leastStep, (right-left)/float64(n))
	widths := make([]float64, n)
	var roots, fixed float64
	idles := 0
	for i := range n {
		if idle(s.times[i], s.times[i+1]) {
			idles++
		}
	}
	// Idle stretches take a third of the room at most.
	idleWidth := max(step, min(idleStep, (right-left)/3/float64(max(idles, 1))))
	for i := range n {
		from, to := s.times[i], s.times[i+1]
		if idle(from, to) {
			widths[i] = idleWidth
		} else {
			widths[i] = step
			roots += math.Sqrt(float64(to - from))
		}
		fixed += widths[i]
	}
	room := max(0, right-left-fixed)
	x := left
	for i := range n {
		from, to := s.times[i], s.times[i+1]
		s.x[i] = x
		switch {
		case idle(from, to):
			s.cuts = append(s.cuts, cut{middle: x + widths[i]/2, length: to - from})
		case roots > 0:
			widths[i] += room * math.Sqrt(float64(to-from)) / roots
		}
		x += widths[i]
	}
	s.x[n] = x
}

// at returns the position of a time; what lies outside is moved to the edge.
func (s *timescale) at(t time.Duration) float64 {
	i := sort.Search(len(s.times), func(i int) bool { return s.times[i] >= t })
	switch {
	case len(s.times) == 0:
		return 0
	case i == len(s.times):
		return s.x[i-1]
	case i == 0 || s.times[i] == t:
		return s.x[i]
	}
	part := float64(t-s.times[i-1]) / float64(s.times[i]-s.times[i-1])
	return s.x[i-1] + part*(s.x[i]-s.x[i-1])
}

// timeAxis places times of a whole run, up to its end, for the charts below each other.
func timeAxis(end time.Duration) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		return timelineLeft + (drawingRight-timelineLeft)*float64(min(max(at, 0), end))/float64(end)
	}
}

// timeTicks are the times that stand below such a chart.
func timeTicks(end time.Duration, x func(time.Duration) float64) []drawnText {
	var out []drawnText
	step := roundStep(end, 12)
	for at := time.Duration(0); at <= end; at += step {
		out = append(out, drawnText{X: x(at), Text: fmt.Sprintf("%g s", at.Seconds()), End: x(at) > drawingRight-24})
	}
	return out
}

// faultBands places the first faults behind such a chart: those aimed at a node, or all if
// it is empty.
func faultBands(faults []history.FaultEvent, node string, x func(time.Duration) float64) []drawnBand {
	var out []drawnBand
	for i := range faults[:min(len(faults), listedFaults)] {
		if f := &faults[i]; node == "" || slices.Contains(f.Targets, node) {
			out = append(out, drawnBand{X: x(f.Start), W: max(1, x(f.End)-x(f.Start)), Title: faultTitle(f)})
		}
	}
	return out
}

// roundStep returns 1, 2 or 5 times a power of ten, so that at most n such
// steps fit into length.
func roundStep(length time.Duration, n int) time.Duration {
	for step := time.Microsecond; ; step *= 10 {
		for _, m := range []time.Duration{1, 2, 5} {
			if length/(m*step) < time.Duration(n) || step > math.MaxInt64/100 {
				return m * step
			}
		}
	}
}
