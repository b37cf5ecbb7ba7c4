package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// mostOperations is the most operations that a page carries one by one.
	mostOperations = 150_000
	// surroundings is how far around a violation everything is kept, if there is room.
	surroundings = 5 * time.Second
	// surroundedViolations is the most violations whose surroundings are kept.
	surroundedViolations = 20
)

// proofSpan is the time from a proof's first call to its last answer.
type proofSpan struct{ from, to time.Duration }

func proofTime(x *models.Violation) proofSpan {
	if len(x.Operations) == 0 {
		return proofSpan{}
	}
	s := proofSpan{x.Operations[0].Call, x.Operations[0].Call}
	for i := range x.Operations {
		o := &x.Operations[i]
		s.from, s.to = min(s.from, o.Call), max(s.to, o.Call, known(o))
	}
	return s
}

// kept returns the indexes of the operations that a page carries, by call time: all of
// them if there are at most limit; else those that prove violations, those around where
// the first violations show, and of the others one in so many, evenly.
func kept(h *history.History, v *models.Verdict, limit int) []int {
	order := make([]int, len(h.Operations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(h.Operations[a].Call, h.Operations[b].Call) })
	if len(order) <= limit {
		return order
	}
	needed := make(map[int64]bool)
	var shows []time.Duration
	if v != nil {
		for i := range v.Violations {
			x := &v.Violations[i]
			for j := range x.Operations {
				needed[x.Operations[j].ID] = true
			}
			if i < surroundedViolations && len(x.Operations) > 0 {
				shows = append(shows, proofTime(x).to)
			}
		}
	}
	near := func(o *history.Operation, within time.Duration) bool {
		return slices.ContainsFunc(shows, func(t time.Duration) bool { return (o.Call - t).Abs() <= within })
	}
	within := surroundings
	for len(shows) > 0 {
		n := 0
		for i := range h.Operations {
			if near(&h.Operations[i], within) {
				n++
			}
		}
		if n <= limit/2 || within == 0 {
			break
		}
		within /= 2
	}
	keep := make([]bool, len(order))
	n := 0
	for at, i := range order {
		if o := &h.Operations[i]; needed[o.ID] || near(o, within) {
			keep[at] = true
			n++
		}
	}
	rest, room := len(order)-n, max(limit-n, 0)
	out := make([]int, 0, n+room)
	seen := 0
	for at, i := range order {
		if keep[at] {
			out = append(out, i)
			continue
		}
		// The k-th of the others is taken whenever its share of the room grows by one.
		if seen*room/rest != (seen+1)*room/rest {
			out = append(out, i)
		}
		seen++
	}
	return out
}
