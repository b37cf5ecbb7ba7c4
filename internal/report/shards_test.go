package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// sharded is a history in two shards; key k lives in s2.
func sharded() *history.History {
	h := stale()
	h.Nodes = []string{"n1", "n2", "n3", "n4", "n5", "n6"}
	h.Groups = []history.Group{{Shard: "s1", Nodes: h.Nodes[:3]}, {Shard: "s2", Nodes: h.Nodes[3:]}}
	h.Shards = map[string]string{"j": "s1", "k": "s2"}
	return h
}

func shardOutages() []models.Availability {
	quiet := models.Availability{
		Shard: "s1", To: 40 * time.Second, Writes: 2000, Acknowledged: 2000, Seconds: 40, Served: 40, Share: 1,
		LongestOutage: 80 * ms, LongestAt: 5 * time.Second,
	}
	other := *outages()
	other.Shard, other.Writes, other.Acknowledged = "s2", 2000, 1000
	for i := range other.Losses {
		other.Losses[i].Shard = "s2"
	}
	return []models.Availability{quiet, other}
}

func TestShardLine(t *testing.T) {
	h := sharded()
	h.Shards["elsewhere"] = "s9"
	h.Shards["two words"] = "s1"
	for _, c := range []struct {
		name string
		h    *history.History
		key  string
		want string
	}{
		{"a key of a group of three", h, "k", "k lives in shard s2 (n4, n5 and n6)"},
		{"a key that needs quotes", h, "two words", `"two words" lives in shard s1 (n1, n2 and n3)`},
		{"a shard without a group", h, "elsewhere", "elsewhere lives in shard s9"},
		{"a key whose shard nobody knows", h, "i", ""},
		{"no shards", stale(), "k", ""},
		{"no history", nil, "k", ""},
	} {
		if got := ShardLine(c.h, c.key); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for n, want := range map[int]string{0: "", 1: "a", 2: "a and a", 3: "a, a and a"} {
		if got := nodeList(slices.Repeat([]string{"a"}, n)); got != want {
			t.Errorf("%d nodes are %q, want %q", n, got, want)
		}
	}
	if got := nodeList(slices.Repeat([]string{"a"}, listedNodes+7)); !strings.HasSuffix(got, "a, a and 7 more") {
		t.Errorf("many nodes end with %q", got[len(got)-20:])
	}
}

func TestAvailabilityLinesHaveOneForEachShard(t *testing.T) {
	whole := outages()
	for _, c := range []struct {
		name string
		s    Scenario
		want []string
	}{
		{"not measured", Scenario{}, nil},
		{"without shards", Scenario{Availability: whole}, []string{AvailabilityLine(whole)}},
		{"with shards", Scenario{Availability: whole, Shards: shardOutages()}, []string{
			"shard s1: writes succeeded in 100 % of the seconds; longest outage 80 ms",
			"shard s2: writes succeeded in 93 % of the seconds; longest outage 2.1 s; 3 losses of the leader, next write after 1.4 s (median), 2.1 s (worst)",
		}},
		{"with a shard that nobody wrote to", Scenario{Availability: whole, Shards: []models.Availability{{Shard: "s1"}}}, []string{"shard s1: no write was called"}},
	} {
		if got := AvailabilityLines(&c.s); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestPageNamesTheShardWhereverItNamesAKey(t *testing.T) {
	h := sharded()
	v := judge(t, h)
	v.Violations = append(v.Violations, models.Violation{Rule: models.RuleLostWrite, Key: "j", Sentence: "It is gone.", Operations: v.Violations[0].Operations})
	v.Undecided = []models.Undecided{{Key: "j", Operations: 7, Open: 1, Reason: "time ran out"}}
	got := write(t, Page{History: h, Verdict: v})
	for _, want := range []string{
		"k lives in shard s2 (n4, n5 and n6).", "2 s1 on n1 n2 n3, s2 on n4 n5 n6",
		string(v.Violations[0].Rule) + " of k in shard s2 at 3.600 s", "ok, status 200, shard s2", "lost write j in shard s1 It is gone.",
		"j in shard s1: 7 operations, 1 without an answer: time ran out",
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(got.text, "in shard s1"); n != 2 {
		t.Errorf("shard s1 is named %d times", n)
	}
	h.Shards, h.Groups = nil, nil
	if got := write(t, Page{History: h, Verdict: v}); strings.Contains(strings.ToLower(got.text), "shard") {
		t.Error("a page of a history without shards speaks of them")
	}
}

func TestOperationsOnSeveralKeysNameTheirShards(t *testing.T) {
	h := sharded()
	other := put(1, "b", 5*ms, 6*ms)
	other.Key = "j"
	v := newViolationView(&models.Violation{Rule: models.RuleNotCausal, Operations: []history.Operation{put(0, "a", 1*ms, 2*ms), other}}, h)
	if v.Operations[0].Kind != "put k in shard s2" || v.Operations[1].Kind != "put j in shard s1" || v.Shard != "" {
		t.Errorf("got %+v", v.Operations)
	}
	for i, want := range []string{", shard s2", ", shard s1"} {
		if title := v.Intervals.Bars[i].Title; !strings.HasSuffix(title, want) {
			t.Errorf("bar %d says %q", i, title)
		}
	}
}

func TestPageTellsHowAvailableEachShardWas(t *testing.T) {
	h := sharded()
	v := judge(t, h)
	whole := outages()
	whole.Losses = shardOutages()[1].Losses
	scenario := &Scenario{Title: "shards", Verdict: v, Availability: whole, Shards: append(shardOutages(), models.Availability{Shard: "s3"})}
	p := Page{Result: &Result{Status: Passed, Checks: []Check{{Name: "shards", Status: Passed, Scenario: scenario}}}, History: h, Verdict: v}
	want := []string{
		"s1 n1, n2 and n3 2,000 100 % 100 % 80 ms, from 5.0 s on 0 – –",
		"s2 n4, n5 and n6 2,000 50 % 93 % 2.1 s, from 12.3 s on 3 1.4 s 2.1 s",
		"s3 0 – – – 0 – –",
		"12.300 s kill s2 n1 2.1 s n2",
	}
	saved := Page{History: h, Verdict: v, Availability: whole, Shards: scenario.Shards}
	for name, p := range map[string]Page{"a run": p, "a saved history": saved} {
		got := strings.Join(strings.Fields(cells(write(t, p))), " ")
		for _, want := range want {
			if !strings.Contains(got, want) {
				t.Errorf("the page of %s does not say %q", name, want)
			}
		}
	}
	whole.Unavailable = &models.Outage{From: 12 * time.Second, To: 23500 * ms, Shard: "s2", Nodes: []string{"n4", "n6"}, Writes: 9}
	if got := write(t, p); !strings.Contains(got.text, "Too long. No write to shard s2 was acknowledged from 12.0 s to 23.5 s, although n4 and n6, a majority of its nodes, were free") {
		t.Error("the page does not name the shard that was not available")
	}
	scenario.Shards = nil
	if got := write(t, p); strings.Contains(got.raw, `class="shards"`) || strings.Contains(got.text, "kill s2") {
		t.Error("a page without shards has their table or column")
	}
}

func TestAvailabilityOfShardsIsInJSONAndJUnit(t *testing.T) {
	whole := outages()
	r := &Result{Checks: []Check{
		{Name: "shards", Note: "It went well.", Scenario: &Scenario{Availability: whole, Shards: shardOutages()}},
		{Name: "kills", Status: NotTried, Scenario: &Scenario{Availability: whole}},
	}}
	var b bytes.Buffer
	if err := WriteJSON(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	doc := decode(t, &b)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{0, "scenario", "shards", 0, "shard"}, "s1"},
		{[]any{0, "scenario", "shards", 1, "leader_losses", 0, "shard"}, "s2"},
		{[]any{0, "scenario", "availability", "shard"}, nil},
		{[]any{0, "note"}, "It went well."},
		{[]any{1, "scenario", "shards"}, nil},
		{[]any{1, "note"}, nil},
		{[]any{1, "status"}, "not tried"},
	} {
		if got := dig(t, doc, append([]any{"results", 0, "checks"}, c.path...)...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	b.Reset()
	if err := WriteJUnit(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	for _, line := range AvailabilityLines(r.Checks[0].Scenario) {
		want := fmt.Sprintf(`<property name="availability of shard %s in shards" value="%s"`, line[6:8], line)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in %s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "availability of shard"); n != 2 {
		t.Errorf("there are %d shards", n)
	}
}

func TestWhatWasNotTriedNeitherFailsNorPassesAStage(t *testing.T) {
	for _, c := range []struct {
		checks []Status
		want   Status
	}{
		{[]Status{Passed, NotTried}, Passed},
		{[]Status{NotTried, Failed}, Failed},
		{[]Status{Unknown, NotTried}, Unknown},
		{[]Status{NotTried, Skipped}, Unknown},
		{[]Status{Passed, Skipped}, Unknown},
	} {
		r := &Result{}
		for _, s := range c.checks {
			r.Checks = append(r.Checks, Check{Status: s})
		}
		if r.Conclude(); r.Status != c.want {
			t.Errorf("%v: got %s, want %s", c.checks, r.Status, c.want)
		}
		if f := r.FirstFailure(); f != nil && f.Status == NotTried {
			t.Errorf("%v: what was not tried counts as a failure", c.checks)
		}
	}
}

func TestPageShowsTheNoteOfACheck(t *testing.T) {
	got := write(t, Page{Result: &Result{Status: Passed, Checks: []Check{
		{Name: "a third group joins", Status: NotTried, Note: "It does not take part, which is fine."},
	}}})
	if want := "not tried a third group joins It does not take part, which is fine."; !strings.Contains(strings.Join(strings.Fields(cells(got)), " "), want) {
		t.Errorf("the page does not say %q", want)
	}
	if !strings.Contains(got.raw, `class="state not-tried"`) || strings.Contains(got.raw, `class="failure`) {
		t.Error("what was not tried looks like something else")
	}
}

func TestTimelineHasARowOfLeadersForEachShard(t *testing.T) {
	h := steady()
	h.Nodes = []string{"n1", "n2", "n3", "n4", "n5", "n6"}
	h.Groups = []history.Group{{Shard: "s1", Nodes: h.Nodes[:3]}, {Shard: "s2", Nodes: h.Nodes[3:]}, {Shard: "s3"}}
	h.Leaders = []history.LeaderEvent{
		{At: 0, Shard: "s2", Leader: "n4", Term: 1},
		{At: 2000 * ms, Shard: "s1", Leader: "n1", Term: 1},
		{At: 1000 * ms, Shard: "s2"},
		{At: 1500 * ms, Shard: "s2", Leader: "n6", Term: 2},
		{At: 3000 * ms, Shard: "s9", Leader: "n9", Term: 3},
	}
	d := drawTimeline(h, nil)
	var got []string
	for i, row := range d.Reigns {
		line := row.Name + ":"
		for _, r := range row.Reigns {
			line += fmt.Sprintf(" %d %q", r.Pattern, r.Label)
		}
		got = append(got, line)
		if i > 0 && row.Y < d.Reigns[i-1].Y+timelineRow {
			t.Errorf("row %d begins at %g, within the one above it", i, row.Y)
		}
		if last := row.Reigns[len(row.Reigns)-1]; last.X+last.W < drawingRight-0.01 {
			t.Errorf("row %d ends at %g, before the run", i, last.X+last.W)
		}
	}
	if want := []string{`leader of s1: 0 "n1"`, `leader of s2: 3 "n4" -1 "" 5 "n6"`, `leader of s9: 0 "n9"`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if d.Top < d.Reigns[2].Y+timelineRow {
		t.Errorf("the columns begin at %g, within the last row", d.Top)
	}
	page := write(t, Page{History: h})
	for _, want := range []string{"leader of s1", "n4 led shard s2 from 0.000 s to 1.000 s (1.0 s), term 1", "no leader of shard s2 from 1.000 s"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for i := range 1000 {
		h.Leaders = append(h.Leaders, history.LeaderEvent{At: time.Duration(i) * ms, Shard: fmt.Sprint("t", i), Leader: "n1", Term: 1})
	}
	if d := drawTimeline(h, nil); len(d.Reigns) != mostReignRows || d.MoreReigns != 1000+3-mostReignRows {
		t.Errorf("%d rows, and %d changes that are not drawn", len(d.Reigns), d.MoreReigns)
	}
}
