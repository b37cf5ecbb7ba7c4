package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// WriteJSON writes results as one document: {"results":[…]}. Durations are in
// nanoseconds, operations look as they do in history.json. Scripts tell failures apart
// by "rule" (Failure.Rule), never by their sentences.
func WriteJSON(w io.Writer, results []*Result) error {
	if results == nil {
		results = []*Result{}
	}
	return encode(w, map[string]any{"results": results})
}

// Judged is a saved history and what a model says of it.
type Judged struct {
	// Source is the file's path, "-" for standard input.
	Source string `json:"source"`
	// Verdict is nil if the history could not be judged; Problem then says why.
	Verdict *models.Verdict `json:"verdict,omitempty"`
	Problem string          `json:"problem,omitempty"`
	// All has a verdict of every model instead, if those were asked for, and
	// Strongest names the ones that hold and follow from no other.
	All       []models.Verdict `json:"all,omitempty"`
	Strongest []string         `json:"strongest,omitempty"`
	// Faults are those of the history, to be told among the operations of a proof.
	Faults []history.FaultEvent `json:"-"`
}

// WriteVerdicts writes verdicts on saved histories as one document:
// {"verdicts":[{"source":…, "verdict":{…}}]}.
func WriteVerdicts(w io.Writer, judged []Judged) error {
	if judged == nil {
		judged = []Judged{}
	}
	return encode(w, map[string]any{"verdicts": judged})
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
