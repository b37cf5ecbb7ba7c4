package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// unanswered is a write or, without a value, a delete without an answer.
func unanswered(client int, value, node string, at time.Duration) history.Operation {
	o := put(client, value, at, 0)
	if o.Outcome, o.Node = history.Unknown, node; value == "" {
		o.Kind = history.Delete
	}
	return o
}

func TestStoryTellsUnansweredWritesOfAKindTogether(t *testing.T) {
	answered := put(9, "y", 400*ms, 401*ms)
	answered.Node = "n1"
	read := get(4, "x", 900*ms, 905*ms)
	read.Node = "n2"
	elsewhere := unanswered(7, "", "n1", 130*ms)
	elsewhere.Key = "other"
	later := "; it was never answered, so it may have taken effect."
	for _, c := range []struct {
		name string
		ops  []history.Operation
		want []string
	}{
		{"three deletes", []history.Operation{unanswered(1, "", "n3", 100*ms), unanswered(2, "", "n1", 110*ms), unanswered(3, "", "n3", 120*ms)},
			[]string{"Clients 1, 2 and 3 sent 3 deletes of k through n1 and n3 between 0.100 s and 0.120 s; none was answered, so each may have taken effect."}},
		{"two deletes", []history.Operation{unanswered(1, "", "n3", 100*ms), unanswered(2, "", "n1", 110*ms)},
			[]string{"Client 1 sent a delete of k through n3" + later, "Client 2 sent a delete of k through n1" + later}},
		{"deletes with another unanswered operation in between", []history.Operation{
			unanswered(1, "", "n3", 100*ms), unanswered(5, "x", "n1", 105*ms), unanswered(2, "", "n1", 110*ms), unanswered(3, "", "n3", 120*ms)},
			[]string{"Clients 1, 2 and 3 sent 3 deletes of k through n1 and n3 between 0.100 s and 0.120 s; none was answered, so each may have taken effect.",
				"Client 5 sent a write of x to k through n1" + later}},
		{"deletes before and after an answered write", []history.Operation{
			unanswered(1, "", "n3", 100*ms), unanswered(2, "", "n1", 110*ms), answered, unanswered(3, "", "n3", 500*ms)},
			[]string{"Client 1 sent a delete of k through n3" + later, "Client 2 sent a delete of k through n1" + later,
				"Client 9 sent a write of y to k through n1; it was acknowledged 1 ms later, at 0.401 s.", "Client 3 sent a delete of k through n3" + later}},
		{"deletes of two keys", []history.Operation{unanswered(1, "", "n3", 100*ms), unanswered(2, "", "n1", 110*ms), elsewhere},
			[]string{"Client 1 sent a delete of k through n3" + later, "Client 2 sent a delete of k through n1" + later, "Client 7 sent a delete of other through n1" + later}},
		{"writes of one client", []history.Operation{unanswered(1, "a", "", 100*ms), unanswered(1, "b", "", 110*ms), unanswered(1, "c", "", 120*ms)},
			[]string{"Client 1 sent 3 writes of a, b and c to k between 0.100 s and 0.120 s; none was answered, so each may have taken effect."}},
	} {
		x := violation(append(c.ops, read)...)
		var got []string
		for _, s := range story(nil, x) {
			got = append(got, s.Text)
		}
		want := append(c.want, "Client 4 read k = x through n2; the read had been sent 5 ms before.")
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestAStoryWithManyUnansweredWritesIsShort(t *testing.T) {
	ops := []history.Operation{put(98, "x", ms, 2*ms)}
	for i := range 20 {
		ops = append(ops, unanswered(i, "", fmt.Sprint("n", i%3+1), time.Duration(i+1)*10*ms))
	}
	x := violation(append(ops, get(99, "x", time.Second, time.Second+ms))...)
	h := &history.History{Leaders: []history.LeaderEvent{{At: 55 * ms, Leader: "n1", Term: 2}}}
	got := story(h, x)
	if len(got) != 4 || got[1].Operation != x.Operations[1].ID || got[1].When != "0.010 s" || got[1].Class != "operation" || got[3].Class != "culprit" {
		t.Fatalf("got %+v", got)
	}
	if want := "Clients 0, 1, 2, 3 and 16 others sent 20 deletes of k through n1, n2 and n3 between 0.010 s and 0.200 s;"; !strings.HasPrefix(got[1].Text, want) {
		t.Errorf("got %q", got[1].Text)
	}
}
