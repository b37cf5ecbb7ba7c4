package challenges_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/challenges/kvstore"
	"github.com/st3v3nmw/lsfr/models"
)

// all lists every challenge there is.
func all() []challenges.Challenge { return []challenges.Challenge{kvstore.Challenge()} }

func TestEveryStageIsComplete(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	for _, c := range all() {
		if !name.MatchString(c.Name) || c.Title == "" || c.Overview == "" || len(c.Stages) == 0 {
			t.Errorf("challenge %q is not complete", c.Name)
		}
		stages := make(map[string]bool)
		for i, s := range c.Stages {
			if !name.MatchString(s.Name) || s.Title == "" || s.Summary == "" || s.Nodes < 1 || len(s.Checks)+len(s.Scenarios) == 0 {
				t.Errorf("stage %q is not complete", s.Name)
			}
			if stages[s.Name] {
				t.Errorf("there are two stages %s", s.Name)
			}
			stages[s.Name] = true
			if at, found, err := c.Stage(s.Name); err != nil || at != i || found.Name != s.Name {
				t.Errorf("stage %s is not found: %d, %v", s.Name, at, err)
			}
		}
	}
}

func TestEveryStageHasAGuideThatNamesWhatItAsksFor(t *testing.T) {
	t.Parallel()
	wanted := map[string][]string{
		"http-api": {
			"PUT /kv/KEY", "GET /kv/KEY", "DELETE /kv/KEY", "DELETE /clear", "key not found", "key cannot be empty", "value cannot be empty",
			"method not allowed", "--port", "--working-dir", "/health", "SIGTERM", "1 MiB", "UTF-8", "run.sh",
		},
		"persistence":    {"SIGTERM", "--working-dir", "15 s", "PUT", "DELETE", "/clear", "lsfr guide http-api"},
		"crash-recovery": {"SIGKILL", "PUT", "DELETE", "/clear", "1 MiB", "fsync", "lsfr guide http-api"},
		"clustering": {
			"--port", "--working-dir", "--id", "--peers", "/health", "503", "SIGTERM", "SIGKILL", "SIGSTOP", "PUT /kv/KEY", "GET /kv/KEY",
			"DELETE /kv/KEY", "DELETE /clear", "key not found", "key cannot be empty", "value cannot be empty", "method not allowed",
			"/cluster/info", "candidate", "alive", "term", "307", "Location", "within 30 s", "within 5 s", "linearizable", "1 MiB",
			"lsfr guide http-api", "lsfr test --so-far", "ulimit -n 256",
		},
		"read-replicas": {
			"PUT /kv/KEY", "GET /kv/KEY", "DELETE /kv/KEY", "307", "Location", "503", "eventual", "within 10 s", "10,000", "within 20 s",
			"acknowledged", "stale", "lsfr guide clustering", "lsfr test --so-far", "linearizable",
		},
		"fault-tolerance": {
			"--peers", "majority", "minority", "elect", "term", "vote", "within 10 s", "within 30 s", "10 s", "15 s", "503", "307",
			"eventual", "acknowledged", "unknown", "synced", "gone", "visible on all", "free of faults", "longest outage",
			"next write after", "/cluster/info", "lsfr guide clustering", "lsfr guide crash-recovery", "lsfr guide read-replicas",
			"lsfr test --so-far",
		},
		"strong-consistency": {
			"linearizable", "majority", "minority", "503", "307", "404", "term", "confirmed", "deposed", "lease", "new leader",
			"read index", "no retries", "unknown", "free of faults", "within 10 s", "/cluster/info", "lsfr guide clustering",
			"lsfr guide fault-tolerance", "lsfr test --so-far",
		},
		"sharding": {
			"--shard", "s1/n2=", "--peers", "--join", "/cluster/shards", `"shard"`, "key cannot be empty", "35 %", "65 %", "25 %", "42 %",
			"503", "307", "404", "linearizable", "majority", "GET /cluster/info", "POST /cluster/shards", "not tried", "within 30 s",
			"lsfr guide strong-consistency", "lsfr test --so-far",
		},
	}
	headings := []string{"What to build", "Why it matters", "How it is tested"}
	for _, c := range all() {
		for _, s := range c.Stages {
			words, ok := wanted[s.Name]
			if !ok {
				t.Errorf("the test does not know stage %s", s.Name)
			}
			for _, w := range append(slices.Clone(words), headings...) {
				if !strings.Contains(s.Guide, w) {
					t.Errorf("the guide of %s does not mention %q", s.Name, w)
				}
			}
			if !strings.HasPrefix(s.Guide, "# ") || !strings.Contains(s.Guide, s.Title) {
				t.Errorf("the guide of %s has no title", s.Name)
			}
		}
	}
}

func TestEveryCheckHasANameAndAHint(t *testing.T) {
	t.Parallel()
	for _, c := range all() {
		for _, s := range c.Stages {
			names := make(map[string]bool)
			for _, k := range s.Checks {
				if k.Name == "" || k.Hint == "" || k.Run == nil || names[k.Name] {
					t.Errorf("%s: check %q is not complete, or comes twice", s.Name, k.Name)
				}
				names[k.Name] = true
			}
		}
	}
}

