package nodelogs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/workspace"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// all takes what there is until a time, as "ms node text".
func all(t *testing.T, m *Merger, until time.Time) (out []string) {
	t.Helper()
	for {
		l, ok, err := m.Next(until)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		out = append(out, fmt.Sprintf("%d %s %s", l.Time.Sub(noon).Milliseconds(), l.Node, l.Text))
	}
}

func lines(node string, times ...int) *Lines {
	var out Lines
	for i, ms := range times {
		out = append(out, Line{Time: at(ms), Node: node, Text: fmt.Sprint(i)})
	}
	return &out
}

func TestSourcesAreMergedByTime(t *testing.T) {
	t.Parallel()
	never := at(1 << 30)
	for _, c := range []struct {
		name    string
		sources []*Lines
		until   time.Time
		want    []string
	}{
		{"no sources", nil, never, nil},
		{"one without lines", []*Lines{lines("a")}, never, nil},
		{"two", []*Lines{lines("a", 1, 4, 5), lines("b", 2, 3, 6)}, never,
			[]string{"1 a 0", "2 b 0", "3 b 1", "4 a 1", "5 a 2", "6 b 2"}},
		{"the same time", []*Lines{lines("b", 1, 1), lines("a", 1)}, never, []string{"1 b 0", "1 b 1", "1 a 0"}},
		{"a clock that went back keeps the order of its source", []*Lines{lines("a", 5, 2, 6), lines("b", 3, 7)}, never,
			[]string{"3 b 0", "5 a 0", "2 a 1", "6 a 2", "7 b 1"}},
		{"not later than that", []*Lines{lines("a", 1, 3), lines("b", 2, 4)}, at(2), []string{"1 a 0", "2 b 0"}},
	} {
		var m Merger
		for _, s := range c.sources {
			m.Add(s)
		}
		if got := all(t, &m, c.until); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What lsfr did in the same millisecond was the cause: logs have no more digits.
func TestWithinAMillisecondTheFirstSourceIsFirst(t *testing.T) {
	t.Parallel()
	events := Lines{{Time: at(1).Add(700 * time.Microsecond), Text: "fault"}}
	var m Merger
	m.Add(&events)
	m.Add(lines("a", 1))
	if got, want := all(t, &m, at(9)), []string{"1  fault", "1 a 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// broken is a source that cannot be read.
type broken struct{}

func (broken) Next() (Line, bool, error) { return Line{}, false, errors.New("broken") }

func TestASourceThatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	var m Merger
	m.Add(lines("a", 1))
	m.Add(broken{})
	if _, _, err := m.Next(at(1)); err == nil {
		t.Error("no error")
	}
}

func TestALogIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n1.log")
	put(t, path, "2026-01-02T12:00:00.001Z one\n2026-01-02T12:00:00.002Z tw")
	log, err := OpenLog(path, "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var m Merger
	m.Add(log)
	end := at(1 << 20)
	for _, step := range []struct {
		written string
		want    []string
	}{
		{"", []string{"1 n1 one"}},
		{"", nil},
		{"o", nil},
		{"\n", []string{"2 n1 two"}},
		{"2026-01-02T14:00:00.003+02:00 --- lsfr: sent SIGKILL\nno time\n", []string{"3 n1 sent SIGKILL", "3 n1 no time"}},
		{"\n2026-01-02T12:00:00.004Z \n", []string{"3 n1 ", "4 n1 "}},
		{"2026-01-02T12:00:00.005Z " + strings.Repeat("ä", maxLine), nil},
		{"end\n2026-01-02T12:00:00.006Z six", []string{"5 n1 " + strings.Repeat("ä", (maxLine-25)/2) + "\xc3… (and 65564 more bytes)"}},
	} {
		add(t, path, step.written)
		if got := all(t, &m, end); !slices.Equal(got, step.want) {
			t.Errorf("after %.40q: got %.200q, want %.200q", step.written, got, step.want)
		}
	}
	log.End()
	if got, want := all(t, &m, end), []string{"6 n1 six"}; !slices.Equal(got, want) {
		t.Errorf("in the end: got %q, want %q", got, want)
	}
}

func TestWhatLsfrDidIsToldFromWhatANodePrinted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n1.log")
	put(t, path, "2026-01-02T12:00:00.001Z --- lsfr: started\n2026-01-02T12:00:00.002Z says --- lsfr: no\n")
	log, err := OpenLog(path, "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, want := range []Kind{Node, Output} {
		if l, ok, err := log.Next(); !ok || err != nil || l.Kind != want {
			t.Errorf("got %+v, %v, %v, want %s", l, ok, err, want)
		}
	}
}

func TestARecordIsReadUntilTheRunIsOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	put(t, path, `{"format":"lsfr-run","version":1,"stage":"clustering"}
{"time":"2026-01-02T12:00:00.001Z","event":"check","name":"a\nb"}
{"time":"2026-01-02T12:00:00.002Z","event":"checked","name":"c","status":"failed","rule":"stale read","summary":"it is stale"}
{"time":"2026-01-02T12:00:00.003Z","event":"leader","leader":"n2","shard":"s1","term":4}
{"time":"2026-01-02T12:00:00.004Z","event":"leader"}
no event
{"time":"2026-01-02T12:00:00.005Z","event":"something new","name":"x"}
`)
	over := 0
	record, err := OpenRecord(path, func() { over++ })
	if err != nil {
		t.Fatal(err)
	}
	defer record.Close()
	var m Merger
	m.Add(record)
	want := []string{"1  check begins: a b", "2  check failed: c: it is stale", "3  leader of s1: n2, term 4", "4  leader: none", "5  something new x"}
	if got := all(t, &m, at(9)); !slices.Equal(got, want) || over != 0 {
		t.Errorf("got %q, over %d, want %q", got, over, want)
	}
	add(t, path, `{"time":"2026-01-02T12:00:00.006Z","event":"over","status":"passed"}`+"\n")
	if got, want := all(t, &m, at(9)), []string{"6  the run is over: passed"}; !slices.Equal(got, want) || over != 1 {
		t.Errorf("got %q, over %d, want %q", got, over, want)
	}
}

func TestSpansAreFoundWhileHistoriesAreWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[1]*")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	header := func(scenario string, ms int) string {
		return fmt.Sprintf(`{"format":"lsfr-history","version":1,"scenario":%q,"nodes":["n1"],"started":%q,`+"\n \"operations\":[", scenario, at(ms).Format(time.RFC3339Nano))
	}
	put(t, filepath.Join(dir, "history.json"), header("first", 5000))
	put(t, filepath.Join(dir, "history-b.json"), header("b", 9000)+"\n]}\n")
	put(t, filepath.Join(dir, "history-empty.json"), "")
	put(t, filepath.Join(dir, "history-cut.json"), header("cut", 1)[:60])
	put(t, filepath.Join(dir, "history-other.json"), `["x"]`)
	put(t, filepath.Join(dir, "other.json"), header("other", 1))
	spans, err := ReadSpans(dir, at(0))
	if err != nil {
		t.Fatal(err)
	}
	want := Spans{{Start: at(0)}, {"history.json", "first", at(5000)}, {"history-b.json", "b", at(9000)}}
	if !slices.Equal(spans, want) {
		t.Fatalf("got %v, want %v", spans, want)
	}
	for ms, want := range map[int]string{-1: "", 0: "", 4999: "", 5000: "history.json", 8999: "history.json", 9000: "history-b.json", 1 << 20: "history-b.json"} {
		if got := spans.At(at(ms)).History; got != want {
			t.Errorf("%d ms: in %q, want %q", ms, got, want)
		}
	}
	if spans, err := ReadSpans(dir, time.Time{}); err != nil || !slices.Equal(spans, want[1:]) {
		t.Errorf("when the run began is not known: got %v, %v", spans, err)
	}
}

