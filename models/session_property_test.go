package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// randomSessions draws a small history of a few clients on one or two keys, with
// unique values; reads return anything that was written to the key, or nothing.
func randomSessions(r *rand.Rand, most int) *history.History {
	h := &history.History{}
	n, clients, keys := 3+r.IntN(most-2), 1+r.IntN(3), 1+r.IntN(2)
	deletes := r.IntN(3)
	overlaps := r.IntN(4) == 0
	now := make([]int, clients)
	for i := range n {
		c := r.IntN(clients)
		o := history.Operation{ID: int64(i), Client: c, Key: string(rune('x' + r.IntN(keys))), Outcome: history.OK}
		switch d := r.IntN(14); {
		case d < 5:
			o.Kind, o.Value = history.Put, fmt.Sprintf("v%d", i)
		case d < 5+deletes:
			o.Kind = history.Delete
		}
		call := now[c] + r.IntN(3)
		ret := call + r.IntN(3)
		now[c] = ret + 1
		if overlaps {
			now[c] = call + r.IntN(3)
		}
		o.Call, o.Return = time.Duration(call), time.Duration(ret)
		if r.IntN(8) == 0 {
			o.Outcome, o.Return = history.Unknown, 0
		}
		h.Operations = append(h.Operations, o)
	}
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Kind != history.Get {
			continue
		}
		var values []string
		for j := range h.Operations {
			if w := &h.Operations[j]; w.Kind == history.Put && w.Key == o.Key {
				values = append(values, w.Value)
			}
		}
		if j := r.IntN(len(values) + 1); j < len(values) {
			o.Value, o.Present = values[j], true
		}
	}
	return h
}

// plain is a history for methods that try everything. It shares nothing with sessions.
type plain struct {
	ops []*history.Operation
	so  [][]bool
}

func newPlain(h *history.History) *plain {
	p := &plain{}
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind != history.Get || o.Outcome == history.OK {
			p.ops = append(p.ops, o)
		}
	}
	p.so = p.relation(func(i, j int) bool {
		a, b := p.ops[i], p.ops[j]
		return a.Client == b.Client && a.Outcome == history.OK && a.Return < b.Call
	})
	return p
}

func (p *plain) relation(holds func(i, j int) bool) [][]bool {
	out := make([][]bool, len(p.ops))
	for i := range out {
		out[i] = make([]bool, len(p.ops))
		for j := range out[i] {
			out[i][j] = i != j && holds(i, j)
		}
	}
	return out
}

func closed(r [][]bool) [][]bool {
	for k := range r {
		for i := range r {
			for j := range r {
				r[i][j] = r[i][j] || r[i][k] && r[k][j]
			}
		}
	}
	return r
}

// returns reports whether read r may return what it did if w, or -1 for no write
// at all, is the last write that it sees.
func (p *plain) returns(r, w int) bool {
	read := p.ops[r]
	if w < 0 {
		return !read.Present
	}
	o := p.ops[w]
	if o.Call > read.Return || o.Key != read.Key {
		return false
	}
	return read.Present == (o.Kind == history.Put) && (!read.Present || read.Value == o.Value)
}

// anyOrder calls legal with orders of the operations i for which in(i), as
// positions, until it likes one.
func (p *plain) anyOrder(in func(i int) bool, legal func(at []int) bool) bool {
	at := make([]int, len(p.ops))
	var members []int
	for i := range at {
		at[i] = -1
		if in(i) {
			members = append(members, i)
		}
	}
	var place func(k int) bool
	place = func(k int) bool {
		if k == len(members) {
			return legal(at)
		}
		for _, i := range members {
			if at[i] < 0 {
				at[i] = k
				if place(k + 1) {
					return true
				}
				at[i] = -1
			}
		}
		return false
	}
	return place(0)
}

func extends(at []int, r [][]bool) bool {
	for i := range r {
		for j := range r[i] {
			if r[i][j] && at[i] >= 0 && at[j] >= 0 && at[i] > at[j] {
				return false
			}
		}
	}
	return true
}

