package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// mostReigns is the most changes of leadership that a timeline shows.
	mostReigns = 400
	// patterns is the number of patterns that tell leaders apart. They differ in shape
	// as well as in colour.
	patterns = 6
	// keyedLeaders is the most leaders that the legend names.
	keyedLeaders = 12
)

// reign is the time in which one node led, or nobody.
type reign struct {
	X, W    float64
	Pattern int // -1 if nobody led
	// Label is the leader's ID, empty where there is no room for it.
	Label, Title string
	Middle       float64
}

// leaderKey is an entry of the legend.
type leaderKey struct {
	Name    string
	Pattern int
}

// reigns draws who led when, in a row at y, and returns where the row ends.
func (t *timeline) reigns(h *history.History, end time.Duration, y float64, x func(time.Duration) float64) float64 {
	if len(h.Leaders) == 0 {
		return y
	}
	t.ReignsY = y
	events := slices.Clone(h.Leaders)
	slices.SortStableFunc(events, func(a, b history.LeaderEvent) int { return cmp.Compare(a.At, b.At) })
	number := make(map[string]int) // of each node
	for _, n := range h.Nodes {
		number[n] = len(number)
	}
	keyed := make(map[string]bool)
	for i, l := range events {
		if i == mostReigns {
			t.MoreReigns = len(events) - mostReigns
			break
		}
		until := end
		if i+1 < len(events) {
			until = events[i+1].At
		}
		r := reign{X: x(l.At), W: max(1, x(until)-x(l.At)), Pattern: -1}
		when := fmt.Sprintf("from %s to %s (%s)", seconds(3)(l.At), seconds(3)(until), span(max(0, until-l.At)))
		if l.Leader == "" {
			r.Title = "no leader " + when
			t.Leaderless = true
			t.Reigns = append(t.Reigns, r)
			continue
		}
		if _, known := number[l.Leader]; !known {
			number[l.Leader] = len(number)
		}
		name := nodeName(l.Leader)
		r.Pattern, r.Middle = number[l.Leader]%patterns, r.X+r.W/2
		r.Title = fmt.Sprintf("%s led %s, term %d", name, when, l.Term)
		if r.W > charWidth*float64(len(name))+10 {
			r.Label = name
		}
		t.Reigns = append(t.Reigns, r)
		if !keyed[l.Leader] && len(keyed) < keyedLeaders {
			keyed[l.Leader] = true
			t.LeaderKeys = append(t.LeaderKeys, leaderKey{name, r.Pattern})
		}
	}
	slices.SortStableFunc(t.LeaderKeys, func(a, b leaderKey) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return y + timelineRow
}
