package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// steady is a write every 10 ms for 4 s, none of which is answered from 1 s to 2 s.
func steady() *history.History {
	h := &history.History{Header: history.Header{
		Challenge: "kv-store", Stage: "crash-recovery", Scenario: "writes and kills", Model: "linearizable", Seed: 42, Nodes: []string{"n1"},
	}}
	for i := range 400 {
		o := put(0, fmt.Sprintf("c0-%d", i), time.Duration(i)*10*ms, time.Duration(i)*10*ms+5*ms)
		o.ID = int64(i)
		if i >= 100 && i < 200 {
			o.Outcome, o.Return, o.Status, o.Error = history.Unknown, 0, 0, "connection reset"
			o.Client = i
		}
		h.Operations = append(h.Operations, o)
	}
	h.Faults = []history.FaultEvent{{Fault: "kill", Targets: []string{"n1"}, Start: time.Second, End: 2 * time.Second, Hits: 3, Detail: "SIGKILL"}}
	return h
}

func TestTimelineShowsWhenNothingWasAcknowledged(t *testing.T) {
	d := drawTimeline(steady(), nil)
	if got := strings.Count(d.Answered, "M"); got != 30 {
		t.Errorf("%d columns of acknowledged operations, want 30 of 40", got)
	}
	if got := strings.Count(d.Missing, "M"); got != 10 {
		t.Errorf("%d columns of unacknowledged operations, want 10", got)
	}
	if d.MostAnswered != "10" || d.Columns != "100 ms" || d.Quiet != "1.0 s" {
		t.Errorf("most %s per %s, longest gap %s", d.MostAnswered, d.Columns, d.Quiet)
	}
	if len(d.Rows) != 1 || len(d.Rows[0].Bars) != 1 || !strings.Contains(d.Rows[0].Bars[0].Title, "3 hits: SIGKILL") {
		t.Errorf("fault rows are %+v", d.Rows)
	}
}

func TestTimelineGrowsItsColumnsWithTheRun(t *testing.T) {
	h := steady()
	last := put(0, "late", time.Hour, time.Hour+ms)
	h.Operations = append(h.Operations, last)
	d := drawTimeline(h, nil)
	if n := strings.Count(d.Answered, "M"); n > mostBins || n == 0 {
		t.Errorf("%d columns in an hour", n)
	}
	if len(d.Ticks) > 14 {
		t.Errorf("%d times on the axis", len(d.Ticks))
	}
	brief := &history.History{Operations: []history.Operation{put(0, "a", 0, 3*ms)}}
	if d := drawTimeline(brief, nil); d.Columns != "1 ms" {
		t.Errorf("a run of 3 ms has columns of %s", d.Columns)
	}
}

func TestTimelineGathersRareFaultsInOneRow(t *testing.T) {
	h := steady()
	h.Faults = nil
	for i := range 30 {
		h.Faults = append(h.Faults, history.FaultEvent{Fault: fmt.Sprintf("fault-%d", i), Start: time.Second, End: time.Second})
	}
	d := drawTimeline(h, nil)
	bars := 0
	for _, r := range d.Rows {
		bars += len(r.Bars)
	}
	if len(d.Rows) != mostFaultRows || bars != 30 {
		t.Errorf("%d rows with %d faults, want %d with 30", len(d.Rows), bars, mostFaultRows)
	}
}

func TestTimelineOfNothing(t *testing.T) {
	if d := drawTimeline(nil, nil); d != nil {
		t.Error("a run without a history has a timeline")
	}
	if d := drawTimeline(&history.History{}, nil); d != nil {
		t.Error("an empty history has a timeline")
	}
}
