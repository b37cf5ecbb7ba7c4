package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// github leaves word for GitHub Actions: an annotation for each check that did not
// pass, and a summary of the step in Markdown. nil does nothing.
type github struct {
	annotations io.Writer
	// summary is the path of the file that GITHUB_STEP_SUMMARY names; empty for none.
	summary string
	log     zerolog.Logger
	// written is the size in bytes of what was added to the summary.
	written int
}

const (
	// maxAnnotations is what GitHub shows of one step.
	maxAnnotations = 10
	// maxSummary is below the 1 MiB above which GitHub refuses the whole summary.
	maxSummary = 900 << 10
)

// github returns where to leave word, nil outside of GitHub Actions. Annotations go to
// standard error, where GitHub reads them as well, so that --json stays one document.
func (a *app) github() *github {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	return &github{annotations: a.stderr, summary: os.Getenv("GITHUB_STEP_SUMMARY"), log: a.log()}
}

// result leaves word of a run.
func (g *github) result(r *report.Result) {
	if g == nil {
		return
	}
	left := maxAnnotations
	for i := range r.Checks {
		k := &r.Checks[i]
		if k.Failure == nil || left == 0 {
			continue
		}
		left--
		fmt.Fprintln(g.annotations, annotation(r, k))
	}
	if g.summary == "" {
		return
	}
	text := stepSummary(r)
	if g.written+len(text) > maxSummary {
		return
	}
	g.written += len(text)
	if err := appendFile(g.summary, text); err != nil {
		g.log.Warn().Err(err).Msg("the summary of the step could not be written")
	}
}

// appendFile adds to a file; steps before this one may have written to it.
func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close() //nolint:errcheck // the first error counts
		return err
	}
	return f.Close()
}

// annotation is a workflow command that shows a failure, or as a warning what is unknown.
func annotation(r *report.Result, k *report.Check) string {
	command := "error"
	if k.Status != report.Failed {
		command = "warning"
	}
	title := fmt.Sprintf("%s, stage %s: %s", r.Challenge, r.Stage, k.Name)
	lines := []string{k.Failure.Summary}
	for _, l := range []struct{ label, text string }{
		{"request: ", k.Failure.Request}, {"expected: ", k.Failure.Expected}, {"got: ", k.Failure.Actual},
	} {
		if l.text != "" {
			lines = append(lines, l.label+l.text)
		}
	}
	lines = append(lines, "again: "+r.Repeat)
	return fmt.Sprintf("::%s title=%s::%s", command, commandProperty(title), commandData(strings.Join(lines, "\n")))
}

// commandData and commandProperty escape what a workflow command gives a meaning.
func commandData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func commandProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(text))
}

// stepSummary is a section of Markdown about a run.
func stepSummary(r *report.Result) string {
	var b strings.Builder
	verdict := map[report.Status]string{report.Passed: "✅ passed", report.Failed: "❌ failed"}[r.Status]
	if verdict == "" {
		verdict = "❔ unknown"
	}
	if r.Interrupted {
		verdict = "interrupted"
	}
	fmt.Fprintf(&b, "### %s, stage %s: %s\n\n", r.Challenge, r.Stage, verdict)
	fmt.Fprintf(&b, "seed %d, %s\n\n| | check | time |\n| --- | --- | --- |\n", r.Seed, seconds(r.Took))
	for i := range r.Checks {
		k := &r.Checks[i]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", k.Status, markdownText(k.Name), seconds(k.Took))
	}
	if first := r.FirstFailure(); first != nil && first.Failure != nil {
		f := first.Failure
		fmt.Fprintf(&b, "\n**%s**\n\n", markdownText(first.Name))
		lines := []string{f.Summary}
		for _, l := range []struct{ label, text string }{{"request   ", f.Request}, {"expected  ", f.Expected}, {"got       ", f.Actual}, {"hint      ", f.Hint}} {
			if l.text != "" {
				lines = append(lines, l.label+l.text)
			}
		}
		b.WriteString(fenced(strings.Join(append(lines, f.Details...), "\n")))
	}
	b.WriteString("\nAgain:\n\n" + fenced(r.Repeat) + "\n")
	return b.String()
}

// fenced shows text as it is: the fence is longer than any in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// markdownText takes the meaning from what has one in Markdown or HTML.
func markdownText(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "\n", " ") {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|&~@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
