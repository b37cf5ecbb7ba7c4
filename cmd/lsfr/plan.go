package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

// plannedFault is one line of a plan, for --json.
type plannedFault struct {
	Stage    string `json:"stage"`
	Scenario string `json:"scenario"`
	// Track numbers faults that come one after the other; tracks run side by side.
	Track int `json:"track"`
	// At is nanoseconds from the scenario's start if no fault took longer than it is held.
	At    time.Duration `json:"at_ns"`
	Hold  time.Duration `json:"hold_ns"`
	Fault string        `json:"fault"`
	What  string        `json:"what"`
}

// plan prints the faults that a seed gives, without running anything.
func (a *app) plan(f *testFlags, stages []challenges.Stage, seed int64) error {
	planned := []plannedFault{}
	for i := range stages {
		stage := &stages[i]
		if !f.json {
			fmt.Fprintf(a.stdout, "%s, seed %d\n", a.style(a.stdout).bold.Sprint(stage.Name), seed)
		}
		for j := range stage.Scenarios {
			s := &stage.Scenarios[j]
			steps := a.planScenario(f, stage, s, challenges.ScenarioSeed(seed, j))
			planned = append(planned, steps...)
			if !f.json {
				a.printPlan(f, s, steps)
			}
		}
	}
	if f.json {
		out := json.NewEncoder(a.stdout)
		out.SetIndent("", "  ")
		return out.Encode(struct {
			Seed int64          `json:"seed"`
			Plan []plannedFault `json:"plan"`
		}{seed, planned})
	}
	fmt.Fprintf(a.stdout, "\nTimes are counted from the start of a scenario, as if stopping and starting a node took\n"+
		"no time: the real ones are later. Who leads and who follows is decided when the fault comes.\n"+
		"Where it says \"once writes succeed\", it waits until the cluster has recovered from the last one.\n")
	return nil
}

func (a *app) planScenario(f *testFlags, stage *challenges.Stage, s *challenges.Scenario, seed int64) []plannedFault {
	members := stage.Members()
	plan := faults.NewPlan(seed, f.faults.Filter(s.Faults), challenges.IDs(members), challenges.Groups(members)...)
	var out []plannedFault
	for track, steps := range plan.Steps(f.lasts(s)) {
		for _, p := range steps {
			out = append(out, plannedFault{
				Stage: stage.Name, Scenario: s.Name, Track: track + 1, At: p.At, Hold: p.Hold, Fault: p.Fault.Name, What: p.String(),
			})
		}
	}
	return out
}

// lasts is how long clients run in a scenario.
func (f *testFlags) lasts(s *challenges.Scenario) time.Duration {
	if f.duration > 0 {
		return f.duration
	}
	return s.Duration
}

func (a *app) printPlan(f *testFlags, s *challenges.Scenario, steps []plannedFault) {
	fmt.Fprintf(a.stdout, "\n%s\n", wrap(fmt.Sprintf("%s: %s, for %g s", s.Name, s.Title, f.lasts(s).Seconds()), columns(a.stdout), "  ", "  "))
	if len(steps) == 0 {
		fmt.Fprintln(a.stdout, "    no faults")
	}
	for i, p := range steps {
		if i > 0 && steps[i-1].Track != p.Track {
			fmt.Fprintln(a.stdout, "    and at the same time")
		}
		fmt.Fprintf(a.stdout, "    %6.2f s  %s\n", p.At.Seconds(), p.What)
	}
	if s.Last != nil && f.faults.Allows(*s.Last) {
		fmt.Fprintf(a.stdout, "    when the clients have stopped: %s\n", s.Last.Name)
	}
	if s.Leaderless && f.faults.Allows(faults.Kill()) {
		fmt.Fprintln(a.stdout, "    when the clients have stopped: kill the leader, and read from the others")
	}
}

// chooseFaults reads --faults, and refuses what the stage has not.
func (f *testFlags) chooseFaults(stage *challenges.Stage) error {
	if f.faults.None() {
		return nil
	}
	var has []string
	for i := range stage.Scenarios {
		for _, track := range stage.Scenarios[i].Faults {
			for _, spec := range track {
				if f.faults.Allows(spec.Fault) {
					return nil
				}
				has = append(has, spec.Fault.Name)
			}
		}
	}
	switch {
	case f.faultNames == "":
		return nil
	case len(has) == 0:
		return usagef("--faults %s: stage %s has no faults", f.faultNames, stage.Name)
	}
	return usagef("--faults %s: stage %s has none of these, but %s", f.faultNames, stage.Name, joinOnce(has))
}

// joinOnce lists names without repetition.
func joinOnce(names []string) string {
	text, seen := "", make(map[string]bool)
	for _, n := range names {
		if seen[n] {
			continue
		}
		seen[n] = true
		if text != "" {
			text += ", "
		}
		text += n
	}
	return text
}
