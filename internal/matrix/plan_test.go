package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/challenges/kvstore"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/models"
)

func TestEveryBugHasExplanationsThatExist(t *testing.T) {
	exists := map[string]bool{runner.StartCheck: true, runner.SettleCheck: true}
	c := kvstore.Challenge()
	for _, s := range c.Stages {
		for _, k := range s.Checks {
			exists[k.Name] = true
		}
	}
	for _, r := range challenges.Rules() {
		exists[string(r)] = true
	}
	for _, r := range models.Rules() {
		exists[string(r)] = true
	}
	for _, k := range []cluster.Kind{cluster.Exited, cluster.NotReady, cluster.StopTimeout} {
		exists[string(k)] = true
	}
	known := ownStages()
	for name := range known {
		if len(expected()[name]) == 0 {
			t.Errorf("say in expected_*.go what the right explanation of %s is", name)
		}
	}
	for name, explanations := range expected() {
		if known[name] == "" {
			t.Errorf("there is no bug %s any more", name)
		}
		for _, e := range explanations {
			if !exists[e] {
				t.Errorf("%s: there is no check and no rule %q", name, e)
			}
		}
	}
	if len(expectedOfOneNode())+len(expectedOfClusters())+len(expectedOfSharding()) != len(expected()) {
		t.Error("a bug is in two lists")
	}
}

func TestAnExplanationIsRightByItsCheckOrByItsRule(t *testing.T) {
	for _, c := range []struct {
		r    row
		want bool
	}{
		{row{Subject: "wrong-405", Check: "refuses other methods", Rule: "wrong answer"}, true},
		{row{Subject: "wrong-405", Check: "stores and returns values", Rule: "wrong answer"}, false},
		{row{Subject: "torn-value", Check: "some scenario", Rule: "torn value"}, true},
		{row{Subject: "torn-value", Check: "some scenario", Rule: "stale read"}, false},
		{row{Subject: "torn-value"}, false},
		{row{Subject: "unheard-of", Check: "a check", Rule: "a rule"}, false},
	} {
		if got := right(&c.r); got != c.want {
			t.Errorf("%+v: got %v", c.r, got)
		}
	}
}

// tasks are what a command line asks for, as "subject stage".
func tasks(t *testing.T, old results, args ...string) []string {
	t.Helper()
	o, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planned(o, old)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range plan {
		for range p.runs {
			out = append(out, p.name+" "+p.in)
		}
	}
	return out
}

func TestABugIsJudgedByItsStageAndTheLaterOnesItCouldPass(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"-runs 1 -only ^stale-cache$", "stale-cache http-api, stale-cache persistence, stale-cache crash-recovery, stale-cache clustering, stale-cache read-replicas"},
		{"-runs 2 -own -only ^stale-cache$", "stale-cache http-api, stale-cache http-api"},
		{"-runs 1 -later -only ^(correct/async|half-value)$", "half-value clustering, half-value read-replicas"},
		{"-runs 1 -only ^ships-one-behind$", "ships-one-behind read-replicas"},
		{"-runs 1 -only ^split-brain$", "split-brain fault-tolerance, split-brain strong-consistency, split-brain sharding"},
		{"-runs 1 -stages persistence,clustering -only ^stale-cache$", "stale-cache persistence, stale-cache clustering"},
		{"-runs 1 -own -only ^correct/python", "correct/python http-api, correct/python persistence, correct/python crash-recovery, correct/python clustering, correct/python read-replicas, correct/python-leader-reads clustering"},
	} {
		if got := strings.Join(tasks(t, results{}, strings.Fields(c.args)...), ", "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.args, got, c.want)
		}
	}
}

func TestAResumedCountHasOnlyWhatIsMissing(t *testing.T) {
	old := results{rows: []row{
		{Count: 1, Subject: "split-brain", Stage: faultTolerance},
		{Count: 1, Subject: "split-brain", Stage: faultTolerance},
		{Count: 1, Subject: "split-brain", Stage: faultTolerance, Way: wayLoad},
	}}
	got := strings.Join(tasks(t, old, "-resume", "-runs", "3", "-only", "^split-brain$", "-own"), ", ")
	if got != "split-brain fault-tolerance" {
		t.Errorf("got %s", got)
	}
	if got := tasks(t, old, "-resume", "-runs", "2", "-only", "^split-brain$", "-own"); len(got) != 0 {
		t.Errorf("nothing is missing, and it wants %v", got)
	}
}

