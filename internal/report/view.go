package report

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	listedOperations = 200
	listedFaults     = 500
	listedViolations = 200
	listedDetails    = 60
)

// view is a page as its template needs it: text, with everything that came
// from a node made visible and short.
type view struct {
	Style  template.CSS
	Policy template.HTML
	script string // empty if there is nothing for it to show

	Title    string
	Status   string // passed, violation, failed, unknown
	Headline string
	Context  string // stage, scenario
	Lead     string
	Facts    []fact
	Commands []command
	Warnings []string

	// Circumstances are what the nodes of the first violation went through.
	Circumstances []string
	Violation     *violationView
	Guide         *guideView
	Advice        []advice
	Explorer      *explorer
	Latencies     *latencies
	Undecided     []string
	Failures      []failureView
	Staleness     *stalenessView
	Availability  *availabilityView
	Timeline      *timeline
	Faults        []faultView
	MoreFault     int
	Others        []otherView
	MoreOther     int
	Checks        []checkView
	Picture       *picture
	Model         string
}

type fact struct{ Name, Value, Note string }

type command struct{ Purpose, Line string }

type violationView struct {
	Rule, Key, Sentence, Cause string
	// Shard says where the key lives, empty if nobody knows.
	Shard          string
	SeveralKeys    bool
	Story          []storyStep
	Intervals      *intervals
	Operations     []operationView
	MoreOperations int
	Copies         []copyView
	MoreCopies     int
	Hint           string
	Details        []string
}

type operationView struct {
	Number, Client            int
	ID                        int64
	Node, Kind, Value, Defect string
	Call, Return, Took        string
	Outcome, OutcomeClass     string
	Colour                    int // of the value, -1 for none
	Culprit                   bool
}

type failureView struct {
	Check, Status, Rule, Summary, Request, Expected, Actual, Cause, Hint string
	Details                                                              []string
}

type faultView struct{ Fault, Targets, Start, End, Took, Hits, Detail string }

type otherView struct {
	Rule, Key, Shard, Sentence string
	Operation                  int64 // at which it shows, -1 if there is none
}

type checkView struct{ Status, Class, Name, Took, Figures, Note string }

func newView(ctx context.Context, p *Page) (*view, error) {
	style, err := assets.ReadFile("page/style.css")
	if err != nil {
		return nil, fmt.Errorf("read the page's style: %w", err)
	}
	more, err := assets.ReadFile("page/explorer.css")
	if err != nil {
		return nil, fmt.Errorf("read the page's style: %w", err)
	}
	v := &view{Style: template.CSS(string(style) + string(more))} //nolint:gosec // embedded
	v.headline(p)
	v.facts(p)
	v.commands(p)
	v.Timeline = drawTimeline(p.History, p.Verdict)
	if p.History != nil {
		v.faults(p.History.Faults)
	}
	if p.Verdict != nil {
		v.verdict(ctx, p)
	}
	if p.Result != nil {
		v.checks(p)
	}
	v.staleness(ctx, p)
	v.availability(p)
	v.Latencies = drawLatencies(p.History)
	v.advice(p)
	v.guide(p)
	if data := pack(p, mostOperations); data != nil {
		v.Explorer = newExplorer(data)
		if v.script, err = script(); err != nil {
			return nil, err
		}
	}
	v.Policy = policy(v.script, string(v.Style), v.Picture)
	return v, nil
}

func (v *view) faults(faults []history.FaultEvent) {
	for i, f := range faults {
		if i == listedFaults {
			v.MoreFault = len(faults) - listedFaults
			break
		}
		v.Faults = append(v.Faults, faultView{
			Fault: inline(f.Fault, 60), Targets: inline(strings.Join(f.Targets, ", "), 100),
			Start: seconds(3)(f.Start), End: seconds(3)(f.End), Took: span(max(0, f.End-f.Start)),
			Hits: count(f.Hits), Detail: inline(f.Detail, 300),
		})
	}
}

func (v *view) verdict(ctx context.Context, p *Page) {
	for _, u := range p.Verdict.Undecided {
		key := "all keys together"
		if u.Key != "" {
			key = inShard(quote(u.Key, 100), p.History, u.Key)
		}
		v.Undecided = append(v.Undecided, fmt.Sprintf("%s: %s, %d without an answer: %s",
			key, plural(u.Operations, "operation"), u.Open, inline(u.Reason, 200)))
	}
	if len(p.Verdict.Violations) == 0 {
		return
	}
	worst := p.Verdict.Violations[0]
	if p.History != nil && p.Verdict.Model == models.Pictured {
		v.Picture = drawPicture(ctx, p.History, worst)
	}
	v.Violation = newViolationView(&worst, p.History)
	v.Violation.Story = story(p.History, &worst)
	v.Circumstances = circumstances(p.History, &worst)
	if p.History != nil && worst.Rule == models.RuleCopiesDisagree {
		v.Violation.copies(p.History, &worst)
	}
	if c := scenarioCheck(p); c != nil && c.Failure != nil {
		v.Violation.Hint = visible(shorten(c.Failure.Hint, 2000))
		v.Violation.Details = details(c.Failure.Details)
	}
	for i, x := range p.Verdict.Violations[1:] {
		if i == listedViolations {
			v.MoreOther = len(p.Verdict.Violations) - 1 - listedViolations
			break
		}
		other := otherView{inline(string(x.Rule), 80), quote(x.Key, 60), shardOf(p.History, x.Key), visible(shorten(x.Sentence, 600)), -1}
		if bad := culprit(&x); bad >= 0 {
			other.Operation = x.Operations[bad].ID
		}
		v.Others = append(v.Others, other)
	}
}

