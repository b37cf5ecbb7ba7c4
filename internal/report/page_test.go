package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// page is a written page, taken apart.
type page struct {
	raw        string
	markup     string // raw without what stands in scripts
	text       string // all text but that of scripts and styles
	elements   map[string]int
	attributes []xml.Attr
	scripts    []string
	data       *payload // nil if there is none
	document   string   // of the picture
	policy     string
	banner     string // class of the header
}

func write(t *testing.T, p Page) *page {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(t.Context(), &b, p); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.String())
}

// parse reads HTML as lenient XML: our own markup is well-formed, and text
// that got out of its place would not be.
func parse(t *testing.T, raw string) *page {
	t.Helper()
	out := &page{raw: raw, elements: make(map[string]int)}
	if packed := packedScript.FindStringSubmatch(raw); packed != nil {
		out.data = new(payload)
		if err := json.Unmarshal(unpack(t, packed[1]), out.data); err != nil {
			t.Fatal(err)
		}
	}
	if packed := packedPicture.FindStringSubmatch(raw); packed != nil {
		out.document = string(unpack(t, packed[1]))
	}
	raw = anyScript.ReplaceAllStringFunc(raw, func(block string) string { // scripts are no XML
		begin := strings.Index(block, ">") + 1
		if !strings.Contains(block[:begin], "text/plain") {
			out.scripts = append(out.scripts, strings.TrimSuffix(block[begin:], "</script>"))
		}
		return block[:begin] + "</script>"
	})
	out.markup = raw
	// HTML allows these two, XML does not.
	d := xml.NewDecoder(strings.NewReader(strings.NewReplacer("\uFFFE", "", "\uFFFF", "").Replace(raw)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var text strings.Builder
	var open []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			at := int(d.InputOffset())
			t.Fatalf("the page is not well-formed: %v near %q", err, raw[max(0, at-60):min(len(raw), at+20)])
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			open = append(open, tok.Name.Local)
			out.elements[tok.Name.Local]++
			out.attributes = append(out.attributes, tok.Attr...)
			for _, a := range tok.Attr {
				switch {
				case tok.Name.Local == "meta" && a.Name.Local == "content" && strings.Contains(a.Value, "default-src"):
					out.policy = a.Value
				case tok.Name.Local == "header" && a.Name.Local == "class":
					out.banner = strings.TrimPrefix(a.Value, "banner ")
				}
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			switch open := open[max(0, len(open)-1):]; {
			case slices.Contains(open, "style"):
			default:
				text.Write(tok)
			}
		}
	}
	out.text = strings.Join(strings.Fields(text.String()), " ")
	return out
}

var (
	packedScript  = regexp.MustCompile(`<script type="text/plain" id="data">([^<]*)</script>`)
	packedPicture = regexp.MustCompile(`<script type="text/plain" id="picture-data">([^<]*)</script>`)
	anyScript     = regexp.MustCompile(`(?s)<script.*?</script>`)
)

func unpack(t *testing.T, text string) []byte {
	t.Helper()
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stale is a history with a read of an overwritten value across a kill.
func stale() *history.History {
	h := steady()
	h.Operations = append(h.Operations, get(7, "c0-10", 3500*ms, 3600*ms))
	h.Operations[len(h.Operations)-1].ID = 1000
	return h
}

func judge(t testing.TB, h *history.History) *models.Verdict {
	t.Helper()
	v, err := models.Check(t.Context(), h, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

func TestPageOfAViolationTellsWhatHappened(t *testing.T) {
	h := stale()
	v := judge(t, h)
	if v.Status != models.Invalid {
		t.Fatalf("the history is %s", v.Status)
	}
	sentence := v.Violations[0].Sentence
	r := &Result{Challenge: "kv-store", Stage: "crash-recovery", Status: Failed, Seed: 42, Repeat: "lsfr test crash-recovery --seed 42", Checks: []Check{
		{Name: "put then get", Status: Passed},
		{Name: "writes and kills", Status: Failed, Failure: &Failure{Summary: sentence, Hint: "Where was the write when the process died?"},
			Scenario: &Scenario{Title: "writes and kills", History: "runs/my run/history.json", Rate: 99.6, Verdict: v}},
	}}
	got := write(t, Page{Result: r, History: h, Verdict: v})
	for _, want := range []string{
		"Violation: " + string(v.Violations[0].Rule), sentence, "kv-store · crash-recovery · writes and kills",
		"lsfr test crash-recovery --seed 42", "lsfr check 'runs/my run/history.json'",
		"301 ok, 0 failed, 100 unknown", "100 / s", "Where was the write when the process died?",
		causes[v.Violations[0].Rule], "here it shows", "3.500000 s", "kill n1 from 1.000 s to 2.000 s (1.0 s), 3 hits: SIGKILL", "How to read this",
	} {
		if !strings.Contains(got.text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(got.text, sentence); n != 1 {
		t.Errorf("the sentence stands %d times on the page", n)
	}
	if got.elements["svg"] < 2 || got.elements["iframe"] != 1 {
		t.Errorf("%d drawings and %d frames", got.elements["svg"], got.elements["iframe"])
	}
}

func TestPageStatus(t *testing.T) {
	ok := steady()
	ok.Operations = append(ok.Operations, get(7, "c0-399", 4100*ms, 4101*ms))
	ok.Operations[len(ok.Operations)-1].ID = 1000
	bad := stale()
	empty := &history.History{Header: history.Header{Model: "linearizable"}}
	failure := &Failure{Summary: "n1 answered 500"}
	for _, c := range []struct {
		name           string
		page           Page
		status, says   string
		elsewhere, not string
	}{
		{"a passed stage", Page{Result: &Result{Status: Passed}, History: ok, Verdict: judge(t, ok)}, "passed", "Passed", "linearizable", "What happened"},
		{"a passed stage without a history", Page{Result: &Result{Status: Passed}}, "passed", "Passed", "Every check held.", "The whole run"},
		{"a valid saved history", Page{History: ok, Verdict: judge(t, ok), Source: "h.json"}, "passed", "No violation found", "lsfr check h.json", "Whole stage"},
		{"an invalid saved history", Page{History: bad, Verdict: judge(t, bad), Source: "h.json"}, "violation", "Violation:", "What usually causes it", "Checks"},
		{"an invalid history that is not there", Page{Verdict: judge(t, bad)}, "violation", "Violation:", "here it shows", "The whole run"},
		{"an empty saved history", Page{History: empty, Verdict: judge(t, empty)}, "unknown", "No verdict", "The history is empty.", "What happened"},
		{"a failed API check", Page{Result: &Result{Status: Failed, Checks: []Check{{Name: "put", Status: Failed, Failure: failure}, {Name: "get", Status: Passed}}}}, "failed", "Failed: 1 of 2 checks", "n1 answered 500", "No verdict"},
		{"a failed API check beside a valid history", Page{Result: &Result{Status: Failed, Checks: []Check{{Name: "put", Status: Failed, Failure: failure}}}, History: ok, Verdict: judge(t, ok)}, "failed", "Failed: 1 of 1 check", "n1 answered 500", "No violation found"},
		{"too little evidence", Page{Result: &Result{Status: Unknown, Checks: []Check{{Name: "clients", Status: Unknown, Failure: &Failure{Summary: "only 12 writes were acknowledged"}}}}}, "unknown", "No verdict", "only 12 writes", "Passed"},
		{"an interrupted run", Page{Result: &Result{Status: Unknown, Interrupted: true}}, "unknown", "Interrupted", "before it could prove", "Passed"},
		{"nothing at all", Page{}, "unknown", "No verdict", "too little", "Passed"},
	} {
		got := write(t, c.page)
		if got.banner != c.status || !strings.Contains(got.text, c.says) || !strings.Contains(got.text, c.elsewhere) || strings.Contains(got.text, c.not) {
			t.Errorf("%s: status %q, want %q with %q and %q and without %q; the page begins %.300q", c.name, got.banner, c.status, c.says, c.elsewhere, c.not, got.text)
		}
	}
}

func TestPageListsFurtherViolationsAndUndecidedKeys(t *testing.T) {
	v := judge(t, stale())
	for i := range 250 {
		x := v.Violations[0]
		x.Key = fmt.Sprintf("key-%03d", i)
		v.Violations = append(v.Violations, x)
	}
	v.Undecided = []models.Undecided{{Key: "hard", Reason: "time ran out", Operations: 4000, Open: 12}}
	v.Warnings = []string{"the history breaks off after 401 operations"}
	got := write(t, Page{History: stale(), Verdict: v})
	for _, want := range []string{"key-000", "key-199", "and 50 more", "hard: 4,000 operations, 12 without an answer: time ran out", "The history breaks off after 401 operations"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(got.text, "key-200") {
		t.Error("the list has no end")
	}
}

// hostilePage has a text in every place that a node or a file can fill.
func hostilePage(t *testing.T, text string) Page {
	h := &history.History{Header: history.Header{
		Challenge: text, Stage: text, Scenario: text, Model: "linearizable", Nodes: []string{text},
		Groups: []history.Group{{Shard: text, Nodes: []string{text, text}}},
	}}
	a, b, c := put(0, text, 0, 1*ms), put(1, text+"2", 2*ms, 3*ms), get(2, text, 4*ms, 5*ms)
	c.Present, c.Defect = true, ""
	unknown, refused := put(3, text+"3", 4*ms, 0), put(4, text+"4", 4*ms, 5*ms)
	unknown.Outcome, refused.Outcome = history.Unknown, history.Failed
	for i, o := range []history.Operation{a, b, c, unknown, refused} {
		o.ID, o.Key, o.Node, o.Error, o.Defect = int64(i), text, text, text, ""
		h.Operations = append(h.Operations, o)
	}
	h.Faults = []history.FaultEvent{{Fault: text, Targets: []string{text}, Detail: text, Start: ms, End: 2 * ms}}
	h.Leaders = []history.LeaderEvent{{At: ms, Leader: text, Term: 1}, {At: 2 * ms}, {At: ms, Shard: text, Leader: text, Term: 1}, {At: 2 * ms, Shard: text}}
	h.Shards = map[string]string{text: text}
	v := judge(t, h)
	if len(v.Violations) == 0 {
		t.Fatalf("no violation with %.40q", text)
	}
	for i := range v.Violations[0].Operations {
		v.Violations[0].Operations[i].Defect = text
	}
	v.Violations = append(v.Violations, models.Violation{Rule: models.Rule(text), Key: text, Sentence: text, Operations: h.Operations})
	v.Undecided = []models.Undecided{{Key: text, Reason: text}}
	v.Warnings = []string{text}
	stale := &models.Staleness{Nodes: []models.ReadStaleness{{Node: text, Reads: 1}}}
	available := &models.Availability{
		Writes: 1, Losses: []models.LeaderLoss{{Shard: text, Fault: text, Leader: text, NextLeader: text + "2"}},
		Unavailable: &models.Outage{Shard: text, Nodes: []string{text, text}},
	}
	shards := []models.Availability{{Shard: text}, {Shard: text, Writes: 1}}
	return Page{Result: hostileResult(text), History: h, Verdict: v, Staleness: stale, Availability: available, Shards: shards, Source: text, Repeat: text}
}

func TestPageShowsHostileTextAsText(t *testing.T) {
	plain := write(t, hostilePage(t, "plain"))
	for name, text := range hostileTexts {
		got := write(t, hostilePage(t, text))
		for element, n := range got.elements {
			if plain.elements[element] == 0 {
				t.Errorf("%s: there are %d <%s> that belong to no page", name, n, element)
			}
		}
		for _, element := range []string{"script", "style", "iframe", "meta", "section", "header"} {
			if got.elements[element] != plain.elements[element] {
				t.Errorf("%s: %d <%s>, want %d", name, got.elements[element], element, plain.elements[element])
			}
		}
		if i := strings.IndexFunc(got.raw, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }); i >= 0 {
			t.Errorf("%s: a control character stands in the page: %q", name, got.raw[max(0, i-20):i+1])
		}
		if len(got.raw) > 400_000 {
			t.Errorf("%s: the page has %d bytes", name, len(got.raw))
		}
		if text != "" && len(text) < 100 {
			if want := strings.Join(strings.Fields(visible(text)), " "); !strings.Contains(got.text, want) {
				t.Errorf("%s: the page does not show %q", name, want)
			}
		}
	}
}

func TestPageLoadsNothingAndRunsOnlyItsOwnScripts(t *testing.T) {
	for name, text := range hostileTexts {
		got := write(t, hostilePage(t, text))
		for _, a := range got.attributes {
			switch n := a.Name.Local; {
			case strings.HasPrefix(n, "on"), n == "src", n == "style", n == "action", n == "srcdoc":
				t.Errorf("%s: attribute %s=%.60q", name, n, a.Value)
			case n == "href" && !strings.HasPrefix(a.Value, "#"):
				t.Errorf("%s: a link to %.60q", name, a.Value)
			case n == "sandbox" && a.Value != "allow-scripts":
				t.Errorf("%s: the frame may do %q", name, a.Value)
			}
		}
		if !strings.HasPrefix(got.policy, "default-src 'none';") {
			t.Errorf("%s: the policy is %q", name, got.policy)
		}
		scripts := append([]string{}, got.scripts...)
		inner := pictureScripts(t, got.document)
		if len(scripts) != 1 || len(inner) != 1 {
			t.Fatalf("%s: %d scripts, %d in the picture", name, len(scripts), len(inner))
		}
		want := "script-src " + hash(scripts[0]) + " " + hash(inner[0]) + ";"
		if !strings.Contains(got.policy, want) {
			t.Errorf("%s: the policy %q does not hold %q", name, got.policy, want)
		}
	}
	passed := write(t, Page{Result: &Result{Status: Passed}})
	if !strings.Contains(passed.policy, "script-src 'none';") || len(passed.scripts) != 0 {
		t.Errorf("a page without a picture may run scripts: %q", passed.policy)
	}
}

func pictureScripts(t *testing.T, doc string) []string {
	t.Helper()
	var out []string
	for rest := doc; ; {
		_, after, found := strings.Cut(rest, "<script")
		if !found {
			return out
		}
		body, after, found := strings.Cut(after, "</script>")
		if !found {
			t.Fatal("a script of the picture has no end")
		}
		out, rest = append(out, strings.TrimPrefix(body, ">")), after
	}
}

func TestPageIsCompleteWhenThePictureCannotBeDrawn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := stale()
	v := judge(t, h)
	cancel()
	var b bytes.Buffer
	if err := WriteHTML(ctx, &b, Page{History: h, Verdict: v}); err != nil {
		t.Fatal(err)
	}
	got := parse(t, b.String())
	if got.elements["iframe"] != 0 || !strings.Contains(got.text, "There is none for key k: it was interrupted") {
		t.Error("the page does not say why there is no picture")
	}
	if !strings.Contains(got.text, "How to read this") || !strings.HasSuffix(strings.TrimSpace(b.String()), "</html>") {
		t.Error("the page is not complete")
	}
	v.Violations[0].Key = "no such key"
	if got := write(t, Page{History: h, Verdict: v}); !strings.Contains(got.text, "no operations") {
		t.Error("the page does not say that the key has no operations")
	}
}

func TestAProofOnSeveralKeysNamesThemAll(t *testing.T) {
	h := &history.History{Header: history.Header{Model: "causal"}}
	for i, o := range []history.Operation{
		{Client: 1, Kind: history.Put, Key: "post", Value: "hello"},
		{Client: 2, Kind: history.Get, Key: "post", Value: "hello", Present: true},
		{Client: 2, Kind: history.Put, Key: "reply", Value: "hi"},
		{Client: 3, Kind: history.Get, Key: "reply", Value: "hi", Present: true},
		{Client: 3, Kind: history.Get, Key: "post"},
	} {
		o.ID, o.Outcome, o.Call, o.Return = int64(i), history.OK, time.Duration(2*i)*ms, time.Duration(2*i+1)*ms
		h.Operations = append(h.Operations, o)
	}
	got := write(t, Page{History: h, Verdict: judge(t, h)})
	for _, want := range []string{"The 5 operations that prove it", "put reply", "put reply = hi", "get post → absent"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestEveryRuleHasACause(t *testing.T) {
	for _, r := range models.Rules() {
		if causes[r] == "" {
			t.Errorf("%s has none", r)
		}
	}
}

func TestPageOfALongRunStaysSmall(t *testing.T) {
	h := steady()
	for i := range 100_000 {
		o := put(1, fmt.Sprintf("c1-%d", i), time.Duration(i)*ms, time.Duration(i+1)*ms)
		o.ID, o.Key = int64(10_000+i), fmt.Sprintf("k%d", i%50)
		h.Operations = append(h.Operations, o)
		if i%100 == 0 {
			h.Faults = append(h.Faults, history.FaultEvent{Fault: "kill", Targets: []string{"n1"}, Start: o.Call, End: o.Return})
		}
	}
	got := write(t, Page{History: h})
	if len(got.raw) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(got.raw))
	}
	if !strings.Contains(got.text, "501 more not listed") {
		t.Error("the table of faults has no end")
	}
}
