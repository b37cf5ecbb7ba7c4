package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// logged is a run of 10 s with these logs.
func logged(t *testing.T, logs map[string]string) *Page {
	t.Helper()
	p := &Page{History: &history.History{Header: history.Header{Nodes: []string{"n1", "n2"}, Started: time.Date(2026, 1, 2, 23, 59, 58, 0, time.UTC)}}}
	p.History.Operations = []history.Operation{put(1, "a", 0, 10*time.Second)}
	folder := t.TempDir()
	for _, node := range []string{"n1", "n2"} {
		if text, ok := logs[node]; ok {
			path := filepath.Join(folder, node+".log")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			p.Logs = append(p.Logs, NodeLog{node, path})
		}
	}
	return p
}

// shown writes lines as "1500 n1 text", and gaps as "… 3".
func (l *packedLogs) shown() []string {
	gaps := make(map[int]int)
	for _, g := range l.Gaps {
		gaps[g[0]] = g[1]
	}
	var out []string
	at := int64(0)
	for i := 0; i <= len(l.Text); i++ {
		if gaps[i] > 0 {
			out = append(out, fmt.Sprintf("… %d", gaps[i]))
		}
		if i < len(l.Text) {
			at += l.T[i]
			out = append(out, fmt.Sprintf("%d n%d %s", at, l.Node[i]+1, l.Text[i]))
		}
	}
	return out
}

func merged(p *Page) *packedLogs {
	nodes := newDictionary(24)
	for _, n := range p.History.Nodes {
		nodes.of(n)
	}
	return mergeLogs(p, nodes)
}

func TestLogsAreMergedByTimeAndCutToTheHistory(t *testing.T) {
	p := logged(t, map[string]string{
		"n1": "no time yet\n" +
			"2026-01-02T23:00:00.000Z of another cluster\n  and its second line\n" +
			"2026-01-02T23:59:57.500Z shortly before\n" +
			"2026-01-02T23:59:58.100Z first\n\tat its stack\n" +
			"2026-01-03T01:00:01.250+01:00 --- lsfr: sent SIGKILL\n" +
			"2026-01-03T00:01:00.000Z of the next scenario\n",
		"n2": "2026-01-02T23:59:58.100Z the same moment\r\n2026-01-02T23:59:58.099Z out of order\n2026-01-03T00:00:09.0Z no such time\n2026-13-77T00:00:09.000Z nor this\n2026-01-03T00:00:04.000Z unfinished",
	})
	got := merged(p).shown()
	want := []string{
		"-500 n1 shortly before", "99 n2 out of order", "99 n2 2026-01-03T00:00:09.0Z no such time", "99 n2 2026-13-77T00:00:09.000Z nor this",
		"100 n1 first", "100 n1 \\tat its stack", "100 n2 the same moment", "3250 n1 --- lsfr: sent SIGKILL", "6000 n2 unfinished",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLogsThatAreTooLongKeepWhatIsNearViolationsAndFaults(t *testing.T) {
	var text strings.Builder
	start := time.Date(2026, 1, 2, 23, 59, 58, 0, time.UTC)
	filler := strings.Repeat("x", 380)
	for i := range 100_000 { // of 10 s, ten times as much as there is room for
		fmt.Fprintf(&text, "%s %d %s\n", start.Add(time.Duration(i)*ms/10).Format("2006-01-02T15:04:05.000Z07:00"), i, filler)
	}
	p := logged(t, map[string]string{"n1": text.String(), "n2": "2026-01-03T00:00:01.000Z a\n" + strings.Repeat("2026-01-03T00:00:01.001Z b\n", 3)})
	p.Verdict = &models.Verdict{Violations: []models.Violation{{Operations: []history.Operation{get(1, "a", 7000*ms, 7100*ms)}}}}
	p.History.Faults = []history.FaultEvent{{Fault: "kill", Start: 2000 * ms, End: 2000 * ms}}
	l := merged(p)
	size, near := 0, 0
	at := int64(0)
	for i, line := range l.Text {
		at += l.T[i]
		size += len(line)
		if at >= 6900 && at <= 7200 {
			near++
		}
	}
	if size > logBudget || size < logBudget/2 {
		t.Errorf("%d bytes are kept, want a little less than %d", size, logBudget)
	}
	if near < 3000 {
		t.Errorf("%d of the 3,000 lines around the violation are kept", near)
	}
	dropped := 0
	for _, g := range l.Gaps {
		dropped += g[1]
	}
	if dropped != l.LeftOut || dropped+len(l.Text) != 100_004 {
		t.Errorf("%d lines are kept, %d left out, %d in gaps; want 100,004 in all", len(l.Text), l.LeftOut, dropped)
	}
	if l.Gaps[0][0] != 0 {
		t.Errorf("the gaps are %v, want one at the beginning", l.Gaps)
	}
}

func TestALineWithoutEndIsCut(t *testing.T) {
	p := logged(t, map[string]string{"n1": "2026-01-02T23:59:59.000Z " + strings.Repeat("0123456789", 50_000) + "\n2026-01-02T23:59:59.001Z next\n", "n2": "2026-01-02T23:59:59.000Z"})
	l := merged(p)
	if len(l.Text) != 2 || len(l.Text[0]) > longestLogLine+10 || l.Text[1] != "next" {
		t.Errorf("got %d lines, the first of %d bytes", len(l.Text), len(l.Text[0]))
	}
}

func TestLogsThatCannotBeReadAreNamed(t *testing.T) {
	p := logged(t, map[string]string{"n1": "2026-01-02T23:59:59.000Z here\n"})
	p.Logs = append(p.Logs, NodeLog{"n2", filepath.Join(t.TempDir(), "nothing.log")}, NodeLog{"n3", t.TempDir()})
	l := merged(p)
	if len(l.Text) != 1 || len(l.Notes) != 2 || !strings.HasPrefix(l.Notes[0], "the log of n2 could not be read: ") {
		t.Errorf("%d lines, notes %q", len(l.Text), l.Notes)
	}
	if strings.Contains(strings.Join(l.Notes, ""), os.TempDir()) {
		t.Errorf("the notes name folders of this machine: %q", l.Notes)
	}
	p.History.Started = time.Time{}
	if merged(p) != nil {
		t.Error("lines have a place on the timeline though nobody knows when it began")
	}
}
