package report

import (
	"fmt"
	"strings"

	"github.com/st3v3nmw/lsfr/models"
)

// advice is something to try where a run proved nothing.
type advice struct{ Text, Line string }

// mostAdvised is the most keys that advice names.
const mostAdvised = 3

// advice says what to try if there is no verdict.
func (v *view) advice(p *Page) {
	if v.Status != "unknown" {
		return
	}
	saved := p.Source
	if c := scenarioCheck(p); c != nil && saved == "" {
		saved = c.Scenario.History
	}
	if saved != "" && saved != "-" && p.Verdict != nil && len(p.Verdict.Undecided) > 0 {
		line := "lsfr check --timeout 10m"
		for i := range p.Verdict.Undecided[:min(len(p.Verdict.Undecided), mostAdvised)] {
			if key := p.Verdict.Undecided[i].Key; key != "" {
				line += " --key " + shellWord(inline(key, 100))
			}
		}
		text := "Give the judge more time, for the keys that it could not decide:"
		if strings.Contains(p.Verdict.Reason, models.ErrMemory.Error()) {
			text, line = "Give the judge more memory and time, for the keys that it could not decide:", line+" --memory 75%"
		}
		v.Advice = append(v.Advice, advice{text, inline(line+" "+shellWord(saved), 1000)})
	}
	if p.Verdict != nil {
		open := 0
		for _, u := range p.Verdict.Undecided {
			open = max(open, u.Open)
		}
		if open > 0 {
			v.Advice = append(v.Advice, advice{Text: fmt.Sprintf("Up to %s of a key never got an answer. Each of them may have taken effect at any later time, and the search has to try them all: find out why requests are not answered (the timeline shows where they gather), or write less at once with --clients.", plural(open, "operation"))})
		}
	}
	if p.Result == nil {
		return
	}
	if p.Result.Interrupted {
		v.Advice = append(v.Advice, advice{Text: "Let the run end by itself. It says how long it takes when it begins."})
		return
	}
	v.Advice = append(v.Advice, advice{"More time for clients gives more evidence:", "lsfr test " + shellWord(inline(p.Result.Stage, 60)) + " --duration 60s"},
		advice{Text: "If few operations succeed, look at the errors in the table of operations below, and at the nodes' logs at that time: a node that does not answer proves nothing, neither good nor bad."})
}
