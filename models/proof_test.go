package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseKinds reads a history in the notation of parse, for all kinds: "a>b" is
// what a cas expects and writes, "[a,b]" a list or a set, "-" no value, and ""
// the empty text.
func parseKinds(t testing.TB, model, text string) *history.History {
	t.Helper()
	h := &history.History{Header: history.Header{Model: model}}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("line %q", line)
		}
		kind, err := history.ParseKind(f[0])
		if err != nil {
			t.Fatal(err)
		}
		o := history.Operation{ID: int64(i), Client: i, Node: "n1", Key: f[1], Kind: kind, Outcome: history.OK}
		o.Present = kind.Reads() && f[2] != "-"
		switch value := f[2]; {
		case kind == history.Cas:
			o.Expected, o.Value, _ = strings.Cut(value, ">")
		case value == `""` || value == "-":
		case (kind.Reads() || kind == history.Put) && strings.HasPrefix(value, "["):
			o.Value = history.FormatElements(strings.FieldsFunc(strings.Trim(value, "[]"), func(r rune) bool { return r == ',' }))
		default:
			o.Value = value
		}
		var call, ret int
		if _, err := fmt.Sscan(f[3], &call); err != nil {
			t.Fatal(err)
		}
		o.Call = time.Duration(call) * time.Millisecond
		if f[4] == "-" {
			o.Outcome = history.Unknown
		} else if _, err := fmt.Sscan(f[4], &ret); err != nil {
			t.Fatal(err)
		}
		o.Return = time.Duration(ret) * time.Millisecond
		if len(f) > 5 {
			if o.Outcome, err = history.ParseOutcome(f[5]); err != nil {
				t.Fatal(err)
			}
		}
		h.Operations = append(h.Operations, o)
	}
	return h
}

type kindCase struct {
	name string
	h    string
	want Status
	rule Rule
}

// judgeKinds checks a table by every engine: rules and search must agree.
func judgeKinds(t *testing.T, model string, cases []kindCase) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			h := parseKinds(t, model, tc.h)
			for _, engine := range Engines() {
				v, err := Check(context.Background(), h, Options{Engine: engine})
				if err != nil {
					t.Fatalf("%s: %v", engine, err)
				}
				if v.Status != tc.want {
					t.Fatalf("%s: status %s, want %s: %+v", engine, v.Status, tc.want, v)
				}
				if tc.want != Invalid {
					continue
				}
				if got := v.Violations[0]; got.Rule != tc.rule || len(got.Operations) == 0 {
					t.Errorf("%s: violation %+v, want rule %q", engine, got, tc.rule)
				}
				if s := v.Violations[0].Sentence; !strings.HasSuffix(s, ".") || strings.Contains(s, "%!") {
					t.Errorf("%s: sentence %q", engine, s)
				}
				if engine == EngineAuto {
					t.Log(v.Violations[0].Sentence)
				}
			}
		})
	}
}

// spec is a sequential specification, as simple as can be: all states that an
// operation can lead to. The state is a text.
type spec func(state string, o *history.Operation) []string

// someOrder tries all orders that respect real time, with any of the unknown
// operations.
func (s spec) someOrder(h *history.History) bool {
	var ops []*history.Operation
	answered := 0
	for i := range h.Operations {
		o := &h.Operations[i]
		switch {
		case o.Outcome == history.OK:
			answered |= 1 << len(ops)
			ops = append(ops, o)
		case o.Outcome == history.Unknown && o.Kind.Writes():
			ops = append(ops, o)
		}
	}
	type visit struct {
		done  int
		state string
	}
	tried := make(map[visit]bool)
	var try func(done int, state string) bool
	try = func(done int, state string) bool {
		if done&answered == answered {
			return true
		}
		if tried[visit{done, state}] {
			return false
		}
		tried[visit{done, state}] = true
		for i, o := range ops {
			if done&(1<<i) != 0 {
				continue
			}
			overtakes := false
			for j, other := range ops {
				overtakes = overtakes || done&(1<<j) == 0 && other.Outcome == history.OK && other.Return < o.Call
			}
			if overtakes {
				continue
			}
			for _, next := range s(state, o) {
				if try(done|1<<i, next) {
					return true
				}
			}
		}
		return false
	}
	return try(0, "")
}

// A trial compares a model with all orders on random histories.
type trial struct {
	model   Model
	spec    spec
	random  func(r *rand.Rand) []history.Operation
	without reducer // for the soundness of what it drops; nil if the trial does not look at it
	rounds  int
	decides bool // the rules must decide every history
	rules   []Rule
}