func TestFaultsAndLeadersAreTakenFromAHistoryThatIsComplete(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	history := `{"format":"lsfr-history","version":1,"scenario":"x","started":"2026-01-02T12:00:00Z","operations":[`
	ending := `],"faults":[{"fault":"cut","targets":["n1"],"start":2000000,"end":7000000,"hits":3}],"leaders":[{"at":3000000,"leader":"n2","term":5}]}`
	event := func(ms int, kind, name string) workspace.Event {
		return workspace.Event{Time: at(ms), Event: kind, Name: name}
	}
	recorded := []workspace.Event{
		event(-5, "check", "x"), event(1, "begin", "cut"), event(6, "end", "cut"), event(7, "begin", "final reads"),
		{Time: at(4), Event: "leader", Leader: "n2", Term: 5},
	}
	for _, c := range []struct {
		name, history string
		want          []string
	}{
		{"complete", history + ending, []string{
			"-5 check begins: x", "2 fault begins: cut n1", "3 leader: n2, term 5", "7 fault ends: cut n1 (0.005 s, 3 hits)", "7 final reads begins",
		}},
		{"it breaks off", history + `{"id":0,"client":0,"kind":"get","key":"k","call":1,"return":2},`, []string{
			"-5 check begins: x", "1 cut begins", "4 leader: n2, term 5", "6 cut ends", "7 final reads begins",
		}},
	} {
		put(t, filepath.Join(dir, "history.json"), c.history)
		spans, err := ReadSpans(dir, at(-10))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range Events(dir, spans, recorded) {
			got = append(got, fmt.Sprint(l.Time.Sub(noon).Milliseconds(), " ", l.Text))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
