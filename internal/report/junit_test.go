package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/models"
)

// hostileTexts are what a node might answer.
var hostileTexts = map[string]string{
	"script":            `</script><script>document.title="pwned"</script>`,
	"image":             `<img src=x onerror=alert(1)>`,
	"attribute end":     `"' onmouseover='alert(1)' x="`,
	"comment":           `--><!-- ]]> <![CDATA[`,
	"title end":         `</title></style></textarea></svg></iframe></template>`,
	"template":          `{{.Style}} ${x}`,
	"entities":          `&lt;script&gt; &amp; &#0;`,
	"NUL":               "a\x00b",
	"control":           "\x01\x02\x1b[31m\x7f\u0085",
	"not UTF-8":         "a\xff\xfe\xc3(",
	"no characters":     "\uFFFE\uFFFF\U0001FFFE",
	"emoji and umlauts": "grüße 👩\u200d💻 🎉",
	"right to left":     "abc\u202etxt.exe",
	"lines":             "one\r\ntwo\n\nthree",
	"very long":         strings.Repeat("0123456789<>&\"", 80_000),
	"empty":             "",
}

func hostileResult(text string) *Result {
	f := &Failure{Summary: text, Request: text, Expected: text, Actual: text, Hint: text, Details: []string{text, text}}
	return &Result{
		Challenge: text, Stage: text, Status: Failed, RunDir: text, Repeat: text, Took: time.Second,
		Checks: []Check{
			{Name: text, Status: Failed, Failure: f},
			{Name: text, Status: NotTried, Note: text},
			{Name: text, Status: Unknown, Failure: f, Scenario: &Scenario{Title: text, Model: text, History: text, Faults: map[string]int{text: 1}, Shards: []models.Availability{{Shard: text}}}},
		},
	}
}

type junitRead struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Suites   []struct {
		Name  string `xml:"name,attr"`
		Time  string `xml:"time,attr"`
		Cases []struct {
			Name    string  `xml:"name,attr"`
			Time    string  `xml:"time,attr"`
			Failure *string `xml:"failure"`
			Error   *string `xml:"error"`
			Skipped *struct {
				Message string `xml:"message,attr"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func readJUnit(t *testing.T, results ...*Result) junitRead {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJUnit(&b, results); err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(b.Bytes()) {
		t.Fatal("the document is not UTF-8")
	}
	var out junitRead
	if err := xml.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("not XML: %v", err)
	}
	return out
}

func TestJUnitMapsEachStatus(t *testing.T) {
	got := readJUnit(t, &Result{Challenge: "kv-store", Stage: "persistence", Took: 1500 * ms, Repeat: "lsfr test persistence --seed 7", Checks: []Check{
		{Name: "fine", Status: Passed, Took: 250 * ms},
		{Name: "broken", Status: Failed, Failure: &Failure{Rule: "lost write", Summary: "n1 lost a write", Expected: "one", Actual: "two"}},
		{Name: "open", Status: Unknown, Failure: &Failure{Summary: "too few operations"}},
		{Name: "not run", Status: Skipped},
		{Name: "zero", Status: ""},
		{Name: "extra", Status: NotTried, Note: "the program answers 404: it does not take part"},
		{Name: "another", Status: NotTried},
	}})
	if got.Tests != 7 || got.Failures != 1 || got.Errors != 2 || got.Skipped != 3 {
		t.Errorf("tests %d, failures %d, errors %d, skipped %d", got.Tests, got.Failures, got.Errors, got.Skipped)
	}
	s := got.Suites[0]
	if s.Name != "kv-store/persistence" || s.Time != "1.500" {
		t.Errorf("suite %q took %s", s.Name, s.Time)
	}
	c := s.Cases
	if c[0].Failure != nil || c[0].Error != nil || c[0].Skipped != nil || c[0].Time != "0.250" {
		t.Errorf("the passed check is %+v", c[0])
	}
	for _, want := range []string{"n1 lost a write", "expected: one", "actual: two", "lsfr test persistence --seed 7"} {
		if c[1].Failure == nil || !strings.Contains(*c[1].Failure, want) {
			t.Errorf("the failure does not hold %q", want)
		}
	}
	if c[2].Error == nil || c[2].Failure != nil || !strings.Contains(*c[2].Error, "too few operations") {
		t.Error("an unknown check is not an error")
	}
	if c[3].Skipped == nil || c[3].Skipped.Message != "" || c[4].Error == nil {
		t.Error("the skipped check or the one without a status is wrong")
	}
	for i, want := range map[int]string{5: "not tried: the program answers 404: it does not take part", 6: "not tried"} {
		if c[i].Skipped == nil || c[i].Skipped.Message != want || c[i].Error != nil || c[i].Failure != nil {
			t.Errorf("what was not tried is %+v, want %q", c[i], want)
		}
	}
}

func TestTheTypeOfAJUnitFailureIsItsRule(t *testing.T) {
	for _, c := range []struct {
		name    string
		failure *Failure
		want    string
	}{
		{"a rule", &Failure{Rule: "stale read", Summary: "n1 answered"}, `type="stale read"`},
		{"a hostile one", &Failure{Rule: `"><x>`}, `type="&#34;&gt;&lt;x&gt;"`},
		{"no rule", &Failure{Summary: "n1 answered"}, `type="check failed"`},
		{"no failure", nil, `type="check failed"`},
	} {
		var b bytes.Buffer
		r := &Result{Challenge: "kv-store", Stage: "http-api", Status: Failed, Checks: []Check{{Name: "k", Status: Failed, Failure: c.failure}}}
		if err := WriteJUnit(&b, []*Result{r}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%s: want %s in\n%s", c.name, c.want, b.String())
		}
	}
}

func TestJUnitOfAStageThatGotNowhereIsNoSuccess(t *testing.T) {
	got := readJUnit(t, &Result{Challenge: "kv-store", Stage: "http-api", Status: Unknown})
	if got.Tests != 1 || got.Errors != 1 {
		t.Errorf("tests %d, errors %d, want one error", got.Tests, got.Errors)
	}
	if got := readJUnit(t); got.Tests != 0 || len(got.Suites) != 0 {
		t.Errorf("no results give %+v", got)
	}
}

func TestJUnitIsXMLWhateverANodeAnswers(t *testing.T) {
	for name, text := range hostileTexts {
		got := readJUnit(t, hostileResult(text))
		if got.Failures != 1 || got.Errors != 1 {
			t.Errorf("%s: failures %d, errors %d", name, got.Failures, got.Errors)
		}
		if n := len(*got.Suites[0].Cases[0].Failure); n > 64_000 {
			t.Errorf("%s: a failure of %d bytes", name, n)
		}
	}
}

type fullDisk struct{ room int }

var errFullDisk = errors.New("no space left on device")

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFullDisk
	}
	f.room -= len(p)
	return len(p), nil
}

func TestWritersReportThatTheDiskIsFull(t *testing.T) {
	r := hostileResult("x")
	for name, write := range map[string]func(io.Writer) error{
		"JUnit":    func(w io.Writer) error { return WriteJUnit(w, []*Result{r}) },
		"JSON":     func(w io.Writer) error { return WriteJSON(w, []*Result{r}) },
		"verdicts": func(w io.Writer) error { return WriteVerdicts(w, []Judged{{Source: strings.Repeat("x", 100)}}) },
		"HTML":     func(w io.Writer) error { return WriteHTML(t.Context(), w, Page{Result: r}) },
	} {
		if err := write(&fullDisk{room: 50}); !errors.Is(err, errFullDisk) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
