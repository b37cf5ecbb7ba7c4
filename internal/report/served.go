package report

import (
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// mostServedRows is the most shards that the strips show.
	mostServedRows = 12
	// mostStretches is the most stretches of time in a strip.
	mostStretches = 200
)

// servedRow is a strip that tells when writes were acknowledged, to all keys or to a
// shard's.
type servedRow struct {
	Name      string
	Y         float64
	Stretches []servedStretch
}

// servedStretch is a time in which writes were acknowledged, or tried in vain.
type servedStretch struct {
	X, W   float64
	Served bool
	Title  string
}

// served draws the strips, from y on, and returns where they end. Stretches in which no
// write was tried stay empty.
func (t *timeline) served(h *history.History, end time.Duration, y float64, x func(time.Duration) float64) float64 {
	length := max(roundStep(end, mostStretches), 10*time.Millisecond)
	n := int(end/length) + 1
	type tally struct{ tried, acknowledged []int }
	tallies := map[string]*tally{"": {make([]int, n), make([]int, n)}}
	rows := []string{""}
	for _, g := range h.Groups[:min(len(h.Groups), mostServedRows)] {
		if tallies[g.Shard] == nil {
			tallies[g.Shard] = &tally{make([]int, n), make([]int, n)}
			rows = append(rows, g.Shard)
		}
	}
	writes := 0
	for i := range h.Operations {
		o := &h.Operations[i]
		if !o.Kind.Writes() {
			continue
		}
		writes++
		add := func(to *tally) {
			to.tried[binOf(o.Call, length, n)]++
			if o.Outcome == history.OK {
				to.acknowledged[binOf(o.Return, length, n)]++
			}
		}
		add(tallies[""])
		if to := tallies[h.Shards[o.Key]]; to != nil && h.Shards[o.Key] != "" {
			add(to)
		}
	}
	if writes == 0 {
		return y
	}
	for _, shard := range rows {
		row := servedRow{Name: "writes", Y: y}
		if shard != "" {
			row.Name = inline("writes to "+shard, 16)
		}
		all := tallies[shard]
		for from := 0; from < n; {
			tried, served := all.tried[from] > 0, all.acknowledged[from] > 0
			to := from
			count := 0
			for to < n && (all.acknowledged[to] > 0) == served && (all.tried[to] > 0 || served) == (tried || served) {
				count += all.tried[to]
				to++
			}
			if tried || served {
				what := "no write was acknowledged"
				if served {
					what = "writes were acknowledged"
				}
				begin, until := time.Duration(from)*length, min(time.Duration(to)*length, end)
				row.Stretches = append(row.Stretches, servedStretch{
					X: x(begin), W: max(1, x(until)-x(begin)), Served: served,
					Title: fmt.Sprintf("%s from %s to %s; %s", what, seconds(2)(begin), seconds(2)(until), plural(count, "write")+" tried"),
				})
			}
			from = to
		}
		t.Served = append(t.Served, row)
		y += timelineRow
	}
	return y
}
