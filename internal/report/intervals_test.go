package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const ms = time.Millisecond

func put(client int, value string, call, ret time.Duration) history.Operation {
	return history.Operation{Client: client, Node: "n1", Kind: history.Put, Key: "k", Value: value, Call: call, Return: ret, Outcome: history.OK, Status: 200}
}

func get(client int, value string, call, ret time.Duration) history.Operation {
	o := history.Operation{Client: client, Node: "n1", Kind: history.Get, Key: "k", Value: value, Present: true, Call: call, Return: ret, Outcome: history.OK, Status: 200}
	if value == "" {
		o.Present, o.Status = false, 404
	}
	return o
}

func violation(ops ...history.Operation) *models.Violation {
	for i := range ops {
		ops[i].ID = int64(i)
	}
	return &models.Violation{Rule: models.RuleStaleRead, Key: "k", Operations: ops, Sentence: "It is stale."}
}

func TestTimescaleKeepsTheOrderOfTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var times []time.Duration
		for range 2 + random.IntN(40) {
			times = append(times, time.Duration(random.ExpFloat64()*float64(time.Second)*float64(random.IntN(1000))))
		}
		s := newTimescale(times, func(from, _ time.Duration) bool { return from%3 == 0 }, 100, 1000)
		for i := range s.x {
			if s.x[i] < 100 || s.x[i] > 1000.001 {
				t.Fatalf("round %d: time %s is drawn at %.1f, outside", round, s.times[i], s.x[i])
			}
			if i > 0 && s.x[i] <= s.x[i-1] {
				t.Fatalf("round %d: %s is not drawn to the right of %s", round, s.times[i], s.times[i-1])
			}
		}
		for range 50 {
			a := time.Duration(random.Int64N(int64(s.times[len(s.times)-1]) + 1))
			b := a + time.Duration(random.Int64N(int64(time.Second)))
			if s.at(a) > s.at(b) {
				t.Fatalf("round %d: %s is drawn to the right of %s", round, a, b)
			}
		}
	}
}

func TestTimescaleIsExactOnlyWhereEverythingShows(t *testing.T) {
	never := func(_, _ time.Duration) bool { return false }
	even := newTimescale([]time.Duration{0, 10 * ms, 20 * ms}, never, 0, 100)
	if !even.exact || even.at(10*ms) != 50 {
		t.Errorf("even times: exact %v, the middle is at %.1f", even.exact, even.at(10*ms))
	}
	uneven := newTimescale([]time.Duration{0, 1 * ms, 10 * time.Second}, never, 0, 1000)
	if uneven.exact {
		t.Error("a stretch of a ten thousandth of the width is called exact")
	}
	if got := uneven.at(1 * ms); got < leastStep {
		t.Errorf("the short stretch has %.1f pixels, want at least %d", got, leastStep)
	}
}

func TestTimescaleShortensIdleTime(t *testing.T) {
	idle := func(from, _ time.Duration) bool { return from == 5*ms }
	s := newTimescale([]time.Duration{0, 5 * ms, 60 * time.Second, 60*time.Second + 5*ms}, idle, 0, 1000)
	if len(s.cuts) != 1 || s.cuts[0].length != 60*time.Second-5*ms {
		t.Fatalf("cuts are %+v", s.cuts)
	}
	if width := s.at(60*time.Second) - s.at(5*ms); width > idleStep {
		t.Errorf("a minute without operations takes %.0f pixels", width)
	}
}