func (tr *trial) run(t *testing.T) {
	rounds := tr.rounds
	if testing.Short() {
		rounds /= 10
	}
	counts, rules, decided := make(map[Status]int), make(map[Rule]int), 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		h := &history.History{Header: history.Header{Model: tr.model.Name}, Operations: tr.random(r)}
		legal := tr.spec.someOrder(h)
		show := func() string {
			var b strings.Builder
			for _, o := range h.Operations {
				fmt.Fprintf(&b, "%d: %s %s>%s present=%v [%d %d] %s\n", o.ID, o.Kind, o.Expected, o.Value, o.Present, o.Call, o.Return, o.Outcome)
			}
			return b.String()
		}
		k := keyOf(h)
		f, ruled := tr.model.local.rules(k)
		if ruled {
			decided++
		} else if tr.decides {
			t.Fatalf("seed %d: the rules do not decide\n%s", seed, show())
		}
		if ruled && legal != (f == nil) {
			t.Fatalf("seed %d: legal=%v, the rules say %+v\n%s", seed, legal, f, show())
		}
		if found, err := tr.model.local.search(context.Background(), k); err != nil || found != legal {
			t.Fatalf("seed %d: legal=%v, the search says %v, %v\n%s", seed, legal, found, err, show())
		}
		v, err := Check(context.Background(), h, Options{Engine: EngineBoth})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, show())
		}
		counts[v.Status]++
		if legal == (v.Status == Invalid) {
			t.Fatalf("seed %d: legal=%v, check says %+v\n%s", seed, legal, v, show())
		}
		if v.Status == Invalid {
			rules[v.Violations[0].Rule]++
			if proof := (&history.History{Operations: v.Violations[0].Operations}); tr.spec.someOrder(proof) {
				t.Fatalf("seed %d: the proof of %q is legal on its own\n%s%+v", seed, v.Violations[0].Sentence, show(), proof.Operations)
			}
		} else if tr.without != nil {
			drop := make(map[int64]bool)
			for i := range k.ops {
				drop[k.ops[i].ID] = r.IntN(2) == 0
			}
			rest := &history.History{}
			for _, o := range tr.without(pointers(k.ops), drop) {
				rest.Operations = append(rest.Operations, *o.Operation)
			}
			if !tr.spec.someOrder(rest) {
				t.Fatalf("seed %d: legal, but without %v it is not\n%s%+v", seed, drop, show(), rest.Operations)
			}
		}
	}
	t.Logf("%d decided by rules, %v, %v", decided, counts, rules)
	for _, s := range []Status{Valid, Invalid} {
		if counts[s] < rounds/20 {
			t.Errorf("only %d of %d histories were %s: the generator proves too little", counts[s], rounds, s)
		}
	}
	for _, rule := range tr.rules {
		if rules[rule] == 0 && !testing.Short() {
			t.Errorf("no history broke the rule %q", rule)
		}
	}
}

// randomTimes gives an operation an interval, and one in so many an unknown
// outcome, or a failure.
func randomTimes(r *rand.Rand, o *history.Operation, span, unknown int) {
	call := r.IntN(span)
	o.Client, o.Key, o.Outcome = int(o.ID), "x", history.OK
	o.Call, o.Return = time.Duration(call), time.Duration(call+r.IntN(1+span/2))
	switch r.IntN(unknown) {
	case 0:
		o.Outcome, o.Return = history.Unknown, 0
	case 1:
		if r.IntN(4) == 0 {
			o.Outcome = history.Failed
		}
	}
}

// simulated gives operations intervals around the moments 10, 20, 30, …, in
// their order, so that the answers of a correct object stay legal; then now and
// then it spoils one by moving it.
func simulated(r *rand.Rand, ops []history.Operation, unknown int) {
	wide := 1 + r.IntN(25)
	for i := range ops {
		o := &ops[i]
		moment := 10 * (i + 3)
		o.ID, o.Client, o.Key = int64(i), i, "x"
		o.Call, o.Return = time.Duration(moment-r.IntN(wide)), time.Duration(moment+r.IntN(wide))
		if o.Outcome != history.Failed {
			o.Outcome = history.OK
		}
		if r.IntN(unknown) == 0 {
			o.Outcome, o.Return = history.Unknown, 0
		}
	}
	if r.IntN(2) == 0 {
		o := &ops[r.IntN(len(ops))]
		by := time.Duration(r.IntN(60) - 30)
		o.Call += by
		if o.Outcome == history.OK {
			o.Return += by
		}
	}
}

