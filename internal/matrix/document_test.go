package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/report"
)

func counted() results {
	caught := func(count int, stage, way, check, rule string, seconds float64) row {
		return row{Count: count, Subject: "stale-cache", Stage: stage, Way: way, Result: report.Failed, Check: check, Rule: rule, Seconds: seconds}
	}
	return results{
		countings: map[int]counting{
			1: {Count: 1, Began: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Commit: "aaa", Machine: "1 core"},
			2: {Count: 2, Began: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), Commit: "bbb", Machine: "2 cores"},
			3: {Count: 3, Began: time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC), Commit: "ccc", Machine: "3 cores"},
		},
		rows: []row{
			{Count: 1, Subject: "correct/go", Stage: httpAPI, Result: report.Passed, Seconds: 11},
			{Count: 1, Subject: "correct/go", Stage: httpAPI, Result: report.Passed, Seconds: 13},
			{Count: 1, Subject: "correct/go", Stage: httpAPI, Way: wayLoad, Result: report.Failed, Check: "c", Rule: "r"},
			caught(2, httpAPI, "", "stores and returns values", "wrong value", 0.04),
			caught(2, httpAPI, "", "a scenario | of two words", "stale read", 2),
			caught(2, httpAPI, "", "stores and returns values", "wrong value", 0.06),
			caught(2, httpAPI, "", "clears all keys", "", 3),
			{Count: 2, Subject: "stale-cache", Stage: httpAPI, Result: report.Passed, Seconds: 20},
			{Count: 2, Subject: "stale-cache", Stage: clustering, Result: report.Passed, Seconds: 20},
			caught(2, httpAPI, wayHistory, "a scenario", "stale read", 2),
			{Count: 2, Subject: "a-bug-of-old", Stage: httpAPI, Result: report.Failed},
		},
	}
}

func TestTheFiguresHaveEachBugOnALine(t *testing.T) {
	got := figures(counted())
	for _, want := range []string{
		"Counted on 2 cores. The newest rows are of 2026-01-03, commit bbb; the oldest of 2026-01-02, commit aaa, counted on 1 core.\n",
		"| reference node (Go), alone | 2 of 2, 12 s |  |",
		"busy besides:\n\n| store |",
		"| reference node (Go), alone | 0 of 1 |  |",
		fmt.Sprintf("1 of %d bugs were counted. ", len(bugs())) +
			"In 5 runs their own stages caught them 4 times, and gave the right explanation 3 times.",
		"\n### http-api\n\n| bug | caught | explained rightly | median | what lsfr said first, how often | history alone | clustering |\n| --- | --- | --- | --- | --- | --- | --- |\n",
		"| `stale-cache`: Reads are cached for a moment, and writes do not invalidate the cache. | 4 of 5 | 3 of 4 | 1.0 s | " +
			`stores and returns values: wrong value (2)<br>a scenario \| of two words: stale read (1)<br>✗ clears all keys: no rule (1) | 1 of 1 | 0 of 1 |`,
		"| `wrong-405`: An unknown method is answered with 404. | | | | |  |  |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis not in\n%s", want, got)
		}
	}
	for _, unwanted := range []string{"### persistence", "a-bug-of-old", "ccc"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("%s is in\n%s", unwanted, got)
		}
	}
	columns := 0
	for line := range strings.Lines(got) {
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		switch {
		case n == 0:
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("%d columns, want %d: %s", n-1, columns-1, line)
		}
	}
}

func TestTheDocumentKeepsItsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "detection.md")
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := writeDocument(path, results{}); err != nil { // there is none yet
		t.Fatal(err)
	}
	if got := read(); !strings.HasPrefix(got, "# What") || !strings.Contains(got, "Nothing has been counted yet.") {
		t.Errorf("a new one is\n%s", got)
	}
	if err := os.WriteFile(path, []byte("# Title\n\nA word.\n"+beginMark+"\nold figures\n"+endMark+"\nThe end.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := writeDocument(path, counted()); err != nil {
			t.Fatal(err)
		}
		if got := read(); !strings.HasPrefix(got, "# Title\n\nA word.\n"+beginMark+"\n\nCounted on") || !strings.HasSuffix(got, "|\n\n"+endMark+"\nThe end.\n") || strings.Contains(got, "old figures") {
			t.Errorf("got\n%s", got)
		}
	}
	const unmarked = "# Title\n"
	if err := os.WriteFile(path, []byte(unmarked), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeDocument(path, counted()); err == nil || read() != unmarked {
		t.Errorf("without marks: %v, %s", err, read())
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".detection-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
