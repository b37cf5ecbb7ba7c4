package report

import (
	"bufio"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

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
	// Logs are the nodes' logs; only what was printed during History is shown, which
	// needs its Started.
	Logs []NodeLog
	// Guide is the Markdown of the stage's guide; empty if there is none.
	Guide string
	// Repeat is the command that repeats the run or the check; if empty, the Result's.
	Repeat string
}

//go:embed page
var assets embed.FS

// scripts are the parts of the page's script, in the order in which they need each other.
var scripts = [...]string{
	"data.js", "state.js", "lanes.js", "draw.js", "marks.js", "describe.js", "timeline.js", "touch.js", "filter.js", "virtual.js", "table.js", "logs.js", "links.js", "start.js",
}

// script joins the parts of the page's script.
func script() (string, error) {
	var b strings.Builder
	b.WriteString("'use strict'\n")
	for _, name := range scripts {
		part, err := assets.ReadFile("page/" + name)
		if err != nil {
			return "", fmt.Errorf("read the page's script: %w", err)
		}
		b.Write(part)
	}
	return b.String(), nil
}

// WriteHTML writes the page as one self-contained document that needs no
// network. What a reader needs first (the verdict, what happened, the minimal case, the
// charts) is plain HTML; a script, for which all operations are packed at the page's end,
// adds the timeline, the logs and the table of operations. The checker's picture takes
// at most 10 seconds; it is left out, with the reason, if that is not enough or ctx ends
// before. Logs that cannot be read are named on the page. The error is the writer's.
func WriteHTML(ctx context.Context, w io.Writer, p Page) error {
	t, err := template.New("page.html.tmpl").Funcs(template.FuncMap{
		"plus":  func(a, b float64) float64 { return a + b },
		"minus": func(a, b float64) float64 { return a - b },
	}).ParseFS(assets, "page/*.tmpl")
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	v, err := newView(ctx, &p)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 256<<10)
	if err := t.Execute(out, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := v.scripts(out); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// scripts writes the data and the script that shows it, and ends the page.
func (v *view) scripts(w io.Writer) error {
	if v.Explorer != nil {
		if err := v.Explorer.payload.embed(w); err != nil {
			return err
		}
		if v.Picture != nil && v.Picture.Problem == "" {
			if err := v.Picture.embed(w); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, "<script>"+v.script+"</script>\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "</body>\n</html>\n")
	return err
}