func TestElementsAreParsedAsTheFormatSays(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string // nil is an error
	}{
		{`[]`, []string{}},
		{`["a"]`, []string{"a"}},
		{`["a","b"]`, []string{"a", "b"}},
		{`["","b",""]`, []string{"", "b", ""}},
		{`["a,b","[","]"]`, []string{"a,b", "[", "]"}},
		{` [ "a" , "b" ] `, []string{"a", "b"}},
		{`["a" ,"b"]`, []string{"a", "b"}},
		{`["a\"b","c\\"]`, []string{`a"b`, `c\`}},
		{`["\u003c"]`, []string{"<"}},
		{``, nil}, {`null`, nil}, {`[`, nil}, {`["]`, nil}, {`["a"`, nil}, {`["a""b"]`, nil},
		{`["a",]`, nil}, {`[1]`, nil}, {`a`, nil}, {`"a"`, nil}, {`["a"]["b"]`, nil}, {`["a"],["b"]`, nil},
	} {
		got, err := parseElements(tc.text, make([]string, 0, 1))
		if (err != nil) != (tc.want == nil) || err == nil && !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, %v, want %q", tc.text, got, err, tc.want)
		}
	}
}

func TestAViolationInALongHistoryIsShownByFewOperations(t *testing.T) {
	const n = 2000
	// staleRead lets a read answer what another one found long before.
	staleRead := func(ops []history.Operation) {
		var old string
		for i := range ops {
			o := &ops[i]
			if o.Kind != history.Get || !o.Present {
				continue
			}
			if old == "" && i > n/2 {
				old = o.Value
			}
			if i > n*3/4 {
				o.Value = old
				return
			}
		}
	}
	// neverThere lets a cas find a value that was not there for long.
	neverThere := func(ops []history.Operation) {
		for i := n * 3 / 4; i < n; i++ {
			for v := range 5 {
				value := fmt.Sprint("v", v)
				if o := &ops[i]; o.Kind == history.Cas && o.Outcome == history.OK && !slices.ContainsFunc(ops[i-12:i+12], func(o history.Operation) bool { return o.Value == value }) {
					o.Expected = value
					return
				}
			}
		}
		t.Fatal("the history has no such moment")
	}
	twoSwapped := func(ops []history.Operation) {
		var first *history.Operation
		for i := n * 3 / 4; ; i++ {
			o := &ops[i]
			if !o.Present {
				continue
			}
			if first == nil {
				first = o
			} else if o.Call > first.Return+2000 {
				first.Value, o.Value = o.Value, first.Value
				return
			}
		}
	}
	for _, tc := range []struct {
		name, model string
		ops         []history.Operation
		spoil       func([]history.Operation)
	}{
		{"cas, unique values", "cas-register", operatedCas(n, 0, 0), staleRead},
		{"cas, five values", "cas-register", operatedCas(n, 0, 5), neverThere},
		{"queue", "queue", operatedQueue(n, 0, 0), twoSwapped},
		{"set", "set", operatedSet(n, 0), staleRead},
		{"list", "append", operatedList(n, 0), staleRead},
		{"text", "append", operatedText(n, 0), staleRead},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &history.History{Header: history.Header{Model: tc.model}, Operations: tc.ops}
			if v, err := Check(t.Context(), h, Options{}); err != nil || v.Status != Valid {
				t.Fatalf("before: %s, %v", v.Status, err)
			}
			tc.spoil(tc.ops)
			v, err := Check(t.Context(), h, Options{})
			if err != nil || v.Status != Invalid {
				t.Fatalf("%+v, %v", v, err)
			}
			t.Logf("%d operations: %s", len(v.Violations[0].Operations), v.Violations[0].Sentence)
			if got := len(v.Violations[0].Operations); got > confirmed {
				t.Errorf("%d operations", got)
			}
		})
	}
}

// A cas that was open when a history became impossible is told as open: what it
// found may come from later operations.
func TestWhatWasOpenAtTheEndOfAProofIsToldAsOpen(t *testing.T) {
	v, err := Check(t.Context(), parseKinds(t, "cas-register", `
		put x a 0 10
		cas x a>b 12 14
		cas x d>e 15 70
		get x a 20 30
		put x d 40 50
		get x e 80 90`), Options{})
	if err != nil || v.Status != Invalid {
		t.Fatalf("%+v, %v", v, err)
	}
	for _, o := range v.Violations[0].Operations {
		if o.ID == 2 && o.Outcome != history.Unknown || o.ID == 4 {
			t.Errorf("operation %+v is part of the proof", o)
		}
	}
}

func TestTheExamplesOfTheDocumentationAreValid(t *testing.T) {
	text, err := os.ReadFile("../docs/models-foreign.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```json\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d examples, want one for each of 4 models", len(blocks))
	}
	for _, block := range blocks {
		example, _, _ := strings.Cut(block, "```")
		h, err := history.Decode(strings.NewReader(example))
		if err != nil {
			t.Fatalf("%v\n%s", err, example)
		}
		if v, err := Check(t.Context(), h, Options{Engine: EngineBoth}); err != nil || v.Status != Valid {
			t.Errorf("%s: %+v, %v", h.Model, v, err)
		}
	}
}
