package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

// lagging is 10,000 reads of which 1,200 were stale.
func lagging() *models.Staleness {
	n1 := models.ReadStaleness{Node: "n1", Reads: 4000}
	n2 := models.ReadStaleness{Node: "n2", Reads: 6000, Stale: 1200, StaleShare: 0.2, WentBackwards: 14, MissedOwnWrite: 9}
	n2.Time = models.Spread[time.Duration]{P99: 240 * ms, Worst: 1900 * ms}
	n2.Versions = models.Spread[int]{P99: 5, Worst: 1031}
	all := n2
	all.Node, all.Reads, all.StaleShare = "", 10_000, 0.12
	all.Time.P99, all.Versions.P99 = 140*ms, 3
	return &models.Staleness{Overall: all, Nodes: []models.ReadStaleness{n1, n2, {Node: "n3"}}, NotJudged: 1234, RepeatedKeys: 1}
}

func TestStalenessLine(t *testing.T) {
	calm := lagging()
	calm.Overall.WentBackwards = 0
	for _, c := range []struct {
		name string
		s    *models.Staleness
		want string
	}{
		{"stale reads", lagging(), "replicas: 12 % of reads stale, median 0 ms, p99 140 ms, worst 1.9 s (up to 1,031 versions); 14 went backwards, 9 missed the client's own write"},
		{"none that went backwards", calm, "replicas: 12 % of reads stale, median 0 ms, p99 140 ms, worst 1.9 s (up to 1,031 versions); none went backwards, 9 missed the client's own write"},
		{"only fresh reads", &models.Staleness{Overall: models.ReadStaleness{Reads: 4210}}, "replicas: none of 4,210 reads was provably stale"},
		{"no reads", &models.Staleness{NotJudged: 3}, "replicas: how stale reads were could not be measured"},
		{"not measured", nil, ""},
	} {
		if got := StalenessLine(c.s); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestPercentIsZeroOrHundredOnlyForNothingOrEverything(t *testing.T) {
	for _, c := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "0 %"}, {0, 9, "0 %"}, {9, 9, "100 %"}, {1, 1_000_000, "under 0.1 %"}, {1, 1000, "0.1 %"}, {4, 1000, "0.4 %"},
		{99, 1000, "9.9 %"}, {996, 10_000, "10 %"}, {123, 1000, "12 %"}, {997, 1000, "99.7 %"}, {999_999, 1_000_000, "over 99.9 %"},
	} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.part, c.whole, got, c.want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 ms", 1: "1 µs", 250 * time.Microsecond: "250 µs", 140 * ms: "140 ms"} {
		if got := behind(d); got != want {
			t.Errorf("behind(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestPageTellsHowStaleTheReplicasWere(t *testing.T) {
	h := steady()
	h.Model = "linearizable"
	v := judge(t, h)
	scenario := &Scenario{Title: "writes and kills", Verdict: v, Staleness: lagging()}
	result := &Result{Status: Passed, Checks: []Check{{Name: "writes and kills", Status: Passed, Scenario: scenario}}}
	got := write(t, Page{Result: result, History: h, Verdict: v})
	for _, want := range []string{
		"How stale the replicas were", "n1 4,000 0 % 0 ms 0 ms 0 ms 0 0 0 0 0", "n2 6,000 20 % 0 ms 240 ms 1.9 s 0 5 1,031 14 9",
		"n3 0 all nodes 10,000 12 % 0 ms 140 ms 1.9 s 0 3 1,031 14 9", "none of it counts against you", "monotonic reads", "read your writes", "Linearizability",
		"1,234 further reads cannot be measured", "On 1 key a value was written more than once",
	} {
		if !strings.Contains(cells(got), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	scenario.Staleness = nil
	if without := write(t, Page{Result: result, History: h, Verdict: v}); strings.Contains(without.text, "stale the replicas") {
		t.Error("a page without figures has the section")
	}
	saved := write(t, Page{History: h, Verdict: v, Staleness: &models.Staleness{Overall: models.ReadStaleness{Reads: 3}, Nodes: []models.ReadStaleness{{Reads: 3}}}})
	if text := cells(saved); !strings.Contains(text, "(no name) 3 0 %") || strings.Contains(text, "all nodes") || strings.Contains(text, "cannot be measured") {
		t.Error("the page of a saved history with one node without a name is wrong")
	}
	many := &models.Staleness{Nodes: make([]models.ReadStaleness, 1000)}
	if long := write(t, Page{History: h, Verdict: v, Staleness: many}); !strings.Contains(long.text, "and 950 more") || !strings.Contains(cells(long), "all nodes") {
		t.Error("the table of nodes has no end, or not the last row")
	}
}

// cells is the page's text, with spaces between the cells of tables.
func cells(p *page) string {
	spaced := strings.NewReplacer("</td>", " </td>", "</th>", " </th>").Replace(p.markup)
	var b strings.Builder
	inside := false
	for _, r := range spaced {
		switch {
		case r == '<':
			inside = true
		case r == '>':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestFiguresOfStalenessAreInJSONAndJUnit(t *testing.T) {
	r := &Result{Checks: []Check{{Name: "links", Scenario: &Scenario{Staleness: lagging()}}, {Name: "kills", Scenario: &Scenario{}}}}
	var b bytes.Buffer
	if err := WriteJSON(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	doc := decode(t, &b)
	scenario := []any{"results", 0, "checks", 0, "scenario"}
	for _, c := range []struct {
		path []any
		want float64
	}{
		{[]any{"overall", "share_stale"}, 0.12},
		{[]any{"overall", "behind_ns", "worst"}, 1.9e9},
		{[]any{"nodes", 1, "behind_versions", "p99"}, 5},
		{[]any{"not_judged"}, 1234},
	} {
		if got := dig(t, doc, append(append(scenario, "staleness"), c.path...)...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if got := dig(t, doc, "results", 0, "checks", 1, "scenario", "staleness"); got != nil {
		t.Errorf("what was not measured is %v", got)
	}
	b.Reset()
	if err := WriteJUnit(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	if want := `<property name="staleness in links" value="replicas: 12 % of reads stale`; !strings.Contains(b.String(), want) || strings.Contains(b.String(), "in kills") {
		t.Errorf("the properties are wrong: %s", b.String())
	}
}
