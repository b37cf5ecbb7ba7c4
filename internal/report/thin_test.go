package report

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

func TestALongRunIsThinnedAwayFromItsViolations(t *testing.T) {
	h := &history.History{}
	for i := range 10_000 {
		o := put(1, fmt.Sprint(i), time.Duration(i)*10*ms, time.Duration(i)*10*ms+5*ms)
		o.ID = int64(i)
		h.Operations = append(h.Operations, o)
	}
	slices.Reverse(h.Operations)
	proof := []history.Operation{h.Operations[9_999], h.Operations[4_000]} // at 0 s and at 59.99 s
	v := &models.Verdict{Violations: []models.Violation{{Operations: proof}}}
	got := kept(h, v, 2000)
	if len(got) > 2000 || len(got) < 1990 {
		t.Errorf("%d operations are kept, want 2,000", len(got))
	}
	at := func(i int) int64 { return h.Operations[i].ID }
	ids := make(map[int64]bool)
	for n, i := range got {
		ids[at(i)] = true
		if n > 0 && at(got[n-1]) >= at(i) {
			t.Fatal("they are not in the order of their calls")
		}
	}
	if !ids[0] || !ids[5999] {
		t.Error("the proof is not complete")
	}
	for id := int64(5750); id < 6250; id++ {
		if !ids[id] {
			t.Fatalf("operation %d, beside the violation, is missing", id)
		}
	}
	for from := int64(0); from < 10_000; from += 1000 { // an even sample of the rest
		n := 0
		for id := from; id < from+1000; id++ {
			if ids[id] {
				n++
			}
		}
		if n < 80 {
			t.Errorf("of operations %d to %d, only %d are kept", from, from+999, n)
		}
	}
	for name, limit := range map[string]int{"enough room": 10_000, "more room": 20_000} {
		if got := kept(h, v, limit); len(got) != 10_000 {
			t.Errorf("%s: %d are kept", name, len(got))
		}
	}
	if got := kept(h, nil, 100); len(got) != 100 {
		t.Errorf("without a violation, %d are kept, want 100", len(got))
	}
	dense := &history.History{Operations: make([]history.Operation, 1000)} // all at one moment
	if got := kept(dense, &models.Verdict{Violations: []models.Violation{{Operations: dense.Operations[:1]}}}, 100); len(got) != 1000 {
		t.Errorf("%d are kept", len(got)) // all of them have the ID of the proof
	}
}

func TestPageSaysThatItIsThinned(t *testing.T) {
	h := stale()
	p := Page{History: h, Verdict: judge(t, h)}
	if e := newExplorer(pack(&p, 100)); e.Thinned == "" || e.Operations != "401" {
		t.Errorf("it says %q of %s operations", e.Thinned, e.Operations)
	}
	if e := newExplorer(pack(&p, 401)); e.Thinned != "" {
		t.Errorf("a page of everything says %q", e.Thinned)
	}
}

func TestPayloadHoldsEveryOperation(t *testing.T) {
	h := sharded()
	slices.SortStableFunc(h.Operations, func(a, b history.Operation) int { return cmp.Compare(a.Call, b.Call) })
	h.Operations[5].Expected, h.Operations[5].Kind = "before", history.Cas
	h.Operations[6].Defect = "torn"
	h.Operations[7].Value = string(make([]byte, 500))
	h.Operations[400].Final = true
	p := pack(&Page{History: h}, mostOperations)
	var id, call int64
	for i := range h.Operations {
		o := &h.Operations[i]
		id, call = id+p.Ops.ID[i], call+p.Ops.Call[i]
		took := int64(o.Return - o.Call)
		if o.Outcome == history.Unknown {
			took = -1
		}
		if id != o.ID || call != int64(o.Call) || p.Ops.Took[i] != took || p.Ops.Client[i] != o.Client || p.Keys[p.Ops.Key[i]] != o.Key ||
			p.Nodes[p.Ops.Node[i]] != o.Node || p.Kinds[p.Ops.Kind[i]] != o.Kind.String() || p.Ops.Outcome[i] != int(o.Outcome) || p.Ops.Status[i] != o.Status {
			t.Fatalf("operation %d is packed wrongly", i)
		}
		if value := p.Values[p.Ops.Value[i]]; i != 7 && value != o.Value || len(value) > 4*longestValue+10 {
			t.Errorf("operation %d has the value %q", i, value)
		}
	}
	if p.Ops.Expected[5] != "before" || p.Ops.Defect[6] != "torn" || !slices.Equal(p.Ops.Final, []int{400}) || p.Shards[p.Ops.Key[0]] != "s2" {
		t.Errorf("expected %v, defect %v, final %v, shards %v", p.Ops.Expected, p.Ops.Defect, p.Ops.Final, p.Shards)
	}
	if pack(&Page{}, 1) != nil || pack(&Page{History: &history.History{}}, 1) != nil {
		t.Error("there is a payload of nothing")
	}
}

func TestPageOf100000OperationsAndFiveLogsIsSmallEnough(t *testing.T) {
	p := busy(t, 100_000, 50_000, t.TempDir())
	var size counter
	if err := WriteHTML(t.Context(), &size, p); err != nil {
		t.Fatal(err)
	}
	if size > 12<<20 {
		t.Errorf("it has %d bytes, want at most 12 MiB", size)
	}
}
