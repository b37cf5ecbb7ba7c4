package runner_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

// small is a stage with one scenario that takes two seconds: four times what a
// slow machine needs for the evidence.
func small(checks ...challenges.Check) *challenges.Stage {
	return &challenges.Stage{Name: "small", Nodes: 1, Checks: checks, Scenarios: []challenges.Scenario{{
		Name: "scenario", Title: "a short scenario", Hint: "look here", Model: "linearizable",
		Mix:     workload.Mix{Gets: 5, Puts: 4, Deletes: 1, HotKeys: 2, KeyLife: 30, RetiredReads: 10},
		Clients: 4, Rate: 400, Duration: 2 * time.Second,
	}}}
}

func options(t *testing.T, stage *challenges.Stage, command ...string) runner.Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return runner.Options{
		Challenge: "kv-store", Stage: stage, Dir: t.TempDir(), RunDir: "run", Command: append([]string{self}, command...),
		Seed: 1, Guard: []string{self, "guard"}, Repeat: "lsfr test small --seed 1", Observer: silent{},
	}
}

func runStage(t *testing.T, ctx context.Context, opts runner.Options) *report.Result {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(opts.Dir, opts.RunDir), 0o755); err != nil {
		t.Fatal(err)
	}
	r, writeReport, err := runner.Stage(ctx, opts)
	if err != nil {
		t.Fatalf("lsfr failed: %v", err)
	}
	writeReport(ctx)
	return r
}

