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

// Reads at the end come much faster than clients work.
func TestTimelineIsToTheScaleOfTheClients(t *testing.T) {
	h := steady()
	plain := drawTimeline(h, nil)
	if plain.LeftOut != "" {
		t.Errorf("%s left out", plain.LeftOut)
	}
	last := h.Operations[len(h.Operations)-1].Return
	h.Operations = append(h.Operations, get(7, "c0-10", last, last)) // still a client's
	for i := range 500 {
		o := get(7, "c0-10", last+ms+time.Duration(i), last+2*ms)
		o.Final = i%2 == 0 // the others were followed by further ones
		h.Operations = append(h.Operations, o)
	}
	late := get(7, "c0-10", time.Second, 1500*ms)
	late.Final = true
	h.Operations = append(h.Operations, late)
	d := drawTimeline(h, nil)
	if d.MostAnswered != "11" || d.LeftOut != "501 reads" || d.Quiet != plain.Quiet {
		t.Errorf("most %s, left out %q, longest gap %s", d.MostAnswered, d.LeftOut, d.Quiet)
	}
	for i := range h.Operations { // without writes nothing says when clients ended
		h.Operations[i].Kind = history.Get
	}
	if d := drawTimeline(h, nil); d.LeftOut != "251 reads" {
		t.Errorf("of reads only, %q are left out", d.LeftOut)
	}
	for i := range h.Operations {
		h.Operations[i].Final = true
	}
	if d := drawTimeline(h, nil); d.Answered != "" || d.Quiet != "0 µs" {
		t.Errorf("with final reads only, there are columns %q and a gap of %s", d.Answered, d.Quiet)
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
