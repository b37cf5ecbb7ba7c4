package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseReplicas is parseFinal of lines that begin with who asked which node,
// such as 3@n2.
func parseReplicas(t testing.TB, text string) *history.History {
	t.Helper()
	var rest []string
	var asked []history.Operation
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		who, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		var o history.Operation
		if _, err := fmt.Sscanf(who, "%d@%s", &o.Client, &o.Node); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		rest, asked = append(rest, what), append(asked, o)
	}
	h := parse(t, strings.Join(rest, "\n"))
	for i := range h.Operations {
		o := &h.Operations[i]
		o.Client, o.Node, o.Final = asked[i].Client, asked[i].Node, o.Call >= time.Second
	}
	return h
}

// figures are those of Staleness that tell tiny histories apart.
type figures struct {
	reads, stale     int
	worst            time.Duration // in ms
	versions         int
	backwards, own   int
	notJudged, again int
}

func figuresOf(t *testing.T, h *history.History) figures {
	t.Helper()
	s, err := MeasureStaleness(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	o := s.Overall
	return figures{o.Reads, o.Stale, o.Time.Worst / time.Millisecond, o.Versions.Worst, o.WentBackwards, o.MissedOwnWrite, s.NotJudged, s.RepeatedKeys}
}

// Each case stands beside a twin that differs in one detail and is fresh, or
// less stale, or cannot be judged.
func TestStalenessOfTinyHistories(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    string
		want figures
	}{
		{"a read of what had been replaced is behind since the replacement was there", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x a 100 110`, figures{reads: 1, stale: 1, worst: 70, versions: 1}},
		{"a read of the newest value is fresh", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x b 100 110`, figures{reads: 1}},
		{"a replacement that was not surely there yet counts for nothing", `
			1@n1 put x a 0 10
			1@n1 put x b 20 100
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"another read can prove that it was", `
			1@n1 put x a 0 10
			1@n1 put x b 20 100
			3@n1 get x b 30 40
			2@n2 get x a 100 110`, figures{reads: 2, stale: 1, worst: 60, versions: 1}},
		{"of two writes at the same time either may be the older", `
			1@n1 put x a 0 20
			3@n1 put x b 20 30
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"a read can prove which of them is", `
			1@n1 put x a 0 20
			3@n1 put x b 20 30
			2@n2 get x a 10 15
			2@n2 get x a 100 110`, figures{reads: 2, stale: 1, worst: 70, versions: 1}},
		{"all replacements count, and time runs from the first", `
			1@n1 put x a 0 10
			1@n1 put x b 20 50
			3@n1 put x c 20 30
			1@n1 put x d 60 70
			2@n2 get x a 100 110`, figures{reads: 1, stale: 1, worst: 70, versions: 3}},
		{"those that the value had replaced itself do not", `
			1@n1 put x a 0 10
			1@n1 put x b 20 50
			3@n1 put x c 20 30
			1@n1 put x d 60 70
			2@n2 get x b 100 110`, figures{reads: 1, stale: 1, worst: 30, versions: 1}},
		{"an acknowledged delete replaces", `
			1@n1 put x a 0 10
			1@n1 delete x - 20 30
			2@n2 get x a 100 110`, figures{reads: 1, stale: 1, worst: 70, versions: 1}},
		{"an unknown delete may never take effect", `
			1@n1 put x a 0 10
			1@n1 delete x - 20 -
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"an unknown put that was read replaces from then on", `
			1@n1 put x a 0 10
			1@n1 put x b 20 -
			3@n1 get x b 30 50
			2@n2 get x a 100 110`, figures{reads: 2, stale: 1, worst: 50, versions: 1}},
		{"an unknown put that nobody read does not", `
			1@n1 put x a 0 10
			1@n1 put x b 20 -
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"a read of an unknown put is behind what was called after it had been seen", `
			1@n1 put x a 0 -
			2@n2 get x a 5 10
			3@n1 put x b 20 30
			2@n2 get x a 100 110`, figures{reads: 2, stale: 1, worst: 70, versions: 1}},
		{"a read of an unknown put that may have come last is fresh", `
			1@n1 put x a 0 -
			3@n1 put x b 20 30
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"a refused write replaces nothing", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30 failed
			2@n2 get x a 100 110`, figures{reads: 1}},
		{"a final read is evidence and is not measured", `
			1@n1 put x a 0 10
			1@n1 put x b 20 -
			2@n2 get x b 1000 1010
			3@n2 get x a 1020 1030`, figures{}},
		{"a read without an answer is not measured", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x a 100 -`, figures{}},
		{"another key's writes replace nothing", `
			1@n1 put x a 0 10
			1@n1 put y b 20 30
			2@n2 get x a 100 110`, figures{reads: 1}},

		{"nothing was found though no delete was called: behind every put", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x - 100 110
			1@n1 delete x - 111 120`, figures{reads: 1, stale: 1, worst: 90, versions: 2}},
		{"nothing was found before anything had surely been put", `
			1@n1 put x a 0 10
			2@n2 get x - 10 20`, figures{reads: 1}},
		{"a delete called by the time it returned may explain it", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x - 100 110
			1@n1 delete x - 110 120`, figures{notJudged: 1}},
		{"so may one without an answer, long before", `
			3@n1 delete x - 0 -
			1@n1 put x a 0 10
			2@n2 get x - 100 110`, figures{notJudged: 1}},
		{"a refused delete explains nothing", `
			1@n1 put x a 0 10
			1@n1 delete x - 20 30 failed
			2@n2 get x - 100 110`, figures{reads: 1, stale: 1, worst: 90, versions: 1}},
		{"what nobody wrote is not judged, nor what was written later", `
			1@n1 put x a 0 10
			1@n1 put x b 200 210
			2@n2 get x z 100 110
			2@n2 get x b 120 130`, figures{notJudged: 2}},
		{"keys whose values repeat are not judged", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			1@n1 put x a 40 50
			2@n2 get x b 100 110
			1@n1 put y a 0 10
			2@n2 get y a 100 110`, figures{reads: 1, notJudged: 1, again: 1}},

		{"back to an older value on one node", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x b 40 50
			2@n2 get x a 60 70`, figures{reads: 2, stale: 1, worst: 30, versions: 1, backwards: 1}},
		{"on another node it is not counted", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x b 40 50
			2@n3 get x a 60 70`, figures{reads: 2, stale: 1, worst: 30, versions: 1}},
		{"nor by another client", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x b 40 50
			3@n2 get x a 60 70`, figures{reads: 2, stale: 1, worst: 30, versions: 1}},
		{"nor if the reads overlap, or touch", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			2@n2 get x b 40 50
			2@n2 get x a 50 70`, figures{reads: 2, stale: 1, worst: 20, versions: 1}},
		{"nor if nothing shows which value is the older", `
			1@n1 put x a 0 30
			3@n1 put x b 20 30
			2@n2 get x b 40 50
			2@n2 get x a 60 70`, figures{reads: 2}},
		{"back to nothing", `
			1@n1 put x a 0 -
			2@n2 get x a 40 50
			2@n2 get x - 60 70`, figures{reads: 2, stale: 1, worst: 10, versions: 1, backwards: 1}},

		{"the client's own write is missing, whatever the node", `
			1@n1 put x a 0 10
			1@n1 put x b 20 30
			1@n2 get x a 40 50`, figures{reads: 1, stale: 1, worst: 10, versions: 1, own: 1}},
		{"another client's is not its own", `
			1@n1 put x a 0 10
			3@n1 put x b 20 30
			1@n2 get x a 40 50`, figures{reads: 1, stale: 1, worst: 10, versions: 1}},
		{"something newer than the client's own write is no miss", `
			1@n1 put x a 0 10
			3@n1 put x b 20 30
			1@n2 get x b 40 50`, figures{reads: 1}},
		{"the client's own delete is missing", `
			1@n1 put x a 0 10
			1@n1 delete x - 20 30
			1@n2 get x a 40 50`, figures{reads: 1, stale: 1, worst: 10, versions: 1, own: 1}},
		{"an unknown write is nobody's own", `
			1@n1 put x a 0 10
			1@n1 put x b 20 -
			3@n1 get x b 30 35
			1@n2 get x a 40 50`, figures{reads: 2, stale: 1, worst: 5, versions: 1}},
		{"nothing was found where the client had written", `
			1@n1 put x a 0 10
			1@n2 get x - 40 50`, figures{reads: 1, stale: 1, worst: 30, versions: 1, own: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := figuresOf(t, parseReplicas(t, tc.h)); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestStalenessOfTornValuesIsNotJudged(t *testing.T) {
	h := parseReplicas(t, `
		1@n1 put x a 0 10
		1@n1 put x b 20 100
		3@n1 get x b 30 40
		2@n2 get x a 100 110`)
	h.Operations[2].Defect = "cut off"
	if got, want := figuresOf(t, h), (figures{reads: 1, notJudged: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A delete may stand in the part of the file that is missing.
func TestStalenessOfAHistoryThatBreaksOff(t *testing.T) {
	h := parseReplicas(t, `
		1@n1 put x a 0 10
		1@n1 put x b 20 30
		2@n2 get x a 40 50
		2@n2 get x - 60 70
		2@n2 get x - 80 90`)
	for _, tc := range []struct {
		truncated bool
		settled   time.Duration
		want      figures
	}{
		{false, 0, figures{reads: 3, stale: 3, worst: 70, versions: 2, backwards: 2}},
		{true, 0, figures{reads: 1, stale: 1, worst: 10, versions: 1, notJudged: 2}},
		{true, 80 * time.Millisecond, figures{reads: 2, stale: 2, worst: 50, versions: 2, backwards: 1, notJudged: 1}},
	} {
		h.Truncated, h.Settled = tc.truncated, tc.settled
		if got := figuresOf(t, h); got != tc.want {
			t.Errorf("truncated %v, settled %s: got %+v, want %+v", tc.truncated, tc.settled, got, tc.want)
		}
	}
}

func TestStalenessIsToldByNode(t *testing.T) {
	h := parseReplicas(t, `
		1@n1 put x a 0 10
		1@n1 put x b 20 30
		2@n2 get x a 40 50
		3@n9 get x b 60 70
		2@n2 get x a 80 90`)
	h.Nodes = []string{"n1", "n2", "n3"}
	s, err := MeasureStaleness(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	ms := time.Millisecond
	stale := ReadStaleness{Reads: 2, Stale: 2, StaleShare: 1, Time: Spread[time.Duration]{10 * ms, 50 * ms, 50 * ms}, Versions: Spread[int]{1, 1, 1}}
	n2, all := stale, stale
	n2.Node = "n2"
	all.Reads, all.StaleShare = 3, 2.0/3
	want := Staleness{Overall: all, Nodes: []ReadStaleness{{Node: "n1"}, n2, {Node: "n3"}, {Node: "n9", Reads: 1}}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	doc, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"overall":{"reads":3,"stale":2,"share_stale":0.6666666666666666,"behind_ns":{"median":10000000,"p99":50000000,"worst":50000000},` +
		`"behind_versions":{"median":1,"p99":1,"worst":1},"went_backwards":0,"missed_own_write":0},"nodes":[{"node":"n1",`; !strings.HasPrefix(string(doc), want) {
		t.Errorf("the JSON is %s", doc)
	}
}

func TestSpreadCountsFreshReadsAsZero(t *testing.T) {
	for _, tc := range []struct {
		figures []int
		all     int
		want    Spread[int]
	}{
		{nil, 0, Spread[int]{}},
		{nil, 5, Spread[int]{}},
		{[]int{7}, 1, Spread[int]{7, 7, 7}},
		{[]int{7}, 2, Spread[int]{0, 7, 7}},
		{[]int{9, 7}, 3, Spread[int]{7, 9, 9}},
		{[]int{9, 7}, 4, Spread[int]{0, 9, 9}},
		{[]int{9, 7}, 100, Spread[int]{0, 7, 9}},
		{[]int{9, 7}, 200, Spread[int]{0, 0, 9}},
	} {
		if got := spread(slices.Clone(tc.figures), tc.all); got != tc.want {
			t.Errorf("%v of %d reads: %+v, want %+v", tc.figures, tc.all, got, tc.want)
		}
	}
}

func TestStalenessRefusesOtherKindsAndObeysItsContext(t *testing.T) {
	h := parseReplicas(t, "1@n1 put x a 0 10")
	h.Operations[0].Kind = history.Enqueue
	var kind *KindError
	if _, err := MeasureStaleness(t.Context(), h); !errors.As(err, &kind) || kind.Kind != history.Enqueue {
		t.Errorf("a queue: error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := MeasureStaleness(ctx, parseReplicas(t, "1@n1 put x a 0 10")); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: error is %v", err)
	}
	s, err := MeasureStaleness(t.Context(), &history.History{})
	if err != nil || s.Overall != (ReadStaleness{}) || len(s.Nodes) != 0 {
		t.Errorf("an empty history: %+v, %v", s, err)
	}
}