// lastSeen returns the last write on the key of r among those that it sees, or -1.
func (p *plain) lastSeen(r int, at []int, sees func(w int) bool) int {
	last := -1
	for w, o := range p.ops {
		if o.Kind != history.Get && o.Key == p.ops[r].Key && sees(w) && (last < 0 || at[w] > at[last]) {
			last = w
		}
	}
	return last
}

func (p *plain) reads() []int {
	var out []int
	for i, o := range p.ops {
		if o.Kind == history.Get {
			out = append(out, i)
		}
	}
	return out
}

// anyExplanation calls legal with what each read may have read from.
func (p *plain) anyExplanation(legal func(from []int) bool) bool {
	from := make([]int, len(p.ops))
	reads := p.reads()
	var choose func(k int) bool
	choose = func(k int) bool {
		if k == len(reads) {
			return legal(from)
		}
		for w := -1; w < len(p.ops); w++ {
			if w >= 0 && p.ops[w].Kind == history.Get || !p.returns(reads[k], w) {
				continue
			}
			from[reads[k]] = w
			if choose(k + 1) {
				return true
			}
		}
		return false
	}
	return choose(0)
}

func everything(int) bool { return true }

// sequential tries all orders of all operations.
func (p *plain) sequential() bool {
	return p.anyOrder(everything, func(at []int) bool {
		if !extends(at, p.so) {
			return false
		}
		for _, r := range p.reads() {
			w := p.lastSeen(r, at, func(w int) bool { return at[w] < at[r] })
			if p.returns(r, w) {
				continue
			}
			// Before the first put there is nothing, whatever was deleted.
			put := p.lastSeen(r, at, func(w int) bool { return at[w] < at[r] && p.ops[w].Kind == history.Put })
			if p.ops[r].Present || put >= 0 {
				return false
			}
		}
		return true
	})
}

// causalBy reports whether reads return the last write of their past in some
// order of all operations that extends the causal order.
func (p *plain) causalBy(causal [][]bool, at []int) bool {
	if !extends(at, causal) {
		return false
	}
	for _, r := range p.reads() {
		if !p.returns(r, p.lastSeen(r, at, func(w int) bool { return causal[w][r] })) {
			return false
		}
	}
	return true
}

// causal tries all explanations and all orders; the causal order is what follows
// from session order and reading.
func (p *plain) causal() bool {
	return p.anyExplanation(func(from []int) bool {
		causal := closed(p.relation(func(i, j int) bool { return p.so[i][j] || p.ops[j].Kind == history.Get && from[j] == i }))
		return p.anyOrder(everything, func(at []int) bool { return p.causalBy(causal, at) })
	})
}

// causalAsDefined tries all causal orders and all total ones, as the definition
// of causal convergence says. Nothing is caused by what was called later than it returned.
func (p *plain) causalAsDefined() bool {
	n := len(p.ops)
	return p.anyOrder(everything, func(at []int) bool {
		if !extends(at, p.so) {
			return false
		}
		for set := range 1 << (n * (n - 1) / 2) {
			bit, possible := 0, true
			causal := p.relation(func(i, j int) bool { return false })
			for i := range n {
				for j := range i {
					a, b := i, j
					if at[a] > at[b] {
						a, b = b, a
					}
					causal[a][b] = set&(1<<bit) != 0
					late := p.ops[b].Outcome == history.OK && p.ops[a].Call > p.ops[b].Return
					possible = possible && (causal[a][b] || !p.so[a][b]) && !(causal[a][b] && late)
					bit++
				}
			}
			if !possible {
				continue
			}
			transitive := closed(p.relation(func(i, j int) bool { return causal[i][j] }))
			same := true
			for i := range n {
				for j := range n {
					same = same && transitive[i][j] == causal[i][j]
				}
			}
			if same && p.causalBy(causal, at) {
				return true
			}
		}
		return false
	})
}