func TestEveryScenarioCanProveSomething(t *testing.T) {
	t.Parallel()
	for _, c := range all() {
		for _, s := range c.Stages {
			names := make(map[string]bool)
			for _, n := range s.Scenarios {
				if n.Name == "" || n.Title == "" || n.Hint == "" || names[n.Name] || names[n.Title] {
					t.Errorf("%s: scenario %q is not complete, or comes twice", s.Name, n.Name)
				}
				names[n.Name], names[n.Title] = true, true
				if _, err := models.Find(n.Model); err != nil {
					t.Errorf("%s: %v", n.Name, err)
				}
				m := n.Mix
				if m.Gets <= 0 || m.Puts <= 0 || m.HotKeys <= 0 || m.KeyLife <= 0 || n.Clients < 2 || n.Duration <= 0 {
					t.Errorf("%s: the workload proves nothing: %+v", n.Name, n)
				}
				// Clients use one kept-alive connection each, and a node gets at most 100.
				if n.Clients > 90 {
					t.Errorf("%s: %d clients hold too many sockets", n.Name, n.Clients)
				}
				if m.Large > 0 && (m.MinSize < 100 || m.MaxSize < m.MinSize || m.MaxSize > 1<<20) {
					t.Errorf("%s: values of %d to %d bytes", n.Name, m.MinSize, m.MaxSize)
				}
				if m.RetiredReads+m.Large+m.Awkward > 100 || m.Large+m.Awkward > 100 {
					t.Errorf("%s: more than 100 %%: %+v", n.Name, m)
				}
				specs := slices.Concat(n.Faults...)
				if (n.MinFaults > 0) != (len(specs) > 0) {
					t.Errorf("%s: %d kinds of faults, %d needed", n.Name, len(specs), n.MinFaults)
				}
				for _, f := range specs {
					if f.Fault.MinNodes > s.Nodes {
						t.Errorf("%s: fault %s makes no sense with %d nodes", n.Name, f.Fault.Name, s.Nodes)
					}
					if f.Weight <= 0 || f.Fault.Inject == nil || f.Gap.Max < f.Gap.Min || f.Hold.Max < f.Hold.Min || f.Delay.Max < f.Delay.Min {
						t.Errorf("%s: fault %+v", n.Name, f)
					}
				}
			}
		}
	}
}

func TestAnUnknownStageIsNamedWithThoseThatExist(t *testing.T) {
	t.Parallel()
	c := challenges.Challenge{Name: "x", Stages: []challenges.Stage{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	for n, want := range []string{`x has no stage "z" (want )`, `x has no stage "z" (want a)`, `x has no stage "z" (want a or b)`, `x has no stage "z" (want a, b or c)`} {
		c := challenges.Challenge{Name: c.Name, Stages: c.Stages[:n]}
		_, _, err := c.Stage("z")
		var unknown *challenges.UnknownStageError
		if !errors.As(err, &unknown) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := c.StageNames(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
}

func TestAStageIsJudgedByWhatLaterOnesStillPromise(t *testing.T) {
	t.Parallel()
	c := kvstore.Challenge()
	for _, tt := range []struct{ name, built, model string }{
		{"clustering", "clustering", "linearizable"},
		{"clustering", "http-api", "linearizable"},
		{"clustering", "read-replicas", "eventual"},
		{"clustering", "fault-tolerance", "eventual"},
		{"clustering", "strong-consistency", "linearizable"},
		{"read-replicas", "strong-consistency", "eventual"},
		{"clustering", "sharding", "linearizable"},
		{"crash-recovery", "strong-consistency", "linearizable"},
	} {
		stages, err := c.SoFar(tt.name, tt.built)
		if err != nil {
			t.Fatal(err)
		}
		last := stages[len(stages)-1]
		if last.Name != tt.name || last.Scenarios[0].Model != tt.model {
			t.Errorf("%s, built up to %s: stage %s judges by %s, want %s", tt.name, tt.built, last.Name, last.Scenarios[0].Model, tt.model)
		}
		if reads := last.Scenarios[0].Converge > 0; reads != (tt.model == "eventual") {
			t.Errorf("%s, built up to %s: copies may lag: %v", tt.name, tt.built, reads)
		}
	}
	// All stages up to one are judged for a program that was built so far.
	stages, err := c.SoFar("read-replicas", "http-api")
	if err != nil || len(stages) != 5 || stages[3].Scenarios[0].Model != "eventual" {
		t.Errorf("got %d stages, %v", len(stages), err)
	}
	for _, names := range [][2]string{{"nope", "clustering"}, {"clustering", "nope"}} {
		if _, err := c.SoFar(names[0], names[1]); err == nil {
			t.Errorf("%v: no error", names)
		}
	}
}
