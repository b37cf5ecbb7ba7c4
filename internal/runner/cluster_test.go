package runner_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

// smallCluster is a stage of three nodes with one short scenario.
func smallCluster(model string, converge time.Duration) *challenges.Stage {
	return &challenges.Stage{Name: "small", Nodes: 3, Scenarios: []challenges.Scenario{{
		Name: "scenario", Title: "a short scenario", Hint: "look here", Model: model, Converge: converge,
		Mix:     workload.Mix{Gets: 5, Puts: 4, Deletes: 1, HotKeys: 2, KeyLife: 30, RetiredReads: 10, OnceKeys: 50},
		Clients: 6, Rate: 100, Duration: 2 * time.Second,
	}}}
}

func TestCopiesThatLagAreReadUntilTheyAgree(t *testing.T) {
	opts := options(t, smallCluster("eventual", 30*time.Second), "cluster", "lags")
	r := runStage(t, t.Context(), opts)
	if r.Status != report.Passed {
		t.Fatal(explain(r))
	}
	h := readHistory(t, opts)
	finals, early := make(map[string]int), 0
	for _, o := range h.Operations {
		switch {
		case o.Final && o.Outcome == history.OK:
			finals[o.Key+" on "+o.Node]++
		case o.Kind == history.Get && strings.HasPrefix(o.Key, "once"):
			early++
		}
	}
	keys := make(map[string]bool)
	for read, n := range finals {
		key, _, _ := strings.Cut(read, " ")
		keys[key] = true
		if n != 1 {
			t.Errorf("%s has %d final reads", read, n)
		}
	}
	if len(keys) < 20 || len(finals) != 3*len(keys) {
		t.Errorf("%d final reads of %d keys on 3 nodes", len(finals), len(keys))
	}
	s := r.Checks[len(r.Checks)-1].Scenario
	if s.Staleness == nil || s.Staleness.Overall.Stale == 0 || s.Staleness.Overall.Time.Worst < 100*time.Millisecond {
		t.Errorf("copies that lag by 0.7 s are not reported as stale: %+v", s.Staleness)
	}
}

func TestCopiesThatNeverAgreeAreShownNodeByNode(t *testing.T) {
	r := runStage(t, t.Context(), options(t, smallCluster("eventual", time.Second), "cluster", "never-replicates"))
	f := r.FirstFailure()
	if r.Status != report.Failed || f.Scenario == nil || f.Scenario.Verdict == nil {
		t.Fatal(explain(r))
	}
	worst := f.Scenario.Verdict.Violations[0]
	text := strings.Join(f.Failure.Details, "\n")
	if worst.Rule != models.RuleCopiesDisagree || f.Failure.Rule != string(worst.Rule) || !strings.Contains(text, "n1 says c") || !strings.Contains(text, "n2 says nothing") || !strings.Contains(text, "n3 says nothing") {
		t.Errorf("rule %s:\n%s", worst.Rule, text)
	}
}

func TestLinearizableCopiesGetNoSecondChance(t *testing.T) {
	r := runStage(t, t.Context(), options(t, smallCluster("linearizable", 0), "cluster", "lags"))
	if r.Status != report.Failed {
		t.Fatal(explain(r))
	}
}

func TestAClusterThatLosesItsLeaderIsNotSettled(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for half a minute")
	}
	t.Parallel()
	r := runStage(t, t.Context(), options(t, smallCluster("eventual", time.Second), "cluster", "resigns"))
	f := r.FirstFailure()
	if r.Status != report.Failed {
		t.Fatal(explain(r))
	}
	text := f.Failure.Summary + strings.Join(f.Failure.Details, "\n")
	for _, want := range []string{"the cluster is not settled: no node says that it leads", "n1: role follower, leader n2", "n3: role follower, leader n1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if f.Failure.Rule != "no single leader" {
		t.Errorf("rule %q", f.Failure.Rule)
	}
	if f.Scenario == nil || f.Scenario.OK == 0 {
		t.Error("what was recorded until then is not told")
	}
}

func TestANodeThatRefusesEveryWriteProvesNothing(t *testing.T) {
	r := runStage(t, t.Context(), options(t, smallCluster("eventual", 10*time.Second), "cluster", "idle"))
	if r.Status != report.Unknown || !strings.Contains(explain(r), "writes through n3 were acknowledged") {
		t.Fatal(explain(r))
	}
}

