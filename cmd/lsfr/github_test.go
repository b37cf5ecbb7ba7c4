package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/internal/report"
)

func failedResult(summary string) *report.Result {
	return &report.Result{
		Challenge: "kv-store", Stage: "http-api", Status: report.Failed, Seed: 5, Took: time.Second, Repeat: "lsfr test http-api --seed 5",
		Checks: []report.Check{
			{Name: "works", Status: report.Passed},
			{Name: "a | b, c: d", Status: report.Failed, Failure: &report.Failure{Rule: "stale read", Summary: summary, Expected: "405", Details: []string{"```", "<script>"}}},
			{Name: "unsure", Status: report.Unknown, Failure: &report.Failure{Summary: "too little"}},
		},
	}
}

func TestGitHubIsToldOfFailures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "summary.md")
	write(t, path, 0o644, "# before\n")
	g := &github{annotations: &out, summary: path, log: zerolog.Nop()}
	g.result(failedResult("100 % wrong:\nn1\r\n::stop"))
	want := `::error title=kv-store%2C stage http-api%3A a | b%2C c%3A d::100 %25 wrong:%0An1%0D%0A::stop%0Aexpected: 405%0Aagain: lsfr test http-api --seed 5
::warning title=kv-store%2C stage http-api%3A unsure::too little%0Aagain: lsfr test http-api --seed 5
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{
		"# before\n### kv-store, stage http-api: ❌ failed\n", "| failed | a \\| b, c: d | 0.0 s |\n", "\n````\n100 % wrong:", "\n```\n<script>\n````\n", "lsfr test http-api --seed 5",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
	// Word is left, or not: it changes nothing.
	(&github{annotations: &out, summary: filepath.Join(path, "nope"), log: zerolog.Nop()}).result(failedResult("x"))
	(*github)(nil).result(failedResult("x"))
}

func TestGitHubIsNotToldMoreThanItTakes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "summary.md")
	g := &github{annotations: &out, summary: path, log: zerolog.Nop()}
	r := failedResult(strings.Repeat("x", 400<<10))
	for range 20 {
		r.Checks = append(r.Checks, r.Checks[1])
	}
	for range 5 {
		g.result(r)
	}
	if n := strings.Count(out.String(), "::error "); n > 5*maxAnnotations {
		t.Errorf("%d annotations in 5 runs", n)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 1<<20 || info.Size() < 400<<10 {
		t.Errorf("%v, %v; want at most 1 MiB, and what fits", info, err)
	}
}

func TestMarkdownKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"plain text, 1.5": "plain text, 1.5",
		"a|b\n<b>*x*</b>": `a\|b \<b\>\*x\*\</b\>`,
		"`x` [y](z) äöü":  "\\`x\\` \\[y\\]\\(z\\) äöü",
	} {
		if got := markdownText(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