func readHistory(t *testing.T, opts runner.Options) *history.History {
	t.Helper()
	f, err := os.Open(filepath.Join(opts.Dir, opts.RunDir, "history.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := history.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestARunLeavesItsHistoryReportAndLogs(t *testing.T) {
	opts := options(t, small(), "fake", "works")
	r := runStage(t, t.Context(), opts)
	if r.Status != report.Passed {
		t.Fatal(explain(r))
	}
	h := readHistory(t, opts)
	if h.Truncated || h.Stage != "small" || h.Seed != 1 || len(h.Operations) < 100 {
		t.Errorf("history of %d operations, truncated %v, header %+v", len(h.Operations), h.Truncated, h.Header)
	}
	finals := 0
	for _, o := range h.Operations {
		if o.Final {
			finals++
		}
	}
	if finals == 0 {
		t.Error("no final reads")
	}
	v, err := models.Check(t.Context(), h, models.Options{})
	if err != nil || v.Status != models.Valid {
		t.Errorf("the saved history is %s, %v", v.Status, err)
	}
	for _, name := range []string{"report.html", "nodes/n1.log"} {
		if info, err := os.Stat(filepath.Join(opts.Dir, opts.RunDir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClusterThatAcknowledgesNothingProvesNothing(t *testing.T) {
	r := runStage(t, t.Context(), options(t, small(), "fake", "unavailable"))
	if r.Status != report.Unknown {
		t.Fatalf("want unknown, got %s", explain(r))
	}
	if f := r.FirstFailure().Failure; f == nil || !strings.Contains(f.Summary, "0 of") && !strings.Contains(f.Summary, "proves nothing") {
		t.Errorf("the reason does not say what is missing: %+v", f)
	}
}

func TestANodeThatExitsInAScenarioFailsItAtOnce(t *testing.T) {
	opts := options(t, small(), "fake", "exits")
	opts.Duration = time.Hour // it must not be waited for
	r := runStage(t, t.Context(), opts)
	f := r.FirstFailure()
	if r.Status != report.Failed || f.Failure == nil {
		t.Fatal(explain(r))
	}
	text := f.Failure.Summary + strings.Join(f.Failure.Details, "\n")
	for _, want := range []string{"n1", "3", "fatal: out of ideas", "n1.log"} {
		if !strings.Contains(text, want) {
			t.Errorf("the failure does not tell %q:\n%s", want, text)
		}
	}
	if f.Failure.Hint != "look here" || f.Failure.Rule != string(cluster.Exited) {
		t.Errorf("the scenario's hint %q, rule %q", f.Failure.Hint, f.Failure.Rule)
	}
	if h := readHistory(t, opts); len(h.Operations) == 0 {
		t.Error("the history was not saved")
	}
}

func TestAnInterruptedRunSavesItsHistoryAndSaysSo(t *testing.T) {
	opts := options(t, small(), "fake", "works")
	opts.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opts.Observer = whenBusy{cancel}
	r := runStage(t, ctx, opts)
	if !r.Interrupted || r.Status != report.Unknown {
		t.Fatalf("interrupted %v, status %s", r.Interrupted, r.Status)
	}
	if h := readHistory(t, opts); h.Truncated || len(h.Operations) < 50 {
		t.Errorf("history of %d operations, truncated %v", len(h.Operations), h.Truncated)
	}
}

// whenBusy interrupts once clients are at work.
type whenBusy struct{ interrupt func() }

func (whenBusy) Building(string)        {}
func (whenBusy) CheckStarted(string)    {}
func (whenBusy) CheckDone(report.Check) {}
func (w whenBusy) Progress(p runner.Progress) {
	if p.OK > 50 {
		w.interrupt()
	}
}

func TestAfterAFailureTheRestIsStillDone(t *testing.T) {
	var done []string
	check := func(name string, err error) challenges.Check {
		return challenges.Check{Name: name, Hint: "hint of " + name, Run: func(context.Context, *challenges.Env) error {
			done = append(done, name)
			return err
		}}
	}
	stage := small(check("a", challenges.Failf(challenges.RuleWrongAnswer, "a is wrong")), check("b", nil))
	r := runStage(t, t.Context(), options(t, stage, "fake", "works"))
	if r.Status != report.Failed || strings.Join(done, "") != "ab" || r.Checks[len(r.Checks)-1].Status != report.Passed {
		t.Fatalf("done %v, %s", done, explain(r))
	}
	if f := r.FirstFailure().Failure; f.Rule != "wrong answer" || f.Summary != "a is wrong" || f.Hint != "hint of a" {
		t.Errorf("failure %+v", f)
	}
	done = nil
	opts := options(t, stage, "fake", "works")
	opts.FailFast = true
	r = runStage(t, t.Context(), opts)
	if strings.Join(done, "") != "a" || r.Checks[2].Status != report.Skipped || r.Checks[3].Status != report.Skipped {
		t.Fatalf("with fail-fast: done %v, %+v", done, r.Checks)
	}
}

func TestWhatLsfrItselfGetsWrongIsNoVerdict(t *testing.T) {
	broken := errors.New("lsfr is broken")
	stage := small(challenges.Check{Name: "a", Run: func(context.Context, *challenges.Env) error { return broken }})
	opts := options(t, stage, "fake", "works")
	if err := os.MkdirAll(filepath.Join(opts.Dir, opts.RunDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := runner.Stage(t.Context(), opts); !errors.Is(err, broken) {
		t.Fatalf("want the error, got %v", err)
	}
}

func TestACheckThatFindsItsNodeDeadStartsItAgain(t *testing.T) {
	stage := small(
		challenges.Check{Name: "kills it", Run: func(ctx context.Context, e *challenges.Env) error {
			if err := e.Node().Kill(ctx); err != nil {
				return err
			}
			return challenges.Failf(challenges.RuleNoAnswer, "killed")
		}},
		challenges.Check{Name: "needs it", Run: func(ctx context.Context, e *challenges.Env) error { return e.Put(ctx, e.Key("k"), "v") }},
	)
	r := runStage(t, t.Context(), options(t, stage, "fake", "works"))
	if r.Checks[1].Status != report.Failed || r.Checks[2].Status != report.Passed {
		t.Fatalf("%+v", r.Checks)
	}
}

func TestAViolationEndsAScenarioEarlyUnlessToldOtherwise(t *testing.T) {
	t.Run("it ends at the first violation", func(t *testing.T) {
		opts := options(t, small(), "node", "--bug", "stale-cache")
		opts.Duration = time.Hour // if it ever returns, it ended early
		r := runStage(t, t.Context(), opts)
		if r.Status != report.Failed {
			t.Fatal(explain(r))
		}
		f := r.FirstFailure()
		if f.Failure.Rule == "" || f.Failure.Rule != string(f.Scenario.Verdict.Violations[0].Rule) {
			t.Errorf("rule %q, and the verdict is %+v", f.Failure.Rule, f.Scenario.Verdict.Violations)
		}
		h := readHistory(t, opts)
		looked := h.Operations[len(h.Operations)-1]
		if !slices.ContainsFunc(f.Scenario.Verdict.Violations, func(v models.Violation) bool {
			return v.Key == looked.Key && looked.Kind == history.Get && !looked.Final
		}) {
			t.Errorf("nobody looked at a key of the violation afterwards: the last operation is %+v", looked)
		}
	})
	t.Run("it runs on if told so", func(t *testing.T) {
		opts := options(t, small(), "node", "--bug", "stale-cache")
		opts.Duration, opts.NoEarlyStop = 4*time.Second, true
		if r := runStage(t, t.Context(), opts); r.Status != report.Failed {
			t.Fatal(explain(r))
		}
		h := readHistory(t, opts)
		if last := h.Operations[len(h.Operations)-1]; !last.Final {
			t.Errorf("without final reads it did not run to its end: the last operation is %+v", last)
		}
	})
}

func TestACheckThatTakesTooLongIsNoAccusation(t *testing.T) {
	stage := small(challenges.Check{Name: "waits", Limit: 100 * time.Millisecond, Run: func(ctx context.Context, _ *challenges.Env) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	stage.Scenarios = nil
	r := runStage(t, t.Context(), options(t, stage, "fake", "works"))
	if f := r.FirstFailure(); r.Status != report.Unknown || f.Failure.Rule != "too slow" || !strings.Contains(f.Failure.Summary, "longer than 100ms") {
		t.Fatal(explain(r))
	}
}

func TestTheReportComesAfterTheVerdictAndDoesNotChangeIt(t *testing.T) {
	stage := small()
	stage.Scenarios = nil
	opts := options(t, stage, "fake", "works")
	page := filepath.Join(opts.Dir, opts.RunDir, "report.html")
	if err := os.MkdirAll(page, 0o755); err != nil { // a folder is where the page should be
		t.Fatal(err)
	}
	var log bytes.Buffer
	opts.Log = zerolog.New(&log).Level(zerolog.WarnLevel)
	r, writeReport, err := runner.Stage(t.Context(), opts)
	if err != nil || r.Status != report.Passed || r.Report != "" || log.Len() > 0 {
		t.Fatalf("%v, %s, report %q, log %q", err, explain(r), r.Report, log.String())
	}
	writeReport(t.Context())
	if r.Status != report.Passed || r.Report != "" || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("in the way: %s, report %q, want one warning, got %q", explain(r), r.Report, log.String())
	}
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	writeReport(ended)
	if data, err := os.ReadFile(page); err != nil || len(data) == 0 || r.Report != "run/report.html" {
		t.Errorf("report %q, %v, want it, though interrupted", r.Report, err)
	}
}

func TestARunTellsWhatHappensInItsScenarios(t *testing.T) {
	stage := small()
	stage.Scenarios[0].Faults = []faults.Track{{{Fault: faults.Kill(), Weight: 1, Gap: faults.Range{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}}}}
	opts := options(t, stage, "node")
	var mu sync.Mutex
	begun, ended := make(map[string]int), make(map[string]int)
	opts.Tell = func(e runner.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Begun {
			begun[e.Phase]++
		} else {
			ended[e.Phase]++
		}
	}
	before := time.Now()
	r := runStage(t, t.Context(), opts)
	h := readHistory(t, opts)
	if n := len(h.Faults); n == 0 || begun["kill"] != n || !maps.Equal(begun, ended) || begun["final reads"] != 1 {
		t.Errorf("%d faults; told of beginnings %v and ends %v; %s", n, begun, ended, explain(r))
	}
	// Logs are merged with the history by these times.
	log, err := os.ReadFile(filepath.Join(opts.Dir, opts.RunDir, "nodes", "n1.log"))
	if err != nil {
		t.Fatal(err)
	}
	first, kills := h.Faults[0], 0
	for line := range strings.Lines(string(log)) {
		stamp, rest, _ := strings.Cut(line, " ")
		at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", stamp)
		if err == nil && strings.Contains(rest, "SIGKILL") && !at.Before(h.Started.Add(first.Start).Truncate(time.Millisecond)) && !at.After(h.Started.Add(first.End)) {
			kills++
		}
	}
	if kills != 1 || h.Started.Before(before) {
		t.Errorf("%d kills in the log between %v and %v after %v", kills, first.Start, first.End, h.Started)
	}
}

func TestARunScriptThatIsMissingIsNoVerdict(t *testing.T) {
	opts := options(t, small(), "fake", "works")
	opts.Command = []string{"./run.sh"}
	if err := os.MkdirAll(filepath.Join(opts.Dir, opts.RunDir), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := runner.Stage(t.Context(), opts)
	node, ok := errors.AsType[*cluster.NodeError](err)
	if !ok || node.Kind != cluster.NotRunnable {
		t.Fatalf("want a NodeError of kind %s, got %v", cluster.NotRunnable, err)
	}
}

func TestFaultsThatHitNothingAreNoEvidence(t *testing.T) {
	stage := small()
	stage.Scenarios[0].Mix = workload.Mix{Gets: 1, HotKeys: 2, KeyLife: 30} // nobody writes, so no write is hit
	stage.Scenarios[0].Faults = []faults.Track{{{Fault: faults.Kill(), Weight: 1, Gap: faults.Range{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}}}}
	stage.Scenarios[0].MinFaults = 1
	r := runStage(t, t.Context(), options(t, stage, "node"))
	if r.Status != report.Unknown {
		t.Fatalf("want unknown, got %s", explain(r))
	}
}
