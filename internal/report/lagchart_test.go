package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// replicated is 3 s of a write every 100 ms through n1, read 20 ms later through n1 and n2;
// from 1 s to 2 s n2, which is cut off, returns what it had at 1 s. n3 is not read.
func replicated() *history.History {
	h := &history.History{Header: history.Header{Model: "eventual", Nodes: []string{"n1", "n2", "n3"}}}
	add := func(o history.Operation, node string) {
		o.ID, o.Node = int64(len(h.Operations)), node
		h.Operations = append(h.Operations, o)
	}
	for i := range 30 {
		at := time.Duration(i) * 100 * ms
		add(put(1, fmt.Sprint("v", i), at, at+5*ms), "n1")
		add(get(2, fmt.Sprint("v", i), at+25*ms, at+26*ms), "n1")
		seen := i
		if i >= 10 && i < 20 {
			seen = 9
		}
		add(get(3, fmt.Sprint("v", seen), at+25*ms, at+26*ms), "n2")
	}
	h.Faults = []history.FaultEvent{{Fault: "cut", Targets: []string{"n2"}, Start: time.Second, End: 2 * time.Second}}
	return h
}

func TestStalenessOverTimeIsThatOfEachReplica(t *testing.T) {
	h := replicated()
	before := fmt.Sprint(h.Operations)
	c, err := drawLags(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(h.Operations) != before {
		t.Error("drawing changed the history")
	}
	if len(c.Strips) != 2 || c.Strips[0].Name != "n1" || c.Strips[1].Name != "n2" {
		t.Fatalf("the strips are %+v", c.Strips) // n3 was not read
	}
	n1, n2 := c.Strips[0], c.Strips[1]
	if len(n1.Stretches) != 0 || len(n1.Hit) != 0 || n1.Told != "n1: none of 30 reads was stale." || strings.Count(n1.Fresh, "M") != 30 {
		t.Errorf("the strip of n1, which was always fresh, is %+v", n1)
	}
	// The values had been replaced at 1.005 s, and were last read at 1.925 s. Columns are 50 ms,
	// of which every other one has reads.
	if len(n2.Hit) != 1 || n2.Told != "n2: 10 of 30 reads stale; the worst by 920 ms, at about 1.90 s." || strings.Count(n2.Fresh, "M") != 20 || len(n2.Stretches) != 10 {
		t.Errorf("the strip of n2 is %+v", n2)
	}
	if last := n2.Stretches[9]; last.Title != "n2 from 1.90 s to 1.95 s: 1 of 1 read stale, the worst by 920 ms" {
		t.Errorf("the last stretch says %q", last.Title)
	}
	var first, last float64
	for i, top := range map[int]*float64{0: &first, 9: &last} {
		var x float64
		if _, err := fmt.Sscanf(n2.Stretches[i].Worst, "M%f %fV%f", &x, new(float64), top); err != nil {
			t.Fatal(err)
		}
		if from := c.Left + (c.Right-c.Left)/runEnd(h).Seconds(); x < from-1 {
			t.Errorf("stretch %d begins at %g, before 1 s, at %g", i, x, from)
		}
	}
	if last >= first || last < n2.Top || first > n2.Floor {
		t.Errorf("between %g and %g, 20 ms are drawn at %g and 920 ms at %g", n2.Top, n2.Floor, first, last)
	}
	if len(c.Bars) != 1 || len(c.Ticks) == 0 {
		t.Errorf("%d faults, %d times", len(c.Bars), len(c.Ticks))
	}
}

func TestColumnsOfStalenessSumUpToTheFiguresOfTheRun(t *testing.T) {
	h := replicated()
	whole, err := models.MeasureStaleness(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	nodes, overall, err := lagColumns(t.Context(), h, 70*ms, 50)
	if err != nil {
		t.Fatal(err)
	}
	if overall.Reads != whole.Overall.Reads || overall.Time != whole.Overall.Time {
		t.Errorf("overall %+v, want %+v", overall, whole.Overall)
	}
	for i, n := range nodes {
		want := whole.Nodes[i]
		reads, stale, worst := 0, 0, time.Duration(0)
		for _, c := range n.columns {
			reads, stale, worst = reads+c.Reads, stale+c.Stale, max(worst, c.Time.Worst)
		}
		if n.node != want.Node || reads != want.Reads || stale != want.Stale || worst != want.Time.Worst {
			t.Errorf("%s: %d of %d reads, worst %s; want %+v", n.node, stale, reads, worst, want)
		}
	}
}

func TestStalenessOverTimeIsOnlyDrawnWhereSomethingWasStale(t *testing.T) {
	fresh := replicated()
	for i := range fresh.Operations {
		fresh.Operations[i].Node = "n1"
	}
	fresh.Operations = fresh.Operations[:20]
	for name, h := range map[string]*history.History{"only fresh reads": fresh, "no operations": {}} {
		if c, err := drawLags(t.Context(), h); c != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := drawLags(ctx, replicated()); !errors.Is(err, context.Canceled) {
		t.Errorf("the error of an interrupted measure is %v", err)
	}
	crowd := replicated()
	for i := range crowd.Operations {
		crowd.Operations[i].Node = fmt.Sprint("a-node-with-a-long-name-", i)
	}
	c, err := drawLags(t.Context(), crowd)
	if err != nil || len(c.Strips) != drawnReplicas || c.More == 0 {
		t.Errorf("%d nodes have strips and %d not; %v", len(c.Strips), c.More, err)
	}
}

func TestPageDrawsStalenessOverTimeUnderTheEventualModel(t *testing.T) {
	h := replicated()
	v := judge(t, h)
	s, err := models.MeasureStaleness(t.Context(), h)
	if err != nil || v.Model != "eventual" {
		t.Fatalf("%s, %v", v.Model, err)
	}
	got := write(t, Page{History: h, Verdict: v, Staleness: &s})
	for _, want := range []string{"How stale each replica was over time", "n2: 10 of 30 reads stale; the worst by 920 ms", "per 50 ms"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	strict := *v
	strict.Model = "linearizable"
	if got := write(t, Page{History: h, Verdict: &strict, Staleness: &s}); strings.Contains(got.text, "over time") {
		t.Error("the chart is on the page of another model")
	}
}