// arbitrated tries all orders of the writes and all choices of what each read sees.
func (p *plain) arbitrated(monotonic, own bool) bool {
	reads := p.reads()
	writes := func(i int) bool { return p.ops[i].Kind != history.Get }
	return p.anyOrder(writes, func(at []int) bool {
		if own && !extends(at, p.so) {
			return false
		}
		sees := make([]int, len(p.ops)) // sets of writes
		var choose func(k int) bool
		choose = func(k int) bool {
			if k == len(reads) {
				return true
			}
			r := reads[k]
			for set := range 1 << len(p.ops) {
				possible := true
				for i, o := range p.ops {
					if set&(1<<i) != 0 {
						possible = possible && writes(i) && o.Key == p.ops[r].Key && o.Call <= p.ops[r].Return
					} else if own && writes(i) && o.Key == p.ops[r].Key {
						possible = possible && !p.so[i][r]
					}
				}
				for _, q := range reads[:k] {
					if monotonic && p.ops[q].Key == p.ops[r].Key {
						possible = possible && !(p.so[q][r] && sees[q]&^set != 0) && !(p.so[r][q] && set&^sees[q] != 0)
					}
				}
				if possible && p.returns(r, p.lastSeen(r, at, func(w int) bool { return set&(1<<w) != 0 })) {
					sees[r] = set
					if choose(k + 1) {
						return true
					}
				}
			}
			return false
		}
		return choose(0)
	})
}

// observed tries all explanations, and looks for the bad pattern of the two
// guarantees about writes: w2 was read, and after it what w1 had replaced.
func (p *plain) observed(follows bool) bool {
	isWrite := func(i int) bool { return p.ops[i].Kind != history.Get }
	return p.anyExplanation(func(from []int) bool {
		order := p.relation(func(i, j int) bool {
			if !isWrite(i) || !isWrite(j) {
				return false
			}
			if !follows {
				return p.so[i][j]
			}
			for _, r := range p.reads() {
				if from[r] == i && p.so[r][j] {
					return true
				}
			}
			return false
		})
		order = closed(order)
		for _, r0 := range p.reads() {
			for _, r2 := range p.reads() {
				w0, w2 := from[r0], from[r2]
				if !p.so[r2][r0] || w2 < 0 {
					continue
				}
				for w1 := range p.ops {
					if !isWrite(w1) || p.ops[w1].Key != p.ops[r0].Key || w1 != w2 && !order[w1][w2] {
						continue
					}
					if w0 < 0 && p.ops[w1].Kind == history.Put || w0 >= 0 && order[w0][w1] {
						return false
					}
				}
			}
		}
		return true
	})
}

func (p *plain) legal(model string) bool {
	switch model {
	case "sequential":
		return p.sequential()
	case "causal":
		return p.causal()
	case "monotonic-reads":
		return p.arbitrated(true, false)
	case "read-your-writes":
		return p.arbitrated(false, true)
	case "monotonic-writes":
		return p.observed(false)
	}
	return p.observed(true)
}

// What the rules say must be what trying everything says, each proof must be
// illegal on its own, and a model that is implied must hold.
func TestSessionRulesAgreeWithTryingEverything(t *testing.T) {
	rounds := 30_000
	if testing.Short() {
		rounds = 3_000
	}
	type tally struct{ legal, illegal, undecided int }
	counts := make(map[string]*tally)
	for seed := range rounds {
		h := randomSessions(rand.New(rand.NewPCG(uint64(seed), 3)), 6)
		c, err := newCheck(h, Options{})
		if err != nil {
			t.Fatal(err)
		}
		future := false
		for _, k := range c.keys {
			future = future || valueRules(k) != nil
		}
		if future {
			continue
		}
		all := newPlain(h)
		valid := make(map[string]bool)
		if plainlyByKey(h) {
			valid["linearizable"] = true
		}
		for name, rule := range sessionModels() {
			if counts[name] == nil {
				counts[name] = &tally{}
			}
			n := counts[name]
			legal := all.legal(name)
			model, err := Find(name)
			if err != nil {
				t.Fatal(err)
			}
			findings, err := model.whole(context.Background(), c.keys)
			raw, rawErr := rule(context.Background(), newSessions(c.keys))
			if name == "sequential" {
				checkSearch(t, newSessions(c.keys), legal)
			}
			switch {
			case err != nil && reason(context.Background(), err) == "" || rawErr != nil:
				t.Fatalf("seed %d, %s: %v, %v\n%s", seed, name, err, rawErr, show(h))
			case legal && (len(findings) > 0 || len(raw) > 0):
				t.Fatalf("seed %d: %s holds, but: %s\n%s", seed, name, append(findings, raw...)[0].sentence, show(h))
			case !legal && len(findings) == 0 && err == nil:
				t.Fatalf("seed %d: %s does not hold, and is not refuted\n%s", seed, name, show(h))
			case err != nil:
				n.undecided++
			case legal:
				n.legal++
				valid[name] = true
			default:
				n.illegal++
			}
			for _, f := range findings {
				proof := &history.History{}
				for _, o := range f.ops {
					proof.Operations = append(proof.Operations, *o.Operation)
				}
				if newPlain(proof).legal(name) {
					t.Fatalf("seed %d, %s: the proof is legal on its own: %s\n%s\n%s", seed, name, f.sentence, show(proof), show(h))
				}
			}
		}
		for _, implied := range [][2]string{
			{"linearizable", "sequential"}, {"sequential", "causal"}, {"causal", "monotonic-reads"}, {"causal", "read-your-writes"},
			{"causal", "monotonic-writes"}, {"causal", "writes-follow-reads"},
		} {
			if valid[implied[0]] && !all.legal(implied[1]) {
				t.Fatalf("seed %d: %s holds, but not %s\n%s", seed, implied[0], implied[1], show(h))
			}
		}
	}
	for name, n := range counts {
		t.Logf("%s: %+v", name, *n)
		if n.illegal < rounds/50 || n.legal < rounds/10 || n.undecided > rounds/50 {
			t.Errorf("%s: %+v of %d histories prove too little", name, *n, rounds)
		}
	}
}

