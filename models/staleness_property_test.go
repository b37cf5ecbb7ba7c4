package models

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// literally computes the lag of a read from the formulas as they stand, over
// all operations of its key, whose values are unique.
func literally(ops []history.Operation, r *history.Operation) (out lag, judged bool) {
	never := time.Duration(1 << 60)
	write := func(value string) *history.Operation {
		for i := range ops {
			if w := &ops[i]; w.Kind == history.Put && w.Outcome != history.Failed && w.Value == value {
				return w
			}
		}
		return nil
	}
	sane := func(o *history.Operation) bool {
		return o.Kind == history.Get && o.Outcome == history.OK && o.Present && write(o.Value) != nil && write(o.Value).Call <= o.Return
	}
	m := func(w *history.Operation) time.Duration {
		t := never
		if w.Outcome == history.OK {
			t = w.Return
		}
		for i := range ops {
			if o := &ops[i]; w.Kind == history.Put && sane(o) && o.Value == w.Value {
				t = min(t, o.Return)
			}
		}
		return t
	}
	since := -never
	if r.Present {
		if !sane(r) {
			return lag{}, false
		}
		since = m(write(r.Value))
	} else {
		for i := range ops {
			if d := &ops[i]; d.Kind == history.Delete && d.Outcome != history.Failed && d.Call <= r.Return {
				return lag{}, false
			}
		}
	}
	for i := range ops {
		o := &ops[i]
		if o.Kind.Writes() && o.Outcome != history.Failed && o.Call > since && m(o) < r.Call {
			out.versions++
			out.time = max(out.time, r.Call-m(o))
		}
		if o.Client != r.Client || o.Outcome != history.OK || o.Return >= r.Call {
			continue
		}
		if o.Kind.Writes() && since < o.Call {
			out.ownMissed = true
		}
		if o.Node == r.Node && sane(o) && since < write(o.Value).Call {
			out.backwards = true
		}
	}
	return out, true
}

// randomReplicas draws a small history on one key by few clients through two
// nodes, whose reads return anything.
func randomReplicas(r *rand.Rand) *history.History {
	h := &history.History{Header: history.Header{Nodes: []string{"n1", "n2"}}}
	span := 4 + r.IntN(30)
	n := 2 + r.IntN(10)
	for i := range n {
		call := r.IntN(span)
		o := history.Operation{
			ID: int64(i), Client: r.IntN(3), Node: fmt.Sprint("n", 1+r.IntN(2)), Key: "x", Outcome: history.OK,
			Call: time.Duration(call), Return: time.Duration(call + r.IntN(1+span/3)),
		}
		switch d := r.IntN(20); {
		case d < 8:
			o.Kind, o.Value = history.Put, fmt.Sprint("v", i)
		case d == 8:
			o.Kind = history.Delete
		default:
			o.Final = r.IntN(10) == 0
		}
		switch r.IntN(12) {
		case 0:
			o.Outcome, o.Return = history.Unknown, 0
		case 1:
			o.Outcome = history.Failed
		}
		h.Operations = append(h.Operations, o)
	}
	// Values that were put, as a rule, or nothing, or what nobody put.
	values := []string{"", "z"}
	for i := range h.Operations {
		if w := &h.Operations[i]; w.Kind == history.Put {
			values = append(values, w.Value, w.Value, w.Value)
		}
	}
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind == history.Get {
			o.Value = values[r.IntN(len(values))]
			o.Present = o.Value != ""
		}
	}
	return h
}

func TestStalenessIsWhatTheFormulasSayOnRandomHistories(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 20_000
	}
	var total sum
	notJudged := 0
	for seed := range rounds {
		h := randomReplicas(rand.New(rand.NewPCG(uint64(seed), 7)))
		s, err := MeasureStaleness(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		want := Staleness{Nodes: make([]ReadStaleness, 2)}
		all, node := sum{}, make([]sum, 2)
		for i := range h.Operations {
			o := &h.Operations[i]
			if o.Kind != history.Get || o.Outcome != history.OK || o.Final {
				continue
			}
			l, judged := literally(h.Operations, o)
			if !judged {
				want.NotJudged++
				continue
			}
			all.add(&l)
			node[slices.Index(h.Nodes, o.Node)].add(&l)
		}
		for i := range node {
			want.Nodes[i] = node[i].conclude(h.Nodes[i])
		}
		want.Overall = all.conclude("")
		if !reflect.DeepEqual(s, want) {
			t.Fatalf("seed %d: got %+v\nwant %+v\n%+v", seed, s, want, h.Operations)
		}
		total.merge(&all)
		notJudged += want.NotJudged
	}
	got := total.conclude("")
	t.Logf("%+v, %d not judged", got, notJudged)
	if got.Versions.P99 < 2 || got.WentBackwards < rounds/100 || got.MissedOwnWrite < rounds/100 || notJudged < rounds/100 || got.Stale > got.Reads/2 {
		t.Error("the histories prove too little")
	}
}