// newViolationView shows a violation in a history, which may be nil.
func newViolationView(x *models.Violation, h *history.History) *violationView {
	var faults []history.FaultEvent
	if h != nil {
		faults = h.Faults
	}
	out := &violationView{
		Rule: inline(string(x.Rule), 80), Key: quote(x.Key, 100), Sentence: visible(shorten(x.Sentence, 1200)),
		Cause: causes[x.Rule], Intervals: drawIntervals(x, faults, laned(h, x)), Shard: ShardLine(h, x.Key),
	}
	if out.Intervals != nil {
		out.Intervals.shards(x.Operations, h)
	}
	out.SeveralKeys = severalKeys(x.Operations)
	colour, bad := valueColours(x.Operations), culprit(x)
	for i := range x.Operations {
		if i == listedOperations {
			out.MoreOperations = len(x.Operations) - i
			break
		}
		o := &x.Operations[i]
		row := operationView{
			Number: i + 1, Client: o.Client, ID: o.ID, Node: inline(o.Node, 24), Kind: o.Kind.String(), Colour: -1,
			Call: seconds(6)(o.Call), Return: "never", Outcome: outcomeText(o), OutcomeClass: o.Outcome.String(),
			Defect: visible(shorten(o.Defect, 400)), Culprit: i == bad,
		}
		if out.SeveralKeys {
			row.Kind += " " + inShard(quote(o.Key, 40), h, o.Key)
		}
		if o.Outcome != history.Unknown {
			row.Return, row.Took = seconds(6)(o.Return), span(max(0, o.Return-o.Call))
		}
		switch {
		case o.Kind == history.Cas:
			row.Value, row.Colour = quote(o.Expected, 80)+" to "+quote(o.Value, 80), colour[o.Value]%colours
		case o.Present || !o.Kind.Reads() && o.Kind != history.Delete:
			row.Value, row.Colour = quote(o.Value, 160), colour[o.Value]%colours
		case o.Kind.Reads():
			row.Value = "absent"
		}
		out.Operations = append(out.Operations, row)
	}
	return out
}

// severalKeys reports whether operations must be told apart by their keys.
func severalKeys(ops []history.Operation) bool {
	return slices.ContainsFunc(ops, func(o history.Operation) bool { return o.Key != ops[0].Key })
}

// outcomeText tells an outcome with what was answered.
func outcomeText(o *history.Operation) string {
	s := o.Outcome.String()
	if status := fmt.Sprintf("status %d", o.Status); o.Status != 0 {
		if strings.HasPrefix(o.Error, status) { // as the runner's errors begin
			return s + ", " + inline(o.Error, 200)
		}
		s += ", " + status
	}
	if o.Error != "" {
		s += ": " + inline(o.Error, 200)
	}
	return s
}

func (v *view) checks(p *Page) {
	shown := scenarioCheck(p)
	for i := range p.Result.Checks {
		c := &p.Result.Checks[i]
		row := checkView{
			Status: string(c.Status), Class: strings.ReplaceAll(string(c.Status), " ", "-"),
			Name: inline(c.Name, 200), Took: span(c.Took), Note: visible(shorten(c.Note, 600)),
		}
		if s := c.Scenario; s != nil {
			row.Figures = fmt.Sprintf("%s, %.0f %% ok", plural(s.OK+s.Failed+s.Unknown, "operation"), 100*s.AckedShare)
		}
		v.Checks = append(v.Checks, row)
		if c.Failure == nil || c == shown && v.Violation != nil {
			continue
		}
		f := c.Failure
		v.Failures = append(v.Failures, failureView{
			Check: row.Name, Status: row.Status, Rule: inline(f.Rule, 80), Cause: checkCauses[f.Rule], Summary: visible(shorten(f.Summary, 1200)), Request: inline(f.Request, 400),
			Expected: visible(shorten(f.Expected, 2000)), Actual: visible(shorten(f.Actual, 2000)),
			Hint: visible(shorten(f.Hint, 2000)), Details: details(f.Details),
		})
	}
}

func details(lines []string) []string {
	var out []string
	if len(lines) > listedDetails {
		out = append(out, fmt.Sprintf("… %d earlier lines left out", len(lines)-listedDetails))
		lines = lines[len(lines)-listedDetails:]
	}
	for _, l := range lines {
		out = append(out, visible(shorten(l, 800)))
	}
	return out
}