// checkSearch asks the search alone.
func checkSearch(t *testing.T, s *sessions, legal bool) {
	t.Helper()
	order, err := newOrderSearch(s, s.graph(allOfSession()).arcs).run(context.Background(), sequentialSteps)
	if err != nil || (order != nil) != legal && len(s.events) > 0 {
		t.Fatalf("the search finds %v, %v, but legal is %v", order, err, legal)
	}
	if order != nil {
		checkOrder(t, s, order)
	}
}

// checkOrder replays an order.
func checkOrder(t *testing.T, s *sessions, order []int32) {
	t.Helper()
	at := make([]int, len(s.events))
	current := make(map[int32]string)
	for i, n := range order {
		at[n] = i
		switch e := &s.events[n]; {
		case e.isWrite():
			current[e.key] = e.Value
		case e.Value != current[e.key]:
			t.Fatalf("client %d read %q where %q is the latest write", e.Client, e.Value, current[e.key])
		}
	}
	for a := range s.events {
		for b := range s.events {
			if s.precedes(int32(a), int32(b)) && at[a] > at[b] {
				t.Fatalf("client %d: %d before %d", s.events[a].Client, b, a)
			}
		}
	}
}

// plainlyByKey asks porcupine of each key.
func plainlyByKey(h *history.History) bool {
	keys := make(map[string]*history.History)
	for _, o := range h.Operations {
		if keys[o.Key] == nil {
			keys[o.Key] = &history.History{}
		}
		keys[o.Key].Operations = append(keys[o.Key].Operations, o)
	}
	for _, k := range keys {
		if !plainly(k) {
			return false
		}
	}
	return true
}

func TestTheCausalOrderIsWhatFollowsFromSessionsAndReading(t *testing.T) {
	counts := make(map[bool]int)
	rounds := 3_000
	if testing.Short() {
		rounds = 300
	}
	for seed := range rounds {
		h := randomSessions(rand.New(rand.NewPCG(uint64(seed), 4)), 4)
		p := newPlain(h)
		if len(p.ops) > 4 {
			continue
		}
		legal := p.causalAsDefined()
		counts[legal]++
		if p.causal() != legal {
			t.Fatalf("seed %d: by definition %v\n%s", seed, legal, show(h))
		}
	}
	if counts[true] < rounds/5 || counts[false] < rounds/10 {
		t.Errorf("%v histories prove too little", counts)
	}
}

func show(h *history.History) string {
	text := ""
	for _, o := range h.Operations {
		value := o.Value
		if value == "" {
			value = "-"
		}
		text += fmt.Sprintf("c%d: %s %s %s @%d-%d %s\n", o.Client, o.Kind, o.Key, value, o.Call, o.Return, o.Outcome)
	}
	return text
}
