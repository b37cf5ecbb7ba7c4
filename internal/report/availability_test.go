package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

// outages is a run of 40 seconds with three losses of the leader.
func outages() *models.Availability {
	return &models.Availability{
		To: 40 * time.Second, Writes: 4000, Acknowledged: 3000, Seconds: 41, Served: 38, Share: 0.927,
		LongestOutage: 2100 * ms, LongestAt: 12300 * ms, MedianNextWrite: 1400 * ms, WorstNextWrite: 2100 * ms,
		Losses: []models.LeaderLoss{
			{At: 12300 * ms, Fault: "kill", Leader: "n1", NextWrite: 2100 * ms, NextLeader: "n2"},
			{At: 20 * time.Second, Fault: "pause", Leader: "n2", NextWrite: 1400 * ms, NextLeader: "n2"},
			{At: 30 * time.Second, Fault: "cut", Leader: "n2", NextWrite: 900 * ms},
		},
	}
}

func TestAvailabilityLine(t *testing.T) {
	with := func(change func(a *models.Availability)) *models.Availability {
		a := outages()
		change(a)
		return a
	}
	for _, c := range []struct {
		name string
		a    *models.Availability
		want string
	}{
		{"three losses", outages(), "writes succeeded in 93 % of the seconds; longest outage 2.1 s; 3 losses of the leader, next write after 1.4 s (median), 2.1 s (worst)"},
		{"one of them without a write afterwards", with(func(a *models.Availability) { a.Losses[2].NextWrite = 0 }),
			"writes succeeded in 93 % of the seconds; longest outage 2.1 s; 3 losses of the leader, next write after 1.4 s (median), 2.1 s (worst), after 1 of them none"},
		{"one loss", with(func(a *models.Availability) { a.Losses = a.Losses[:1] }),
			"writes succeeded in 93 % of the seconds; longest outage 2.1 s; 1 loss of the leader, next write after 2.1 s"},
		{"one without a write afterwards", with(func(a *models.Availability) { a.Losses = []models.LeaderLoss{{Leader: "n1"}} }),
			"writes succeeded in 93 % of the seconds; longest outage 2.1 s; 1 loss of the leader, no write afterwards"},
		{"no loss", with(func(a *models.Availability) { a.Losses, a.Served = nil, 41 }), "writes succeeded in 100 % of the seconds; longest outage 2.1 s"},
		{"no write at all succeeded", &models.Availability{Writes: 7, Seconds: 3, LongestOutage: 3 * time.Second}, "writes succeeded in 0 % of the seconds; longest outage 3.0 s"},
		{"no writes", &models.Availability{}, ""},
		{"not measured", nil, ""},
	} {
		if got := AvailabilityLine(c.a); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestTheSentenceOfOneNodesOutage(t *testing.T) {
	got := OutageSentence(&models.Outage{From: 12 * time.Second, To: 23500 * ms, Node: "n3", Nodes: []string{"n1", "n2", "n3"}, Writes: 5})
	if want := "n3 acknowledged no write from 12.0 s to 23.5 s, although no node had a fault for these 11.5 s, and 5 writes were tried on it"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = OutageSentence(&models.Outage{From: 12 * time.Second, To: 23500 * ms, Shard: "s2", Node: "n3", Nodes: []string{"n4", "n5", "n6"}, Writes: 5})
	if want := "n3 acknowledged no write to shard s2 from 12.0 s to 23.5 s, although no node had a fault for these 11.5 s, and 5 writes were tried on it"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOutageSentence(t *testing.T) {
	for _, c := range []struct {
		nodes  []string
		writes int
		want   string
	}{
		{[]string{"n1", "n2", "n4"}, 1320, "n1, n2 and n4, a majority of all nodes, were free of faults for these 11.5 s, and 1,320 writes were tried on them"},
		{[]string{"n1", "n2"}, 4, "n1 and n2, a majority of all nodes, were free"},
		{[]string{"n1"}, 1, "n1, a majority of all nodes, was free of faults for these 11.5 s, and 1 write was tried on it"},
		{make([]string, 60), 9, "(no name) and 10 more, a majority"},
	} {
		o := &models.Outage{From: 12 * time.Second, To: 23500 * ms, Nodes: c.nodes, Writes: c.writes}
		got := OutageSentence(o)
		o.Shard = "s2"
		of := strings.NewReplacer("no write was", "no write to shard s2 was", "a majority of all nodes", "a majority of its nodes",
			"tried on them", "tried on nodes without a fault", "tried on it", "tried on nodes without a fault").Replace(got)
		if got := OutageSentence(o); got != of {
			t.Errorf("of a shard, got %s, want %s", got, of)
		}
		if !strings.HasPrefix(got, "no write was acknowledged from 12.0 s to 23.5 s, although ") || !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestPageTellsHowAvailableWritesWere(t *testing.T) {
	h := steady()
	v := judge(t, h)
	scenario := &Scenario{Title: "leaders fail", Verdict: v, Availability: outages()}
	result := &Result{Status: Passed, Checks: []Check{{Name: "leaders fail", Status: Passed, Scenario: scenario}}}
	got := cells(write(t, Page{Result: result, History: h, Verdict: v}))
	for _, want := range []string{
		"How available writes were", "93 % 38 of 41", "2.1 s from 12.3 s on", "1.4 s median; worst 2.1 s",
		"12.300 s kill n1 2.1 s n2 ", "20.000 s pause n2 1.4 s n2, as before", "30.000 s cut n2 900 ms nobody",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(got, "Too long.") {
		t.Error("the page complains of an outage that there was not")
	}
	scenario.Availability.Unavailable = &models.Outage{From: 12 * time.Second, To: 23500 * ms, Nodes: []string{"n1", "n2"}, Writes: 9}
	scenario.Availability.Losses[0].NextWrite = 0
	got = cells(write(t, Page{Result: result, History: h, Verdict: v}))
	for _, want := range []string{"Too long. No write was acknowledged from 12.0 s to 23.5 s", "healthy majority 10 s.", "12.300 s kill n1 none in 27.7 s n2"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for name, a := range map[string]*models.Availability{"figures": nil, "writes": {}} {
		scenario.Availability = a
		if strings.Contains(write(t, Page{Result: result, History: h, Verdict: v}).text, "available writes") {
			t.Errorf("a page without %s has the section", name)
		}
	}
	many := outages()
	many.Losses = make([]models.LeaderLoss, 1000)
	saved := write(t, Page{History: h, Verdict: v, Availability: many})
	if !strings.Contains(saved.text, "and 950 more") {
		t.Error("the table of a saved history's losses has no end")
	}
	many.Losses, many.WorstNextWrite = nil, 0
	if text := write(t, Page{History: h, Verdict: v, Availability: many}).text; strings.Contains(text, "Faults that took") || strings.Contains(text, "after a loss") {
		t.Error("there is a table of no losses")
	}
}

func TestFiguresOfAvailabilityAreInJSONAndJUnit(t *testing.T) {
	r := &Result{Checks: []Check{{Name: "leaders", Scenario: &Scenario{Availability: outages()}}, {Name: "kills", Scenario: &Scenario{}}}}
	r.Checks[0].Scenario.Availability.Unavailable = &models.Outage{From: 5, To: 9, Nodes: []string{"n1"}, Writes: 3}
	var b bytes.Buffer
	if err := WriteJSON(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	doc := decode(t, &b)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"share_served"}, 0.927},
		{[]any{"longest_outage_ns"}, 2.1e9},
		{[]any{"leader_losses", 0, "next_write_ns"}, 2.1e9},
		{[]any{"leader_losses", 2, "next_leader"}, ""},
		{[]any{"median_next_write_ns"}, 1.4e9},
		{[]any{"unavailable", "to_ns"}, 9.0},
		{[]any{"unavailable", "nodes", 0}, "n1"},
	} {
		if got := dig(t, doc, append([]any{"results", 0, "checks", 0, "scenario", "availability"}, c.path...)...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if got := dig(t, doc, "results", 0, "checks", 1, "scenario", "availability"); got != nil {
		t.Errorf("what was not measured is %v", got)
	}
	b.Reset()
	if err := WriteJUnit(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`<property name="availability in leaders" value="%s"`, AvailabilityLine(outages()))
	if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "in kills") {
		t.Errorf("the properties are wrong: %s", b.String())
	}
}
