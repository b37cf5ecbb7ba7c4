package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func TestLanesOfClientsAreOrderedByTheirNumbers(t *testing.T) {
	h := &history.History{Header: history.Header{Model: "linearizable", Nodes: []string{"n1"}}}
	for i, client := range []int{9, 4, 0, 2} { // all at once
		o := put(client, fmt.Sprint("v", i), time.Duration(i)*ms, 20*ms)
		o.ID = int64(i)
		h.Operations = append(h.Operations, o)
	}
	next := put(12, "v4", 30*ms, 40*ms) // goes on in a lane that is free
	next.ID = 4
	h.Operations = append(h.Operations, next)
	tab := open(t, Page{History: h, Verdict: judge(t, h)}, "")
	names := evaluate[[]string](t, tab, "lsfr.timeline.layout.lanes.groups.map((g) => g.name.replace(' …', ''))")
	if got := strings.Join(names, ", "); got != "client 0, client 2, client 4, client 9" {
		t.Errorf("the lanes are %s", got)
	}
	inPlace := evaluate[bool](t, tab, `lsfr.data.ops.client.every((c, i) => {
		const g = lsfr.timeline.layout.lanes.groups[lsfr.timeline.layout.lanes.row[i]]
		return g.title.split(/[^0-9]+/).includes(String(c))
	})`)
	if !inPlace {
		t.Error("an operation stands in a lane that does not name its client")
	}
	told := evaluate[string](t, tab, `(() => {
		const { layout } = lsfr.timeline
		const shared = layout.lanes.groups.find((g) => g.name.endsWith('…'))
		return lsfr.timeline.under(20, layout.laneTop + (shared.from + 0.5) * layout.rowHeight).text
	})()`)
	if !strings.HasSuffix(told, "\nand, one after the other, 12") {
		t.Errorf("the lane of client 12 says %q", told)
	}
}

func TestTheTextOfAnOperationIsSeenWhole(t *testing.T) {
	tab := open(t, eventful(t), "")
	for _, lanes := range []string{"node", "client"} {
		seen := evaluate[string](t, tab, fmt.Sprintf(`(() => {
			const lanes = document.getElementById('filters').elements.lanes
			lanes.value = %q
			lanes.dispatchEvent(new Event('input', { bubbles: true }))
			lanes.dispatchEvent(new Event('change', { bubbles: true }))
			wholeRun(lsfr.data)
			const { data, timeline, timeline: { canvas, layout } } = lsfr
			const box = canvas.getBoundingClientRect()
			const stage = canvas.parentElement.getBoundingClientRect()
			const tip = document.getElementById('tip')
			const rows = [layout.lanes.row.indexOf(0), layout.lanes.row.indexOf(Math.max(...layout.lanes.row))]
			return rows.map((i) => {
				const x = box.left + timeline.x(data.ops.call[i]) + 1
				const y = box.top + layout.laneTop + (layout.lanes.row[i] + 0.5) * layout.rowHeight
				canvas.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: y, pointerId: 1 }))
				const is = tip.getBoundingClientRect()
				const over = is.left < x && x < is.right && is.top < y && y < is.bottom
				return !tip.hidden && !over && is.top >= stage.top && is.bottom <= stage.bottom && is.left >= stage.left && is.right <= stage.right
			}).join(' ')
		})()`, lanes))
		if seen != "true true" {
			t.Errorf("by %s, of the texts in the first and the last row are whole: %s", lanes, seen)
		}
	}
}
