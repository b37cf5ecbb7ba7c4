package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

func TestLatenciesAreDrawnWhereSomethingWasAnswered(t *testing.T) {
	h := steady() // all answers take 5 ms, and there are none from 1 s to 2 s
	h.Operations[50].Return += 200 * ms
	d := drawLatencies(h)
	if len(d.Lines) != 3 || d.Lines[0].Worst != "5 ms" || d.Lines[2].Worst != "205 ms" {
		t.Fatalf("got %+v", d.Lines)
	}
	for _, l := range d.Lines {
		if n := strings.Count(l.Path, "M"); n != 2 {
			t.Errorf("the line of %s begins %d times, want one before and one behind the gap", l.Name, n)
		}
		for _, at := range regexp.MustCompile(`[ML]\S+ (\S+?)H`).FindAllStringSubmatch(l.Path, -1) {
			var y float64
			if _, err := fmt.Sscan(at[1], &y); err != nil || y < d.Top || y > d.Floor {
				t.Errorf("the line of %s goes through %s", l.Name, at[1])
			}
		}
	}
	if len(d.Bars) != 1 || len(d.Levels) == 0 {
		t.Errorf("%d faults, %d levels", len(d.Bars), len(d.Levels))
	}
	for name, h := range map[string]*history.History{"nothing": nil, "no operations": {}, "one answer": {Operations: []history.Operation{put(1, "a", 0, 1)}}} {
		if drawLatencies(h) != nil {
			t.Errorf("%s: there is a chart", name)
		}
	}
	same := &history.History{Operations: []history.Operation{put(1, "a", 0, 0), put(1, "b", 0, 0)}}
	if d := drawLatencies(same); d == nil || strings.Contains(d.Lines[0].Path, "NaN") || strings.Contains(d.Lines[0].Path, "Inf") {
		t.Errorf("answers at once are drawn as %+v", d)
	}
}

func TestStripsTellWhenWritesWereAcknowledged(t *testing.T) {
	h := sharded()
	d := drawTimeline(h, nil)
	if len(d.Served) != 3 || d.Served[0].Name != "writes" || d.Served[2].Name != "writes to s2" {
		t.Fatalf("the strips are %+v", d.Served)
	}
	var got []string
	for _, s := range d.Served[0].Stretches {
		got = append(got, s.Title)
	}
	want := []string{
		"writes were acknowledged from 0.00 s to 1.00 s; 100 writes tried", "no write was acknowledged from 1.00 s to 2.00 s; 100 writes tried",
		"writes were acknowledged from 2.00 s to 4.00 s; 200 writes tried",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(d.Served[1].Stretches) != 0 || len(d.Served[2].Stretches) != 3 {
		t.Errorf("s1, which nobody wrote to, has %d stretches, s2 has %d", len(d.Served[1].Stretches), len(d.Served[2].Stretches))
	}
	read := &history.History{Operations: []history.Operation{get(1, "a", 0, time.Second)}}
	if d := drawTimeline(read, nil); len(d.Served) != 0 {
		t.Error("a run without writes has a strip of them")
	}
}

func TestStalenessIsDrawnForEachReplica(t *testing.T) {
	c := drawStaleness(lagging())
	if c == nil || len(c.Rows) != 2 {
		t.Fatalf("got %+v", c) // n3 was not read
	}
	for _, r := range c.Rows {
		if r.Median < c.Left || r.P99 < r.Median || r.Worst < r.P99 || r.Worst > c.Width {
			t.Errorf("%s: median %g, 99 %% %g, worst %g", r.Name, r.Median, r.P99, r.Worst)
		}
	}
	if c := drawStaleness(&models.Staleness{Nodes: []models.ReadStaleness{{Reads: 5}}}); c != nil {
		t.Error("reads that were all fresh have a chart")
	}
}

func TestPageWithoutAVerdictSaysWhatToTry(t *testing.T) {
	h := steady()
	v := judge(t, h)
	v.Status, v.Reason = models.Unknown, "time ran out"
	v.Undecided = []models.Undecided{{Key: "a key", Operations: 4000, Open: 120, Reason: "time ran out"}}
	got := write(t, Page{History: h, Verdict: v, Source: "h.json"})
	for _, want := range []string{"What to try", "lsfr check --timeout 10m --key 'a key' h.json", "Up to 120 operations of a key never got an answer"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	result := &Result{Stage: "clustering", Status: Unknown, Checks: []Check{{Name: "clients", Status: Unknown, Failure: &Failure{Summary: "only 12 writes"}}}}
	if got := write(t, Page{Result: result}); !strings.Contains(got.text, "lsfr test clustering --duration 60s") {
		t.Error("the page of a run with too little evidence gives no advice")
	}
	result.Interrupted = true
	if got := write(t, Page{Result: result}); !strings.Contains(got.text, "Let the run end by itself") {
		t.Error("the page of an interrupted run gives no advice")
	}
	result = &Result{Stage: "clustering", Status: Passed}
	if got := write(t, Page{Result: result}); strings.Contains(got.text, "What to try") {
		t.Error("a passed stage gets advice")
	}
}

func TestPageOfAFailedCheckNamesRuleCauseAndGuide(t *testing.T) {
	r := &Result{Stage: "clustering", Status: Failed, Checks: []Check{{Name: "leaders", Status: Failed, Failure: &Failure{Rule: "no single leader", Summary: "n1 and n2 lead"}}}}
	got := write(t, Page{Result: r, Guide: "# Stage 4\n\n## What to build\n\n### The leader\n\nThere is one.\n"})
	for _, want := range []string{"no single leader", "some node voted twice", "From the guide “Stage 4”: The leader There is one."} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
