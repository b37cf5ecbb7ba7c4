package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

func decode(t *testing.T, b *bytes.Buffer) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, b)
	}
	return out
}

// dig follows names and indexes into a JSON document.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("no object at %v of %v", step, path)
			}
			v = m[s]
		case int:
			l, ok := v.([]any)
			if !ok || len(l) <= s {
				t.Fatalf("no item %d of %v", s, path)
			}
			v = l[s]
		}
	}
	return v
}

func TestJSONOfAResult(t *testing.T) {
	unknown := put(1, "b", 5, 0)
	unknown.Outcome, unknown.Error = history.Unknown, "timeout after 2s"
	v := &models.Verdict{
		Status: models.Invalid, Model: "linearizable", Engine: "porcupine", Keys: 2, Operations: 9, Took: 3 * ms,
		Violations: []models.Violation{{Rule: models.RuleStaleRead, Key: "k", Sentence: "It is stale.", Operations: []history.Operation{put(0, "a", 1, 2), unknown, get(2, "", 7, 8)}}},
		Undecided:  []models.Undecided{{Key: "j", Reason: "time ran out", Operations: 7, Open: 1}},
	}
	r := &Result{Challenge: "kv-store", Stage: "http-api", Status: Failed, Seed: 1<<53 - 1, Took: 2 * time.Second, Checks: []Check{
		{Name: "api", Status: Passed, Took: ms},
		{Name: "clients", Status: Failed, Failure: &Failure{Rule: "stale read", Summary: "<b>"}, Scenario: &Scenario{Title: "clients", OK: 5, Verdict: v}},
	}}
	var b bytes.Buffer
	if err := WriteJSON(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	doc := decode(t, &b)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"took_ns"}, 2e9},
		{[]any{"seed"}, float64(1<<53 - 1)},
		{[]any{"status"}, "failed"},
		{[]any{"checks", 0, "took_ns"}, 1e6},
		{[]any{"checks", 0, "scenario"}, nil},
		{[]any{"checks", 1, "failure", "summary"}, "<b>"},
		{[]any{"checks", 1, "failure", "rule"}, "stale read"},
		{[]any{"checks", 1, "scenario", "ok"}, 5.0},
		{[]any{"checks", 1, "scenario", "operations_per_second"}, 0.0},
		{[]any{"checks", 1, "scenario", "share_ok"}, 0.0},
		{[]any{"checks", 1, "scenario", "share_judging"}, 0.0},
		{[]any{"checks", 1, "scenario", "verdict", "status"}, "invalid"},
		{[]any{"checks", 1, "scenario", "verdict", "took_ns"}, 3e6},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "rule"}, "stale read"},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "operations", 0, "kind"}, "put"},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "operations", 0, "return"}, 2.0},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "operations", 1, "outcome"}, "unknown"},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "operations", 1, "return"}, nil},
		{[]any{"checks", 1, "scenario", "verdict", "violations", 0, "operations", 2, "value"}, nil},
		{[]any{"checks", 1, "scenario", "verdict", "undecided", 0, "open"}, 1.0},
	} {
		if got := dig(t, doc, append([]any{"results", 0}, c.path...)...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
}

// An operation in a result has to look as it does in history.json, so that one
// reader serves both.
func TestJSONOfAnOperationIsThatOfAHistory(t *testing.T) {
	deleted := history.Operation{ID: 4, Client: 1, Node: "n1", Kind: history.Delete, Key: "k", Call: 3, Return: 4, Outcome: history.Failed, Error: "refused"}
	torn := get(2, "ab", 5, 6)
	torn.Defect, torn.Final = "cut off", true
	unknown := put(1, "b", 5, 0)
	unknown.Outcome = history.Unknown
	for _, o := range []history.Operation{put(0, "a", 1, 2), get(1, "", 2, 3), deleted, torn, unknown} {
		var saved, b bytes.Buffer
		if err := history.Encode(&saved, &history.History{Operations: []history.Operation{o}}); err != nil {
			t.Fatal(err)
		}
		v := &models.Verdict{Violations: []models.Violation{{Operations: []history.Operation{o}}}}
		if err := WriteVerdicts(&b, []Judged{{Source: "h.json", Verdict: v}}); err != nil {
			t.Fatal(err)
		}
		want := dig(t, decode(t, &saved), "operations", 0)
		got := dig(t, decode(t, &b), "verdicts", 0, "verdict", "violations", 0, "operations", 0)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestJSONWithoutResultsIsAList(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, nil); err != nil {
		t.Fatal(err)
	}
	if l, ok := decode(t, &b)["results"].([]any); !ok || len(l) != 0 {
		t.Errorf("got %s", b.String())
	}
	b.Reset()
	if err := WriteVerdicts(&b, []Judged{{Source: "broken.json", Problem: "line 1: the file is empty"}}); err != nil {
		t.Fatal(err)
	}
	doc := decode(t, &b)
	if dig(t, doc, "verdicts", 0, "problem") != "line 1: the file is empty" || dig(t, doc, "verdicts", 0, "verdict") != nil {
		t.Errorf("got %s", b.String())
	}
}
