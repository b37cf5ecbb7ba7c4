package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/st3v3nmw/lsfr/models"
)

func (v *view) headline(p *Page) {
	var where []string
	add := func(s string) {
		if s != "" {
			where = append(where, inline(s, 100))
		}
	}
	switch {
	case p.Result != nil:
		add(p.Result.Challenge)
		add(p.Result.Stage)
	case p.History != nil:
		add(p.History.Challenge)
		add(p.History.Stage)
	}
	if p.History != nil {
		add(p.History.Scenario)
	}
	v.Context = strings.Join(where, " · ")
	v.Status, v.Headline, v.Lead = conclusion(p)
	v.Title = v.Headline
	if v.Context != "" {
		v.Title += " · " + v.Context
	}
}

// conclusion is the page's first line and the sentence below it.
func conclusion(p *Page) (status, headline, lead string) {
	violated := p.Verdict != nil && len(p.Verdict.Violations) > 0
	var first *Check
	if p.Result != nil {
		first = p.Result.FirstFailure()
	}
	switch {
	case violated:
		x := p.Verdict.Violations[0]
		return "violation", "Violation: " + inline(string(x.Rule), 80), visible(shorten(x.Sentence, 1200))
	case p.Result != nil && p.Result.Status == Failed:
		failed := 0
		for i := range p.Result.Checks {
			if p.Result.Checks[i].Status == Failed {
				failed++
			}
		}
		return "failed", fmt.Sprintf("Failed: %d of %s", failed, plural(len(p.Result.Checks), "check")), summary(first)
	case p.Result != nil && p.Result.Interrupted:
		return "unknown", "Interrupted", "The run ended before it could prove anything."
	case p.Result != nil && p.Result.Status == Passed:
		return "passed", "Passed", passedLead(p)
	case p.Result == nil && p.Verdict != nil && p.Verdict.Status == models.Valid:
		return "passed", "No violation found", passedLead(p)
	}
	lead = "There is too little to judge."
	if p.Verdict != nil && p.Verdict.Reason != "" {
		lead = capital(visible(shorten(p.Verdict.Reason, 1200))) + "."
	} else if s := summary(first); s != "" {
		lead = s
	}
	return "unknown", "No verdict", lead
}

func summary(c *Check) string {
	if c == nil || c.Failure == nil {
		return ""
	}
	return inline(c.Name, 100) + ": " + visible(shorten(c.Failure.Summary, 1200))
}

func passedLead(p *Page) string {
	if p.Verdict == nil || p.Verdict.Status != models.Valid {
		return "Every check held."
	}
	s := fmt.Sprintf("%s on %s satisfy the model %s", capital(plural(p.Verdict.Operations, "operation")), plural(p.Verdict.Keys, "key"), inline(p.Verdict.Model, 40))
	if p.History != nil && len(p.History.Faults) > 0 {
		s += ", with " + plural(len(p.History.Faults), "fault") + " under way"
	}
	return s + "."
}

// capital makes the first letter of a sentence a capital.
func capital(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + s[1:]
	}
	return s
}

func (v *view) facts(p *Page) {
	add := func(name, value, note string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{name, value, note})
		}
	}
	if p.Verdict != nil {
		v.Model = inline(p.Verdict.Model, 40)
		add("Model", v.Model, "checked in "+span(p.Verdict.Took))
	}
	if h := p.History; h != nil {
		ok, failed, unknown := h.Count()
		add("Operations", count(len(h.Operations)), fmt.Sprintf("%s ok, %s failed, %s unknown", count(ok), count(failed), count(unknown)))
		add("Throughput", rate(p), "operations")
		note := plural(len(h.Faults), "fault")
		if len(h.Nodes) > 0 {
			note += " on " + inline(strings.Join(h.Nodes, " "), 40)
		}
		add("Recorded", span(runEnd(h)), note)
		if len(h.Groups) > 0 {
			var groups []string
			for _, g := range h.Groups {
				groups = append(groups, inline(g.Shard, 24)+" on "+strings.Join(g.Nodes, " "))
			}
			add("Shards", count(len(groups)), inline(strings.Join(groups, ", "), 120))
		}
	}
	if r := p.Result; r != nil {
		add("Seed", fmt.Sprint(r.Seed), "")
		started := ""
		if !r.Started.IsZero() {
			started = "started " + r.Started.Format("2006-01-02 15:04:05 MST")
		}
		add("Whole stage", span(r.Took), started)
	} else if p.History != nil {
		add("Seed", fmt.Sprint(p.History.Seed), "")
	}
	if p.Verdict != nil {
		for _, w := range p.Verdict.Warnings {
			v.Warnings = append(v.Warnings, capital(visible(shorten(w, 500))))
		}
	}
}

// rate is the scenario's own figure, which knows when clients ran, or else
// operations by the time from the first call to the last answer.
func rate(p *Page) string {
	perSecond := 0.0
	if c := scenarioCheck(p); c != nil {
		perSecond = c.Scenario.Rate
	}
	if perSecond == 0 && len(p.History.Operations) > 0 {
		first, last := p.History.Operations[0].Call, p.History.Operations[0].Call
		for i := range p.History.Operations {
			o := &p.History.Operations[i]
			first, last = min(first, o.Call), max(last, o.Call, known(o))
		}
		if last > first {
			perSecond = float64(len(p.History.Operations)) / (last - first).Seconds()
		}
	}
	if perSecond == 0 {
		return ""
	}
	return count(int(math.Round(perSecond))) + " / s"
}

// scenarioCheck finds the check whose history the page shows, or nil.
func scenarioCheck(p *Page) *Check {
	if p.Result == nil || p.History == nil {
		return nil
	}
	for i := range p.Result.Checks {
		c := &p.Result.Checks[i]
		if c.Scenario != nil && (p.Verdict != nil && c.Scenario.Verdict == p.Verdict || c.Scenario.Title == p.History.Scenario) {
			return c
		}
	}
	return nil
}

func (v *view) commands(p *Page) {
	repeat, saved := p.Repeat, p.Source
	if repeat == "" && p.Result != nil {
		repeat = p.Result.Repeat
	}
	if repeat != "" {
		purpose := "Repeat the run with the same seed"
		if p.Result == nil {
			purpose = "Repeat the check"
		}
		v.Commands = append(v.Commands, command{purpose, inline(repeat, 1000)})
	}
	if c := scenarioCheck(p); c != nil && saved == "" {
		saved = c.Scenario.History
	}
	if saved == "" || saved == "-" {
		return
	}
	if line := "lsfr check " + shellWord(saved); len(v.Commands) == 0 || v.Commands[0].Line != line {
		v.Commands = append(v.Commands, command{"Judge the recorded history again", inline(line, 1000)})
	}
}