func TestTheShortFormHasAThirdOfTheBugsOfEachStageAndEachKindOfStore(t *testing.T) {
	all, some := make(map[string]int), make(map[string]int)
	for _, s := range bugs() {
		all[s.bug.Stage]++
	}
	stores := 0
	for _, p := range tasks(t, results{}, "-short", "-runs", "7") {
		name, stage, _ := strings.Cut(p, " ")
		if strings.HasPrefix(name, "correct/") {
			stores++
			continue
		}
		if own := ownStages()[name]; own != stage {
			t.Errorf("%s is judged by %s", name, stage)
		}
		some[stage]++
	}
	for stage, n := range all {
		if some[stage] != (n+2)/3 {
			t.Errorf("%s: %d of %d bugs", stage, some[stage], n)
		}
	}
	if stores != 3+5+2+2+3 {
		t.Errorf("%d stages of correct stores", stores)
	}
}

func TestEveryTaskHasAStageAndAFolder(t *testing.T) {
	for _, s := range slices.Concat(correct(), bugs()) {
		if s.title == "" || len(s.stages) == 0 {
			t.Errorf("%s: title %q, stages %v", s.name, s.title, s.stages)
		}
		for _, name := range s.stages {
			stage, err := s.stage(name)
			if err != nil || stage.Name != name {
				t.Errorf("%s by %s: %v", s.name, name, err)
			}
		}
		if _, err := os.Stat(filepath.Join("..", "..", s.dir, "run.sh")); s.dir != "" && err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// A later stage judges a bug as a program that was built up to that stage: clustering asks
// for fresh reads, and on the way to read-replicas copies may lag.
func TestAStageJudgesABugAsAProgramThatWasBuiltSoFar(t *testing.T) {
	find := func(all []subject, name string) *subject {
		at := slices.IndexFunc(all, func(s subject) bool { return s.name == name })
		if at < 0 {
			t.Fatalf("there is no %s", name)
		}
		return &all[at]
	}
	bug, lagging := find(bugs(), "stale-cache"), find(correct(), "correct/async")
	for _, c := range []struct {
		s     *subject
		model string
		reads string
	}{{bug, "linearizable", ""}, {lagging, "eventual", "local"}} {
		stage, err := c.s.stage(clustering)
		if err != nil || stage.Scenarios[0].Model != c.model {
			t.Errorf("%s: %+v, %v", c.s.name, stage.Scenarios, err)
		}
		line := strings.Join(c.s.start("self", clustering), " ")
		if strings.Contains(line, "--reads") != (c.reads != "") || !strings.HasPrefix(line, "self node") {
			t.Errorf("%s is started by %q", c.s.name, line)
		}
	}
	if line := strings.Join(bug.start("self", readReplicas), " "); line != "self node --bug stale-cache --reads local" {
		t.Errorf("got %q", line)
	}
	if line := strings.Join(find(bugs(), "restore-merges").start("self", strongConsistency), " "); line != "self node --bug restore-merges --reads leader" {
		t.Errorf("got %q", line)
	}
	if line := strings.Join(bug.start("self", clustering), " "); line != "self node --bug stale-cache" {
		t.Errorf("got %q: the first command line has changed", line)
	}
}

func TestACommandLineThatCannotWorkIsRefused(t *testing.T) {
	for _, args := range []string{
		"-only [", "-stages no-such-stage", "-runs 0", "-parallel 0", "-own -later", "-results figures.txt", "surplus", "-unheard-of",
	} {
		var said strings.Builder
		if code := run(t.Context(), strings.Fields(args), io.Discard, &said); code != exitUsage || said.Len() == 0 {
			t.Errorf("%s: exit code %d, %q", args, code, said.String())
		}
	}
	o := options{only: regexp.MustCompile("^nothing$"), runs: 1}
	if _, err := planned(o, results{}); err == nil {
		t.Error("a plan without tasks is no error")
	}
}
