package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// finally is a history that ends with reads of k, one after the other: n1=a found
// a, n1= found nothing, n1? got no answer.
func finally(nodes string, answers ...string) *history.History {
	h := &history.History{Header: history.Header{Model: "eventual", Nodes: strings.Fields(nodes)}}
	h.Operations = []history.Operation{put(1, "a", 0, ms), put(2, "b", 0, ms), get(3, "a", 2*ms, 3*ms)}
	for i, answer := range answers {
		node, value, answered := strings.Cut(answer, "=")
		at := time.Second + time.Duration(i)*ms
		o := get(9, value, at, at+ms/2)
		o.Node, o.Final = node, true
		if !answered {
			o.Node = strings.TrimSuffix(node, "?")
			o.Outcome, o.Present = history.Unknown, false
		}
		h.Operations = append(h.Operations, o)
	}
	for i := range h.Operations {
		h.Operations[i].ID = int64(i)
	}
	return h
}

func TestFinalReadsOfNamesEveryNode(t *testing.T) {
	for _, c := range []struct {
		name string
		h    *history.History
		want string
	}{
		{"every node in the order of the history", finally("n1 n2 n3", "n3=a", "n1=a", "n2="), "n1 says a; n2 says nothing; n3 says a"},
		{"nodes that the history does not name", finally("n1", "n1=a", "n9=b", "=b"), "n1 says a; n9 says b; (no name) says b"},
		{"a node that gave no answer, one that was not asked", finally("n1 n2 n3", "n1=a", "n2?"), "n1 says a; n2 gave no answer; n3 was not asked"},
		{"an answer in the end counts", finally("n1", "n1?", "n1=a"), "n1 says a"},
		{"a node that says the same again", finally("n1", "n1=a", "n1=a"), "n1 says a"},
		{"a node that changes its mind", finally("n1", "n1=a", "n1=", "n1=a"), "n1 says a, then nothing, then a"},
		{"a node that never settles", finally("n1", "n1=a", "n1=b", "n1=a", "n1=b", "n1=a", "n1=b", "n1=a"), "n1 says a, then b, then a, then b, then a, then 2 further answers"},
		{"no final reads", finally("n1 n2"), ""},
		{"a value that is no plain word", finally("n1", "n1=a\nb"), `n1 says "a\nb"`},
	} {
		if got := strings.Join(FinalReadsOf(c.h, "k"), "; "); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := FinalReadsOf(finally("n1", "n1=a"), "another"); got != nil {
		t.Errorf("a key that was not read: %q", got)
	}
	late := finally("n1", "n1=a", "n1=b")
	slices.Reverse(late.Operations)
	if got := FinalReadsOf(late, "k"); got[0] != "n1 says a, then b" {
		t.Errorf("operations in another order: %q", got)
	}
}

func TestPageOfCopiesThatDisagreeShowsEveryNode(t *testing.T) {
	h := finally("n1 n2 n3 n4", "n1=a", "n2=a", "n3=b", "n4?")
	v := judge(t, h)
	if len(v.Violations) != 1 || v.Violations[0].Rule != models.RuleCopiesDisagree || len(v.Violations[0].Operations) != 4 {
		t.Fatalf("the verdict is %+v", v)
	}
	got := write(t, Page{History: h, Verdict: v})
	for _, want := range []string{"What every node said of k in the end", "n1 a 1.000500 s n2 a 1.001500 s n3 b 1.002500 s n4 no answer", "The 4 operations on key k that prove it"} {
		if !strings.Contains(cells(got), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	// A value has the colour that it has in the proof.
	for value, class := range map[string]string{"a": "v0", "b": "v1"} {
		if want := `<i class="dot ` + class + `"></i><code>` + value + `</code>`; !strings.Contains(got.raw[strings.Index(got.raw, "every node"):], want) {
			t.Errorf("%s does not stand beside %s", class, value)
		}
	}
	if without := write(t, Page{Verdict: v}); strings.Contains(without.text, "every node said") {
		t.Error("without the history, the page knows what every node said")
	}
	lost := finally("n1 n2", "n1=", "n2=")
	if other := write(t, Page{History: lost, Verdict: judge(t, lost)}); other.banner != "violation" || strings.Contains(other.text, "every node said") {
		t.Error("copies that agree are shown as if they did not")
	}
}

func TestAnswersOfNodesAreShownAsText(t *testing.T) {
	show := func(text string) *page {
		h := finally("n1", "n1=a", "n2=b", "n3=b")
		h.Operations[len(h.Operations)-1].Value = text
		h.Operations[len(h.Operations)-1].Node = text
		v := judge(t, h)
		v.Violations = []models.Violation{{Rule: models.RuleCopiesDisagree, Key: "k", Operations: h.Operations[:2]}}
		for _, line := range FinalReadsOf(h, "k") {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) || len(line) > 300 {
				t.Errorf("the line is %.400q", line)
			}
		}
		return write(t, Page{History: h, Verdict: v})
	}
	plain := show("plain")
	for name, text := range hostileTexts {
		got := show(text)
		for element, n := range got.elements {
			if n != plain.elements[element] {
				t.Errorf("%s: %d <%s>, want %d", name, n, element, plain.elements[element])
			}
		}
	}
}

func TestOperationLinesTellWhatADiskLostInBetween(t *testing.T) {
	ops := []history.Operation{put(1, "a", 0, ms), get(2, "b", 8*ms, 9*ms)}
	loss := func(name, detail string, at time.Duration) history.FaultEvent {
		return history.FaultEvent{Fault: name, Targets: []string{"n1"}, Detail: detail, Start: at}
	}
	for _, tt := range []struct {
		name   string
		faults []history.FaultEvent
		want   []string // lines between the two operations
	}{
		{"nothing happened", nil, nil},
		{"power went in between", []history.FaultEvent{loss("power-loss", "not durable: the log", 5*ms)}, []string{"  0.0050           s  power-loss of n1; not durable: the log"}},
		{"power went before, and after", []history.FaultEvent{loss("power-loss", "x", 0), loss("power-loss", "x", 8*ms)}, nil},
		{"a fault that takes nothing", []history.FaultEvent{loss("slow-disk", "by 20 to 200 ms", 5*ms), loss("kill", "", 5*ms)}, nil},
		{
			"many, of which the last are told in their order",
			[]history.FaultEvent{loss("power-loss", "4", 4*ms), loss("fsync-error", "3", 3*ms), loss("power-loss", "1", 1*ms), loss("power-loss", "2", 2*ms)},
			[]string{"  0.0020           s  power-loss of n1; 2", "  0.0030           s  fsync-error of n1; 3", "  0.0040           s  power-loss of n1; 4"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := OperationLines(ops, tt.faults)
			if got := lines[1 : len(lines)-1]; !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOperationLinesNameNodesThatDiffer(t *testing.T) {
	ops := []history.Operation{put(1, "a", 0, ms), get(2, "a", 2*ms, 3*ms)}
	for _, line := range OperationLines(ops, nil) {
		if strings.Contains(line, "n1") {
			t.Errorf("there is only one node: %s", line)
		}
	}
	ops[1].Node = "n2"
	lines := OperationLines(ops, nil)
	if !strings.HasSuffix(lines[0], "client 1   n1   put k = a: acknowledged") || !strings.HasSuffix(lines[1], "client 2   n2   get k → a") {
		t.Errorf("the lines are %q", lines)
	}
	if got := OperationLines(nil, nil); len(got) != 0 {
		t.Errorf("no operations give %q", got)
	}
}
