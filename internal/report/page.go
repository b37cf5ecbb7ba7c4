package report

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// Page is what one HTML page shows. Every part may be missing.
type Page struct {
	// Result of the run; nil for a saved history that was only checked.
	Result *Result
	// History that was judged; nil if no scenario recorded one.
	History *history.History
	// Verdict on History; nil if it was not judged.
	Verdict *models.Verdict
	// Staleness of the reads in History; if nil, that of the Result's scenario.
	Staleness *models.Staleness
	// Availability of writes in History; if nil, that of the Result's scenario.
	Availability *models.Availability
	// Shards is the availability of each shard; used if Availability is.
	Shards []models.Availability
	// Source is the path of the history's file, for a history that was only checked.
	Source string
	// Repeat is the command that repeats the run or the check; if empty, the Result's.
	Repeat string
}

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// WriteHTML writes the page as one self-contained document that needs no
// network. The checker's picture takes at most 10 seconds; it is left out, with
// the reason, if that is not enough or ctx ends before. The error is the
// writer's.
func WriteHTML(ctx context.Context, w io.Writer, p Page) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"plus":  func(a, b float64) float64 { return a + b },
		"minus": func(a, b float64) float64 { return a - b },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	if err := t.Execute(w, newView(ctx, &p)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
