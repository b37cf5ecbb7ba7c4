package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// mostReigns is the most changes of leadership that a timeline shows, in all rows.
	mostReigns = 400
	// mostReignRows is the most shards whose leaders it shows.
	mostReignRows = 12
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

// reignRow is who led a shard group, or a cluster without shards.
type reignRow struct {
	Name   string
	Y      float64
	Reigns []reign
}

// reigns draws who led when, in a row for each shard from y on, and returns where the
// rows end.
func (t *timeline) reigns(h *history.History, end time.Duration, y float64, x func(time.Duration) float64) float64 {
	number := make(map[string]int) // of each node
	for _, n := range h.Nodes {
		number[n] = len(number)
	}
	keyed := make(map[string]bool)
	shards, leaders := leadersByShard(h)
	for i, shard := range shards {
		events := leaders[shard]
		if i >= mostReignRows {
			t.MoreReigns += len(events)
			continue
		}
		row := reignRow{Name: "leader", Y: y}
		led, of := "", ""
		if shard != "" {
			row.Name = inline("leader of "+shard, 16)
			led = " shard " + inline(shard, 24)
			of = " of" + led
		}
		most := mostReigns / min(len(shards), mostReignRows)
		t.MoreReigns += max(0, len(events)-most)
		for j, l := range events[:min(len(events), most)] {
			until := end
			if j+1 < len(events) {
				until = events[j+1].At
			}
			r := reign{X: x(l.At), W: max(1, x(until)-x(l.At)), Pattern: -1}
			when := fmt.Sprintf("from %s to %s (%s)", seconds(3)(l.At), seconds(3)(until), span(max(0, until-l.At)))
			if l.Leader == "" {
				r.Title = "no leader" + of + " " + when
				t.Leaderless = true
				row.Reigns = append(row.Reigns, r)
				continue
			}
			if _, known := number[l.Leader]; !known {
				number[l.Leader] = len(number)
			}
			name := nodeName(l.Leader)
			r.Pattern, r.Middle = number[l.Leader]%patterns, r.X+r.W/2
			r.Title = fmt.Sprintf("%s led%s %s, term %d", name, led, when, l.Term)
			if r.W > charWidth*float64(len(name))+10 {
				r.Label = name
			}
			row.Reigns = append(row.Reigns, r)
			if !keyed[l.Leader] && len(keyed) < keyedLeaders {
				keyed[l.Leader] = true
				t.LeaderKeys = append(t.LeaderKeys, leaderKey{name, r.Pattern})
			}
		}
		t.Reigns = append(t.Reigns, row)
		y += timelineRow
	}
	slices.SortStableFunc(t.LeaderKeys, func(a, b leaderKey) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return y
}

// leadersByShard returns the changes of each shard's leaders in the order of their times,
// and the shards that have any in the order of their groups; those of no group come last.
func leadersByShard(h *history.History) (shards []string, events map[string][]history.LeaderEvent) {
	events = make(map[string][]history.LeaderEvent)
	known := make(map[string]bool)
	add := func(shard string) {
		if !known[shard] {
			known[shard] = true
			shards = append(shards, shard)
		}
	}
	for _, g := range h.Groups {
		add(g.Shard)
	}
	for _, l := range h.Leaders {
		add(l.Shard)
		events[l.Shard] = append(events[l.Shard], l)
	}
	for _, e := range events {
		slices.SortStableFunc(e, func(a, b history.LeaderEvent) int { return cmp.Compare(a.At, b.At) })
	}
	return slices.DeleteFunc(shards, func(shard string) bool { return events[shard] == nil }), events
}
