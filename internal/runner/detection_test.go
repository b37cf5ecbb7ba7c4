package runner_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/challenges/kvstore"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// The test binary is also the reference node and the guard process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "node":
			os.Exit(kvnode.Main(context.Background(), os.Args[2:], os.Stderr))
		case "fake":
			os.Exit(fakeNode(os.Args[2:]))
		case "cluster":
			os.Exit(fakeCluster(os.Args[2:]))
		case "guard":
			os.Exit(cluster.GuardMain(os.Stdin))
		}
	}
	os.Exit(m.Run())
}

// runs is how often each detection is repeated: LSFR_RUNS, or once.
func runs(t *testing.T) int {
	s := os.Getenv("LSFR_RUNS")
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("LSFR_RUNS=%q: want a number from 1", s)
	}
	return n
}

// counting reports whether rates are to be proven: then everything is judged, and
// nothing at the same time.
func counting() bool { return os.Getenv("LSFR_RUNS") != "" }

// silent is an Observer for which nobody looks.
type silent struct{}

func (silent) Building(string)          {}
func (silent) CheckStarted(string)      {}
func (silent) CheckDone(report.Check)   {}
func (silent) Progress(runner.Progress) {}

// judge runs a stage with its default duration.
func judge(t *testing.T, stage *challenges.Stage, dir, runDir string, command ...string) *report.Result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.Stage(t.Context(), runner.Options{
		Challenge: "kv-store", Stage: stage, Dir: dir, RunDir: runDir, Command: command, Seed: rand.Int64N(1 << 40),
		FailFast: true, Guard: []string{self, "guard"}, Observer: silent{}, Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel),
	})
	if err != nil {
		t.Fatalf("lsfr failed: %v", err)
	}
	return r
}

// stages are those up to this one, as a program is judged that was built so far.
func stages(t *testing.T, upTo string) []challenges.Stage {
	t.Helper()
	c := kvstore.Challenge()
	all, err := c.SoFar(upTo, upTo)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func explain(r *report.Result) string {
	f := r.FirstFailure()
	if f == nil || f.Failure == nil {
		return string(r.Status)
	}
	return fmt.Sprintf("%s at %q: %s\n%s", r.Status, f.Name, f.Failure.Summary, strings.Join(f.Failure.Details, "\n"))
}

// Each rule that lsfr enforces has a bug that it must catch.
func TestEveryBugIsCaughtByItsStage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n := runs(t)
	for i, bug := range kvnode.Bugs() {
		t.Run(bug.Name, func(t *testing.T) {
			if !counting() {
				if i%3 != 0 {
					t.Skip("make detection runs all of them")
				}
				t.Parallel() // what is counted runs alone
			}
			all := stages(t, bug.Stage)
			command := []string{self, "node", "--bug", bug.Name}
			caught, by := 0, map[string]int{}
			if os.Getenv("LSFR_HISTORY_ONLY") != "" { // how much do histories find without the API checks?
				all[len(all)-1].Checks = nil
			}
			for range n {
				r := judge(t, &all[len(all)-1], t.TempDir(), t.TempDir(), command...)
				if r.Status == report.Failed {
					caught++
					by[r.FirstFailure().Name]++
				} else {
					t.Logf("not caught, seed %d: %s", r.Seed, explain(r))
				}
			}
			var names []string
			for name, k := range by {
				names = append(names, fmt.Sprintf("%s (%d)", name, k))
			}
			slices.Sort(names)
			t.Logf("detection: | `%s` | %s | %d of %d | %s |", bug.Name, bug.Stage, caught, n, strings.Join(names, ", "))
			if caught*20 < n*19 {
				t.Errorf("caught in %d of %d runs", caught, n)
			}
			if os.Getenv("LSFR_EARLIER") == "" {
				return
			}
			for i := range all[:len(all)-1] {
				if r := judge(t, &all[i], t.TempDir(), t.TempDir(), command...); r.Status != report.Passed {
					t.Errorf("stage %s caught it before: %s", all[i].Name, explain(r))
				}
			}
		})
	}
}

func TestTheCorrectNodePassesEveryStage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	passesSingle(t, ".", self, "node")
	t.Run("Raft", func(t *testing.T) { passes(t, stages(t, "strong-consistency")[3:], ".", self, "node") })
	t.Run("copies that lag", func(t *testing.T) {
		passes(t, stages(t, "read-replicas")[3:], ".", self, "node", "--replication", "async", "--reads", "local")
	})
	if !counting() {
		return
	}
	t.Run("a fixed leader", func(t *testing.T) {
		passes(t, stages(t, "clustering")[3:], ".", self, "node", "--replication", "async")
	})
	t.Run("redirects", func(t *testing.T) {
		passes(t, stages(t, "strong-consistency")[3:], ".", self, "node", "--forward", "redirect")
	})
}

func TestTheExamplesPassEveryStage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	for _, example := range []struct {
		name, needs string
		clustered   bool
	}{{"python", "python3", true}, {"node", "node", false}} {
		t.Run(example.name, func(t *testing.T) {
			if _, err := exec.LookPath(example.needs); err != nil {
				t.Skipf("%s is not installed", example.needs)
			}
			dir := filepath.Join("..", "..", "examples", example.name)
			if example.clustered {
				passesCluster(t, dir, "./run.sh")
			}
			if !example.clustered || counting() {
				passesSingle(t, dir, "./run.sh")
			}
		})
	}
}

func passesSingle(t *testing.T, dir string, command ...string) {
	t.Run("one node", func(t *testing.T) { passes(t, stages(t, "crash-recovery"), dir, command...) })
}

// passesCluster judges stage 4 twice: as it is, with reads by the leader, and on the
// way to stage 5, with reads by everyone.
func passesCluster(t *testing.T, dir string, command ...string) {
	if counting() {
		t.Run("reads by the leader", func(t *testing.T) {
			passes(t, stages(t, "clustering")[3:], dir, append(slices.Clone(command), "--reads", "leader")...)
		})
	}
	t.Run("reads by everyone", func(t *testing.T) {
		passes(t, stages(t, "read-replicas")[3:], dir, command...)
	})
}

// passes judges each stage that many times.
func passes(t *testing.T, all []challenges.Stage, dir string, command ...string) {
	n := runs(t)
	for i := range all {
		passed := 0
		for range n {
			r := judge(t, &all[i], dir, t.TempDir(), command...)
			if r.Status == report.Passed {
				passed++
				s := r.Checks[len(r.Checks)-1].Scenario
				t.Logf("%s passed in %.1f s: %.0f operations/s, %.1f %% ok, faults %v, judged live in %.1f %% of the time; %s",
					r.Stage, r.Took.Seconds(), s.Rate, 100*s.AckedShare, s.Faults, 100*s.JudgingShare, report.StalenessLine(s.Staleness))
			} else {
				t.Errorf("stage %s, seed %d: %s", r.Stage, r.Seed, explain(r))
			}
		}
		t.Logf("detection: | %s | %s | %d of %d passed |", t.Name(), all[i].Name, passed, n)
	}
}
