package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/workload"
)

// smallShards is a stage of two shards of one node each, with one short scenario.
func smallShards() *challenges.Stage {
	return &challenges.Stage{Name: "small", Nodes: 2, Shards: 2, Scenarios: []challenges.Scenario{{
		Name: "scenario", Title: "a short scenario", Hint: "look here", Model: "linearizable",
		Mix:     workload.Mix{Gets: 5, Puts: 4, Deletes: 1, HotKeys: 4, KeyLife: 30, OnceKeys: 20},
		Clients: 4, Rate: 100, Duration: 3 * time.Second, Available: true,
	}}}
}

func TestAHistoryOfShardsTellsWhereEachKeyIsAndWhoLeadsThere(t *testing.T) {
	opts := options(t, smallShards(), "shards", "works")
	r := runStage(t, t.Context(), opts)
	if r.Status != report.Passed {
		t.Fatal(explain(r))
	}
	h := readHistory(t, opts)
	want := []history.Group{{Shard: "s1", Nodes: []string{"n1"}}, {Shard: "s2", Nodes: []string{"n2"}}}
	if !slices.EqualFunc(h.Groups, want, func(a, b history.Group) bool { return a.Shard == b.Shard && slices.Equal(a.Nodes, b.Nodes) }) {
		t.Errorf("groups %v", h.Groups)
	}
	in := make(map[string]int)
	for i := range h.Operations {
		in[h.Shards[h.Operations[i].Key]]++
	}
	if in["s1"] == 0 || in["s2"] == 0 || len(in) != 2 {
		t.Errorf("operations by shard: %v", in)
	}
	leads := make(map[string]string)
	for _, l := range h.Leaders {
		leads[l.Shard] = l.Leader
	}
	if len(leads) != 2 || leads["s1"] != "n1" || leads["s2"] != "n2" {
		t.Errorf("leaders %v", h.Leaders)
	}
	shards := r.Checks[len(r.Checks)-1].Scenario.Shards
	if len(shards) != 2 || shards[0].Shard != "s1" || shards[0].Acknowledged == 0 || shards[1].Acknowledged == 0 {
		t.Errorf("availability %+v", shards)
	}
}

func TestAShardThatAcknowledgesNothingFailsTheRun(t *testing.T) {
	if testing.Short() {
		t.Skip("an outage takes ten seconds")
	}
	t.Parallel()
	r := runStage(t, t.Context(), options(t, smallShards(), "shards", "half"))
	f := r.FirstFailure()
	if r.Status != report.Failed || f.Failure.Rule != "unavailable" || !strings.Contains(f.Failure.Summary, "shard s2") {
		t.Fatal(explain(r))
	}
}

// alongside runs the stage with something alongside its scenario.
func alongside(t *testing.T, joining []challenges.Member, do func(context.Context, *challenges.Env, *challenges.Running) error) (*report.Result, *history.History, string) {
	t.Helper()
	stage := smallShards()
	s := &stage.Scenarios[0]
	s.Alongside, s.Joining, s.NotBuilt, s.Available = do, joining, "It is not built, which is fine.", false
	opts := options(t, stage, "shards", "works")
	r := runStage(t, t.Context(), opts)
	path := filepath.Join(opts.Dir, opts.RunDir, "history.json")
	if _, err := os.Stat(path); err != nil {
		return r, nil, path
	}
	return r, readHistory(t, opts), path
}

func TestWhatIsNotBuiltIsNotTriedAndLeavesNothingBehind(t *testing.T) {
	r, h, _ := alongside(t, nil, func(context.Context, *challenges.Env, *challenges.Running) error { return challenges.ErrNotBuilt })
	last := r.Checks[len(r.Checks)-1]
	if r.Status != report.Passed || last.Status != report.NotTried || last.Note != "It is not built, which is fine." || h != nil || last.Scenario != nil {
		t.Errorf("%s: %+v", r.Status, last)
	}
}

func TestAFailureAlongsideClientsFailsTheScenario(t *testing.T) {
	r, h, _ := alongside(t, nil, func(context.Context, *challenges.Env, *challenges.Running) error {
		return challenges.Failf(challenges.RuleSpread, "it is uneven")
	})
	f := r.FirstFailure()
	if r.Status != report.Failed || f.Failure.Summary != "it is uneven" || f.Failure.Rule != "uneven shards" || h == nil {
		t.Error(explain(r))
	}
}

func TestClientsWorkOnNodesThatJoinAndFaultsAlongsideAreRecorded(t *testing.T) {
	joining := []challenges.Member{{ID: "n3", Shard: "s3"}}
	r, h, _ := alongside(t, joining, func(ctx context.Context, e *challenges.Env, running *challenges.Running) error {
		n, err := e.Cluster.AddMember(ctx, "n3", cluster.Shard{Name: "s3", Joins: true})
		if err != nil {
			return err
		}
		if err := n.Start(ctx); err != nil {
			return err
		}
		running.Join([]*cluster.Node{n})
		running.Heal()
		return errors.Join(
			running.Disturb(faults.Pause(), []*cluster.Node{n}, func() error { return errors.Join(n.Pause(ctx), n.Resume(ctx)) }),
			// Longer than the scenario would have taken.
			challenges.Wait(ctx, 4*time.Second),
		)
	})
	if r.Status != report.Passed {
		t.Fatal(explain(r))
	}
	through := make(map[string]int)
	clients := make(map[string]string)
	for i := range h.Operations {
		o := &h.Operations[i]
		if through[o.Node]++; o.Kind != history.Put {
			continue
		}
		if other, ok := clients[o.Value]; ok {
			t.Fatalf("%s was written through %s and %s", o.Value, other, o.Node)
		}
		clients[o.Value] = o.Node
	}
	if through["n3"] == 0 || through["n1"] == 0 || !slices.Equal(h.Nodes, []string{"n1", "n2", "n3"}) || len(h.Groups) != 3 {
		t.Errorf("operations by node %v, of %v in %v", through, h.Nodes, h.Groups)
	}
	if len(h.Faults) != 1 || h.Faults[0].Fault != "pause" || !slices.Equal(h.Faults[0].Targets, []string{"n3"}) || h.Faults[0].End <= h.Faults[0].Start {
		t.Errorf("faults %+v", h.Faults)
	}
	if took := h.Operations[len(h.Operations)-1].Call; took < 4*time.Second {
		t.Errorf("clients stopped after %s, in the middle of what went on beside them", took)
	}
}
