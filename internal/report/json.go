package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// WriteJSON writes results as one document: {"results":[…]}. Durations are in
// nanoseconds, operations look as they do in history.json.
func WriteJSON(w io.Writer, results []*Result) error {
	doc := struct {
		Results []jsonResult `json:"results"`
	}{Results: []jsonResult{}}
	for _, r := range results {
		doc.Results = append(doc.Results, newJSONResult(r))
	}
	return encode(w, doc)
}

// Judged is a saved history and what a model says of it.
type Judged struct {
	// Source is the file's path, "-" for standard input.
	Source string
	// Verdict is nil if the history could not be judged; Problem then says why.
	Verdict *models.Verdict
	Problem string
}

// WriteVerdicts writes verdicts on saved histories as one document:
// {"verdicts":[{"source":…, "verdict":{…}}]}.
func WriteVerdicts(w io.Writer, judged []Judged) error {
	type entry struct {
		Source  string       `json:"source"`
		Verdict *jsonVerdict `json:"verdict,omitempty"`
		Problem string       `json:"problem,omitempty"`
	}
	doc := struct {
		Verdicts []entry `json:"verdicts"`
	}{Verdicts: []entry{}}
	for _, j := range judged {
		doc.Verdicts = append(doc.Verdicts, entry{j.Source, newJSONVerdict(j.Verdict), j.Problem})
	}
	return encode(w, doc)
}

func encode(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// The json types below embed what they dress: a field of the outer struct
// hides the embedded one of the same JSON name.

type jsonResult struct {
	Result
	Checks []jsonCheck `json:"checks"`
}

type jsonCheck struct {
	Check
	Scenario *jsonScenario `json:"scenario,omitempty"`
}

type jsonScenario struct {
	Scenario
	Verdict *jsonVerdict `json:"verdict,omitempty"`
}

type jsonVerdict struct {
	Status     string          `json:"status"`
	Model      string          `json:"model"`
	Engine     string          `json:"engine"`
	Reason     string          `json:"reason,omitempty"`
	Keys       int             `json:"keys"`
	Operations int             `json:"operations"`
	Violations []jsonViolation `json:"violations"`
	Undecided  []jsonUndecided `json:"undecided,omitempty"`
	Warnings   []string        `json:"warnings,omitempty"`
	TookNS     int64           `json:"took_ns"`
}

type jsonViolation struct {
	Rule       string          `json:"rule"`
	Key        string          `json:"key"`
	Sentence   string          `json:"sentence"`
	Operations []jsonOperation `json:"operations"`
}

type jsonUndecided struct {
	Key        string `json:"key"`
	Reason     string `json:"reason"`
	Operations int    `json:"operations"`
	Open       int    `json:"open"`
}

type jsonOperation struct {
	ID      int64   `json:"id"`
	Client  int     `json:"client"`
	Node    string  `json:"node"`
	Kind    string  `json:"kind"`
	Key     string  `json:"key"`
	Value   *string `json:"value"`
	Call    int64   `json:"call"`
	Return  *int64  `json:"return"`
	Outcome string  `json:"outcome"`
	Status  int     `json:"status,omitempty"`
	Error   string  `json:"error,omitempty"`
	Defect  string  `json:"defect,omitempty"`
	Final   bool    `json:"final,omitempty"`
}

func newJSONResult(r *Result) jsonResult {
	out := jsonResult{Result: *r, Checks: []jsonCheck{}}
	for _, c := range r.Checks {
		j := jsonCheck{Check: c}
		if c.Scenario != nil {
			s := *c.Scenario
			s.Rate, s.AckedShare = finite(s.Rate), finite(s.AckedShare)
			j.Scenario = &jsonScenario{Scenario: s, Verdict: newJSONVerdict(s.Verdict)}
		}
		out.Checks = append(out.Checks, j)
	}
	return out
}

// finite makes the result of a division by zero a number that JSON has.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

func newJSONVerdict(v *models.Verdict) *jsonVerdict {
	if v == nil {
		return nil
	}
	out := &jsonVerdict{
		Status: v.Status.String(), Model: v.Model, Engine: v.Engine, Reason: v.Reason,
		Keys: v.Keys, Operations: v.Operations, Violations: []jsonViolation{},
		Warnings: v.Warnings, TookNS: int64(v.Took),
	}
	for _, x := range v.Violations {
		j := jsonViolation{Rule: string(x.Rule), Key: x.Key, Sentence: x.Sentence, Operations: []jsonOperation{}}
		for i := range x.Operations {
			j.Operations = append(j.Operations, newJSONOperation(&x.Operations[i]))
		}
		out.Violations = append(out.Violations, j)
	}
	for _, u := range v.Undecided {
		out.Undecided = append(out.Undecided, jsonUndecided(u))
	}
	return out
}

func newJSONOperation(o *history.Operation) jsonOperation {
	j := jsonOperation{
		ID: o.ID, Client: o.Client, Node: o.Node, Kind: o.Kind.String(), Key: o.Key, Call: int64(o.Call),
		Outcome: o.Outcome.String(), Status: o.Status, Error: o.Error, Defect: o.Defect, Final: o.Final,
	}
	if o.Kind == history.Put || o.Kind == history.Get && o.Present {
		j.Value = &o.Value
	}
	if o.Outcome != history.Unknown {
		ret := int64(o.Return)
		j.Return = &ret
	}
	return j
}