// replicated lets clients write to one copy, and read from three others that
// lag behind by different and varying times. truth has, for each read, how many
// writes it missed and for how long it had. place is how many of its key's writes
// a read saw, or had taken effect with a write.
func replicated(n, keys, clients int, seed uint64) (h *history.History, truth []lag, place []int) {
	h = &history.History{Header: history.Header{Nodes: []string{"n1", "n2", "n3"}}, Operations: make([]history.Operation, n)}
	r := rand.New(rand.NewPCG(seed, 11))
	type effect struct {
		at time.Duration
		op int
	}
	logs := make([][]effect, keys)
	ready, number := make([]time.Duration, clients), make([]int, clients)
	for c := range number {
		number[c] = c
	}
	next := clients
	key := make([]int, n)
	names := make([]string, keys)
	for k := range names {
		names[k] = fmt.Sprint("k", k)
	}
	for i := range h.Operations {
		c := i % clients
		took := 1 + time.Duration(r.IntN(int(time.Millisecond)))
		key[i] = r.IntN(keys)
		o := history.Operation{ID: int64(i), Client: number[c], Node: h.Nodes[r.IntN(3)], Key: names[key[i]], Outcome: history.OK, Call: ready[c], Return: ready[c] + took}
		at := o.Call + time.Duration(r.Int64N(int64(took)+1))
		happens := true
		switch d := r.IntN(100); {
		case d < 45:
			o.Kind, o.Value = history.Put, fmt.Sprint("c", i)
		case d < 46:
			o.Kind = history.Delete
		}
		ready[c] += took + 1 + time.Duration(r.IntN(100_000))
		if o.Kind.Writes() && r.IntN(50) == 0 {
			o.Outcome, o.Return = history.Unknown, 0
			number[c], next = next, next+1
			happens = r.IntN(2) == 0
			at += time.Duration(r.Int64N(int64(5 * took)))
		}
		if o.Kind.Writes() && happens {
			logs[key[i]] = append(logs[key[i]], effect{at, i})
		}
		h.Operations[i] = o
	}
	for k := range logs {
		slices.SortFunc(logs[k], func(a, b effect) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.op, b.op)) })
	}
	truth, place = make([]lag, n), make([]int, n)
	for _, log := range logs {
		for p, e := range log {
			place[e.op] = p + 1
		}
	}
	for i := range h.Operations {
		o := &h.Operations[i]
		log := logs[key[i]]
		upTo := func(t time.Duration) int {
			at, _ := slices.BinarySearchFunc(log, t, func(e effect, t time.Duration) int { return cmp.Compare(e.at, t+1) })
			return at
		}
		if o.Kind == history.Get {
			behind := time.Duration(r.ExpFloat64() * float64(o.Node[1]-'1') * float64(time.Millisecond))
			place[i] = upTo(o.Call + time.Duration(r.Int64N(int64(o.Return-o.Call)+1)) - behind)
			if place[i] > 0 {
				w := &h.Operations[log[place[i]-1].op]
				o.Value, o.Present = w.Value, w.Kind == history.Put
			}
			truth[i].versions = max(0, upTo(o.Call-1)-place[i])
			if truth[i].versions > 0 {
				truth[i].time = o.Call - log[place[i]].at
			}
		}
	}
	return h, truth, place
}

// Whatever is measured must be at most what was really so: the bounds are certain.
func TestStalenessNeverExceedsTheTruth(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	var measured, real sum
	for seed := range rounds {
		h, truth, place := replicated(1000, 1+seed%5, 6, uint64(seed))
		c, err := newCheck(h, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, numbers, _ := readNodes(h)
		for i := range truth {
			if ordinaryRead(&h.Operations[i]) {
				real.add(&truth[i])
			}
		}
		for _, k := range c.keys {
			for _, l := range measure(t.Context(), k, numbers, true) {
				o, is := &h.Operations[l.id], truth[l.id]
				if l.versions > is.versions || l.time > is.time || (l.versions > 0) != (l.time > 0) {
					t.Fatalf("seed %d: measured %+v, but it was %+v: %+v", seed, l, is, o)
				}
				back, missed := false, false
				for i := range h.Operations {
					p := &h.Operations[i]
					if p.Key != o.Key || p.Client != o.Client || p.Outcome != history.OK || p.Return >= o.Call {
						continue
					}
					back = back || p.Kind == history.Get && p.Node == o.Node && place[o.ID] < place[i]
					missed = missed || p.Kind.Writes() && place[o.ID] < place[i]
				}
				if l.backwards && !back || l.ownMissed && !missed {
					t.Fatalf("seed %d: measured %+v, went backwards: %v, missed its own write: %v: %+v", seed, l, back, missed, o)
				}
				measured.add(&l)
			}
		}
	}
	got, all := measured.conclude(""), real.conclude("")
	t.Logf("measured %+v\nreally   %+v", got, all)
	if got.Stale < all.Stale/2 || got.Time.P99 < all.Time.P99/4 || got.WentBackwards == 0 || got.MissedOwnWrite == 0 {
		t.Error("the bounds are too far from the truth")
	}
}

func BenchmarkMeasureStaleness(b *testing.B) {
	for _, keys := range []int{10_000, 1} {
		h, _, _ := replicated(1_000_000, keys, 20, 1)
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			for b.Loop() {
				s, err := MeasureStaleness(b.Context(), h)
				if err != nil || s.Overall.Reads == 0 {
					b.Fatal(s, err)
				}
			}
		})
	}
}