func TestDrawnBarsFollowTheOperations(t *testing.T) {
	open := put(2, "c", 12*ms, 0)
	open.Outcome = history.Unknown
	refused := put(3, "d", 13*ms, 14*ms)
	refused.Outcome, refused.Status = history.Failed, 400
	v := violation(put(0, "a", 0, 10*ms), put(1, "b", 11*ms, 30*ms), open, refused, get(0, "a", 40*ms, 50*ms))
	d := drawIntervals(v, []history.FaultEvent{
		{Fault: "kill", Targets: []string{"n1"}, Start: 32 * ms, End: 36 * ms},
		{Fault: "stop", Targets: []string{"n1"}, Start: 900 * ms, End: 950 * ms},
	}, false)
	if len(d.Bars) != 5 || len(d.Lanes) != 4 {
		t.Fatalf("%d bars on %d lanes, want 5 on 4", len(d.Bars), len(d.Lanes))
	}
	byNumber := make(map[int]drawnBar)
	for _, b := range d.Bars {
		byNumber[b.Number] = b
	}
	end := func(n int) float64 { return byNumber[n].X + byNumber[n].W }
	if end(1) >= byNumber[2].X {
		t.Error("operation 1 returned before 2 was called, but their bars overlap")
	}
	if end(3) != drawingRight || !byNumber[3].Open {
		t.Errorf("the unknown write ends at %.0f, want %d: it may take effect at any later time", end(3), drawingRight)
	}
	if !strings.Contains(byNumber[4].Class, "failed") || !d.HasFailed {
		t.Errorf("the refused write has class %q", byNumber[4].Class)
	}
	if byNumber[1].Class[4:] != byNumber[5].Class[4:] || byNumber[1].Class[4:] == byNumber[2].Class[4:] {
		t.Errorf("colours: write %q, its read %q, another write %q", byNumber[1].Class, byNumber[5].Class, byNumber[2].Class)
	}
	if byNumber[1].Y != byNumber[5].Y {
		t.Error("the operations of one client are on different heights")
	}
	if len(d.Bands) != 1 || !strings.HasPrefix(d.Bands[0].Label, "kill") {
		t.Fatalf("bands are %+v, want the kill only: the stop came later", d.Bands)
	}
	if b := d.Bands[0]; b.X <= end(2) || b.X+b.W >= byNumber[5].X {
		t.Error("the kill between the write and the read is not drawn between them")
	}
}

func TestLabelsDoNotOverlap(t *testing.T) {
	var ops []history.Operation
	for i := range 12 {
		ops = append(ops, put(0, fmt.Sprintf("a-rather-long-value-%d", i), time.Duration(10*i)*ms, time.Duration(10*i+9)*ms))
	}
	d := drawIntervals(violation(ops...), nil, false)
	for i, a := range d.Bars {
		for _, b := range d.Bars[:i] {
			from := func(x drawnBar) float64 {
				if x.LabelEnd {
					return x.LabelX - charWidth*float64(len(x.Label))
				}
				return x.LabelX
			}
			apart := from(a) >= from(b)+charWidth*float64(len(b.Label)) || from(b) >= from(a)+charWidth*float64(len(a.Label))
			if a.LabelY == b.LabelY && !apart {
				t.Errorf("labels %q and %q overlap", a.Label, b.Label)
			}
		}
	}
}

func TestLongProofsAreDrawnFromTheirEnd(t *testing.T) {
	var ops []history.Operation
	for i := range 100 {
		ops = append(ops, put(i, fmt.Sprint(i), time.Duration(i)*ms, time.Duration(i+2)*ms))
	}
	var faults []history.FaultEvent
	for i := range 30 {
		faults = append(faults, history.FaultEvent{Fault: "kill", Start: time.Duration(60+i) * ms, End: time.Duration(61+i) * ms})
	}
	d := drawIntervals(violation(ops...), faults, false)
	if len(d.Bars) != drawnOperations || d.Hidden != 60 || d.Bars[0].Number != 61 {
		t.Errorf("%d bars from number %d, %d hidden", len(d.Bars), d.Bars[0].Number, d.Hidden)
	}
	if len(d.Bands) != drawnFaults || d.HiddenFaults != 30-drawnFaults {
		t.Errorf("%d faults drawn, %d hidden", len(d.Bands), d.HiddenFaults)
	}
}

func TestCulpritIsTheReadThatCompletesTheProof(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []history.Operation
		want int
	}{
		{"the old value after the new write", []history.Operation{put(0, "a", 0, 1), put(1, "b", 2, 3), get(2, "a", 4, 5)}, 2},
		{"the same with a later read of the new value", []history.Operation{put(0, "a", 0, 1), put(1, "b", 2, 3), get(2, "a", 4, 5), get(2, "b", 6, 7)}, 2},
		{"the new value is known from a read only", []history.Operation{put(0, "a", 0, 1), put(1, "b", 0, 9), get(2, "a", 2, 3), get(3, "b", 4, 5), get(2, "a", 6, 7)}, 4},
		{"nothing found", []history.Operation{put(0, "a", 0, 1), get(2, "", 4, 5)}, 1},
		{"no read at all", []history.Operation{put(0, "a", 0, 1)}, -1},
	} {
		if got := culprit(violation(c.ops...)); got != c.want {
			t.Errorf("%s: operation %d, want %d", c.name, got, c.want)
		}
	}
}