// The clients go on until every node has acknowledged a write, or long enough to show
// that one does not.
func TestANodeThatDoesNotRecoverIsUnavailable(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for as long as a cluster may take to recover")
	}
	t.Parallel()
	for behaviour, want := range map[string]report.Status{"works": report.Passed, "idle": report.Failed} {
		stage := smallCluster("eventual", 10*time.Second)
		stage.Scenarios[0].Available = true
		r := runStage(t, t.Context(), options(t, stage, "cluster", behaviour))
		if r.Status != want {
			t.Errorf("%s: %s", behaviour, explain(r))
		}
		if f := r.FirstFailure(); f != nil && (f.Failure.Rule != "unavailable" || !strings.Contains(f.Failure.Summary, "n3 acknowledged no write from ")) {
			t.Errorf("%s: rule %s, %s", behaviour, f.Failure.Rule, explain(r))
		}
	}
}

func TestARedirectThatLeadsNowhereFailsACheck(t *testing.T) {
	stage := smallCluster("eventual", time.Second)
	stage.Scenarios = nil
	stage.Checks = []challenges.Check{{Name: "write", Hint: "hint", Run: writesThrough("n3")}}
	r := runStage(t, t.Context(), options(t, stage, "cluster", "redirects-nowhere"))
	f := r.FirstFailure()
	if r.Status != report.Failed || f.Failure.Rule != "wrong redirect" || !strings.Contains(f.Failure.Summary, `n3 redirected to "http://192.0.2.1:80/kv/`) || !strings.Contains(f.Failure.Summary, "no node of the cluster") {
		t.Fatal(explain(r))
	}
	// The other nodes' redirects do lead somewhere.
	stage.Checks[0].Run = writesThrough("n2")
	if r := runStage(t, t.Context(), options(t, stage, "cluster", "redirects-nowhere")); r.Status != report.Passed {
		t.Fatal(explain(r))
	}
}

func TestAProgramThatKnowsNoClusterIsToldSoSoon(t *testing.T) {
	r := runStage(t, t.Context(), options(t, smallCluster("eventual", time.Second), "fake", "works"))
	f := r.FirstFailure()
	if r.Status != report.Failed || !strings.Contains(f.Failure.Summary, "GET /cluster/info on n1: it answered 404 Not Found") {
		t.Fatal(explain(r))
	}
	if len(r.Checks) != 3 || r.Checks[2].Status != report.Skipped {
		t.Errorf("got %+v", r.Checks)
	}
}

func TestOnlyTheChosenFaultsAreInjected(t *testing.T) {
	gap := faults.Range{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}
	tracks := []faults.Track{
		{{Fault: faults.Kill(), Weight: 1, Target: faults.Target{Role: faults.Follower}, Gap: gap}},
		{{Fault: faults.Isolate(), Weight: 1, Gap: gap, Hold: gap}, {Fault: faults.Reset(), Weight: 1, Gap: gap}},
	}
	for list, families := range map[string][]string{"none": nil, "cut": {"cut"}, "reset,isolate": {"cut", "reset"}} {
		stage := smallCluster("eventual", 10*time.Second)
		stage.Scenarios[0].Faults, stage.Scenarios[0].MinFaults = tracks, 2
		opts := options(t, stage, "cluster", "works")
		var err error
		if opts.Faults, err = faults.ParseSelection(list); err != nil {
			t.Fatal(err)
		}
		r := runStage(t, t.Context(), opts)
		if r.Status != report.Passed {
			t.Errorf("%s: %s", list, explain(r))
		}
		seen := make(map[string]bool)
		for _, f := range readHistory(t, opts).Faults {
			seen[f.Fault] = true
			if !slices.Contains(families, f.Fault) || len(f.Targets) == 0 {
				t.Errorf("%s: got %+v", list, f)
			}
		}
		if len(seen) != len(families) {
			t.Errorf("%s: only %v came", list, seen)
		}
	}
}

// writesThrough is a check that writes through one node.
func writesThrough(node string) func(context.Context, *challenges.Env) error {
	return func(ctx context.Context, e *challenges.Env) error {
		return e.On(e.Cluster.Node(node)).Put(ctx, e.Key("k"), e.Value())
	}
}
