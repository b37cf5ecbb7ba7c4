package report

import (
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// partition is a stale read through n4, which is cut off, of what n1 had overwritten.
func partition() (*history.History, *models.Violation) {
	older, newer, read := put(3, "c0-97", 100*ms, 110*ms), put(5, "c3-118", 12300*ms, 12311*ms), get(3, "c0-97", 12400*ms, 12401*ms)
	older.Node, newer.Node, read.Node = "n4", "n1", "n4"
	x := violation(older, newer, read)
	h := &history.History{Header: history.Header{Nodes: []string{"n1", "n2", "n3", "n4"}}, Operations: x.Operations}
	return h, x
}

func TestCircumstancesTellWhatTheNodeWentThrough(t *testing.T) {
	fault := func(name string, from, to time.Duration, targets ...string) history.FaultEvent {
		name, detail, _ := strings.Cut(name, " ")
		return history.FaultEvent{Fault: name, Detail: detail, Targets: targets, Start: from, End: to}
	}
	for _, c := range []struct {
		name    string
		faults  []history.FaultEvent
		leaders []history.LeaderEvent
		want    string
	}{
		{"nothing", nil, nil, "The write of c3-118 had gone through n1."},
		{"a cut that goes on", []history.FaultEvent{fault("cut n4 | n1 n2 n3; held 3 connections", 11900*ms, 14*time.Second, "n4")}, nil,
			"n4 had been cut off from n1, n2 and n3 since 11.9 s. The write of c3-118 had gone through n1."},
		{"a pause that is over", []history.FaultEvent{fault("pause", 11*time.Second, 12*time.Second, "n4")}, nil,
			"n4 had been paused from 11.0 s to 12.0 s, until 400 ms before. The write of c3-118 had gone through n1."},
		{"a reset", []history.FaultEvent{fault("reset", 11*time.Second, 12*time.Second, "n4")}, nil,
			"All connections between n4 and others were reset at 11.0 s. The write of c3-118 had gone through n1."},
		{"a later fault, and one of another node", []history.FaultEvent{fault("pause", 13*time.Second, 14*time.Second, "n4"), fault("pause", 12*time.Second, 14*time.Second, "n2")}, nil,
			"The write of c3-118 had gone through n1."},
		{"a fault of the node that took the write", []history.FaultEvent{fault("slow", 12*time.Second, 14*time.Second, "n1")}, nil,
			"The write of c3-118 had gone through n1. n1 had had slow links since 12.0 s."},
		{"another leader", nil, []history.LeaderEvent{{At: 0, Leader: "n4", Term: 1}, {At: 12 * time.Second, Leader: "n1", Term: 2}, {At: 13 * time.Second, Leader: "n2", Term: 3}},
			"The write of c3-118 had gone through n1. n1 had led since 12.0 s, in term 2."},
		{"the leader itself", nil, []history.LeaderEvent{{At: 0, Leader: "n4", Term: 1}}, "The write of c3-118 had gone through n1. n4 itself had led since 0.0 s."},
		{"no leader", nil, []history.LeaderEvent{{At: 0, Leader: "n4", Term: 1}, {At: time.Second}}, "The write of c3-118 had gone through n1. Since 1.0 s a majority had named no leader."},
	} {
		h, x := partition()
		h.Faults, h.Leaders = c.faults, c.leaders
		if got := strings.Join(circumstances(h, x), " "); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := circumstances(nil, violation(get(1, "a", 0, 1))); got != nil {
		t.Errorf("without a history: %q", got)
	}
}

func TestCutsAreToldFromTheNodesPointOfView(t *testing.T) {
	for detail, want := range map[string]string{
		"n4 | n1 n2 n3; held 3 connections": "had been cut off from n1, n2 and n3",
		"n1 n4 | n2 n3 n5":                  "had been cut off from n2, n3 and n5, together with n1,",
		"n2 n3 n5 | n1 n4":                  "had been cut off from n2, n3 and n5, together with n1,",
		"n1 n2 -> n4; held 3 segments":      "had heard nothing from n1 and n2",
		"n4 -> n1 n2":                       "had been unable to reach n1 and n2",
		"n1 n4 | n3 n5, n2 sees both; held": "had been cut off from some of the others (n1 n4 | n3 n5, n2 sees both)",
		"a ring":                            "had been cut off from some of the others (a ring)",
		"":                                  "had been cut off",
	} {
		if got := cutOff(detail, "n4"); got != want {
			t.Errorf("%s: got %q, want %q", detail, got, want)
		}
	}
}

func TestCircumstancesAreThoseOfTheReadThatTheSentenceNames(t *testing.T) {
	h, x := partition()
	later := get(4, "c0-97", 20*time.Second, 20*time.Second)
	later.Node = "n2"
	x.Operations = append(x.Operations, later)
	x.Operations[1].Outcome = history.Unknown // so that the last read is where the proof shows
	h.Faults = []history.FaultEvent{
		{Fault: "pause", Targets: []string{"n2"}, Start: 19 * time.Second, End: 19 * time.Second},
		{Fault: "stop", Targets: []string{"n4"}, Start: 12 * time.Second, End: 13 * time.Second},
	}
	for sentence, want := range map[string]string{
		"Client 3 read k = c0-97 through n4 at 12.401 s.": "n4 had been stopped since 12.0 s.",
		"There is no order.":                              "n2 had been paused from 19.0 s to 19.0 s, until 1.0 s before.",
	} {
		x.Sentence = sentence
		if got := strings.Join(circumstances(h, x), " "); got != want {
			t.Errorf("%s: got %s", sentence, got)
		}
	}
}

func TestAStoryIsToldInTheOrderOfTime(t *testing.T) {
	h, x := partition()
	h.Faults = []history.FaultEvent{
		{Fault: "isolate", Targets: []string{"n4"}, Detail: "n4 | n1 n2 n3", Start: 11900 * ms, End: 14 * time.Second},
		{Fault: "pause", Targets: []string{"n2"}, Start: 11900 * ms, End: 14 * time.Second},
	}
	h.Leaders = []history.LeaderEvent{{At: 12 * time.Second, Leader: "n1", Term: 2}, {At: 12100 * ms}}
	var got []string
	for _, s := range story(h, x) {
		got = append(got, s.When+" "+s.Class+": "+s.Text)
	}
	want := []string{
		"0.100 s operation: Client 3 sent a write of c0-97 to k through n4; it was acknowledged 10 ms later, at 0.110 s.",
		"11.900 s fault: Fault: isolate on n4 (n4 | n1 n2 n3).",
		"12.000 s leader: n1 leads, in term 2.",
		"12.100 s leader: A majority names no leader any more.",
		"12.300 s operation: Client 5 sent a write of c3-118 to k through n1; it was acknowledged 11 ms later, at 12.311 s.",
		"12.401 s culprit: Client 3 read k = c0-97 through n4; the read had been sent 1 ms before.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	h.Faults, h.Leaders = nil, nil
	for i := range 1000 {
		h.Faults = append(h.Faults, history.FaultEvent{Fault: "kill", Targets: []string{"n1"}, Start: time.Duration(i) * ms, End: time.Duration(i) * ms})
	}
	if got := story(h, x); len(got) != toldEvents+3 {
		t.Errorf("a story of %d steps", len(got))
	}
	unknown, refused, gone := put(1, "a", 0, 0), put(1, "b", 0, ms), get(1, "", 0, ms)
	unknown.Outcome, refused.Outcome, refused.Status = history.Unknown, history.Failed, 409
	named := refused
	named.Error = "status 409: not yet"
	for want, o := range map[string]history.Operation{
		"it was never answered, so it may have taken effect.":      unknown,
		"it was refused at 0.001 s (failed, status 409).":          refused,
		"it was refused at 0.001 s (failed, status 409: not yet).": named,
		"and found no value": gone,
	} {
		if got := told(&o); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheMinimalCaseHasLanesOfNodes(t *testing.T) {
	h, x := partition()
	h.Faults = []history.FaultEvent{{Fault: "isolate", Targets: []string{"n4"}, Start: 11900 * ms, End: 14 * time.Second}}
	overlapping := put(9, "z", 12300*ms, 12310*ms)
	overlapping.Node = "n1"
	x.Operations = append(x.Operations, overlapping)
	if !laned(h, x) {
		t.Fatal("a cluster's operations are on lanes of clients")
	}
	d := drawIntervals(x, h.Faults, true)
	if len(d.Lanes) != 2 || d.Lanes[0].Name != "n1" || d.Lanes[1].Name != "n4" || len(d.Bars) != 4 {
		t.Fatalf("lanes %+v, %d bars", d.Lanes, len(d.Bars))
	}
	for _, b := range d.Bars {
		lane := d.Lanes[0]
		if n := b.Number; n == 1 || n == 3 {
			lane = d.Lanes[1]
		}
		if b.Y < lane.Y || b.Y+b.H > lane.Y+lane.Height {
			t.Errorf("operation %d is outside the lane of its node", b.Number)
		}
		for _, other := range d.Bars {
			if other.Number < b.Number && other.Y == b.Y && other.X < b.X+b.W && b.X < other.X+other.W {
				t.Errorf("operations %d and %d cover each other", other.Number, b.Number)
			}
		}
	}
	if len(d.Hits) != 1 || d.Hits[0].Y != d.Lanes[1].Y {
		t.Errorf("the fault hits %+v, want the lane of n4", d.Hits)
	}
	if laned(nil, violation(put(1, "a", 0, 1), put(2, "b", 0, 1))) {
		t.Error("a single node has lanes of nodes")
	}
}
