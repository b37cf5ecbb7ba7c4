package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

// Each illegal history stands beside a legal twin that differs in one detail.
func TestAppend(t *testing.T) {
	judgeKinds(t, "append", []kindCase{
		{"a read finds everything in the order in which it was appended", `
			append x a 0 10
			append x b 20 30
			get x [a,b] 40 50`, Valid, ""},
		{"a read finds it in another order", `
			append x a 0 10
			append x b 20 30
			get x [b,a] 40 50`, Invalid, RuleWritesReordered},
		{"concurrent appends come in either order", `
			append x a 0 25
			append x b 20 30
			get x [b,a] 40 50`, Valid, ""},
		{"but all reads agree on it", `
			append x a 0 25
			append x b 20 30
			get x [b,a] 40 50
			get x [a,b] 40 50`, Invalid, RuleWritesReordered},
		{"an acknowledged element that no read finds is lost", `
			append x a 0 10
			append x b 20 30
			get x [a] 40 50`, Invalid, RuleLostWrite},
		{"an acknowledged element that only later reads find", `
			append x a 0 10
			append x b 20 30
			get x [a] 40 50
			get x [a,b] 60 70`, Invalid, RuleStaleRead},
		{"an element without the one before it", `
			append x a 0 10
			append x b 20 100
			get x [b] 5 50`, Invalid, RuleLostWrite},
		{"a read during the append may miss the element", `
			append x a 0 10
			append x b 20 40
			get x [a] 40 50
			get x [a,b] 60 70`, Valid, ""},
		{"an element that was appended once is there once", `
			append x a 0 10
			get x [a,a] 20 30`, Invalid, RuleDuplicate},
		{"an element that was appended twice may be there once in between", `
			append x a 0 10
			append x a 20 30
			get x [a] 15 25
			get x [a,a] 40 50`, Valid, ""},
		{"an element that was appended twice is there twice in the end", `
			append x a 0 10
			append x a 20 30
			get x [a] 15 25
			get x [a] 40 50`, Invalid, RuleNotLinearizable},
		{"an element that nobody appended", `
			append x a 0 10
			get x [a,z] 20 30`, Invalid, RuleNeverWritten},
		{"an element that is appended later", `
			append x b 0 10
			get x [b,a] 20 30
			append x a 40 50
			get x [b,a] 60 70`, Invalid, RuleNeverWritten},
		{"an element that is appended meanwhile", `
			append x b 0 10
			get x [b,a] 20 40
			append x a 40 50
			get x [b,a] 60 70`, Valid, ""},
		{"an append that was refused must not be seen", `
			append x a 0 10 failed
			get x [a] 20 30`, Invalid, RuleFailedVisible},
		{"an append without an answer may never take effect", `
			append x a 0 -
			append x b 0 10
			get x [b] 20 30`, Valid, ""},
		{"an append without an answer may take effect late", `
			append x a 0 -
			append x b 0 10
			get x [b] 20 30
			get x [b,a] 40 50`, Valid, ""},
		{"but at the end", `
			append x a 0 -
			append x b 0 10
			get x [b] 20 30
			get x [a,b] 40 50`, Invalid, RuleWritesReordered},
		{"an element that was read must stay", `
			append x a 0 -
			get x [a] 20 30
			get x - 40 50`, Invalid, RuleLostWrite},
		{"no value is the empty list", `
			get x - 0 10
			get x [] 5 10
			get x "" 5 10
			append x a 20 30
			get x [a] 40 50`, Valid, ""},
		{"a put replaces the list", `
			append x a 0 10
			put x [b] 20 30
			append x c 40 50
			get x [b,c] 60 70`, Valid, ""},
		{"what was there before a put is gone", `
			append x a 0 10
			put x [b] 20 30
			append x c 40 50
			get x [a,c] 60 70`, Invalid, RuleNotLinearizable},

		{"texts are joined", `
			append x xy 0 10
			append x z 20 30
			get x xyz 40 50`, Valid, ""},
		{"texts are joined in the wrong order", `
			append x xy 0 10
			append x z 20 30
			get x zxy 40 50`, Invalid, RuleNotLinearizable},
		{"a text that is missing", `
			append x xy 0 10
			append x z 20 30
			get x xy 40 50`, Invalid, RuleLostWrite},
		{"texts that do not go together", `
			append x a 0 100
			append x b 0 100
			get x ab 20 30
			get x ba 20 30`, Invalid, RuleWritesReordered},
		{"a text that was there already", `
			append x ab 0 100
			get x ab 20 30
			get x - 40 50
			get x ab 60 70`, Invalid, RuleStaleRead},
		{"a text without an answer may be missing", `
			append x xy 0 10
			append x z 20 -
			get x xy 40 50`, Valid, ""},
		{"a put replaces the text", `
			append x xy 0 10
			put x p 20 30
			append x z 40 50
			get x pz 60 70`, Valid, ""},
		{"a put that comes too late replaces nothing", `
			append x xy 0 10
			put x p 20 30
			append x z 40 50
			get x xyz 60 70`, Invalid, RuleNotLinearizable},
		{"a missing key may read as the empty text", `
			get x "" 0 10
			get x - 0 10
			append x xy 20 30
			get x xy 40 50`, Valid, ""},
		{"and must not after something was appended", `
			append x xy 20 30
			get x "" 40 50
			get x xy 40 50`, Invalid, RuleLostWrite},
		{"an empty text changes nothing", `
			append x "" 0 10
			get x "" 20 30
			get x - 20 30`, Valid, ""},
		{"an empty element does", `
			append x "" 0 10
			append x a 0 10
			get x [a] 20 30`, Invalid, RuleLostWrite},
		{"an empty element that is lost", `
			append x "" 10 20
			get x - 30 40
			get x [] 0 5`, Invalid, RuleLostWrite},
		{"a put of an empty text without an answer may be why nothing is found", `
			put x p 0 10
			put x "" 20 -
			get x - 30 40`, Valid, ""},
		{"and may have taken effect late, although an empty text was read before", `
			get x "" 0 5
			put x "" 20 -
			put x p 22 25
			get x p 26 28
			get x - 30 40`, Valid, ""},
		{"without it, what was put is lost", `
			get x "" 0 5
			put x p 22 25
			get x p 26 28
			get x - 30 40`, Invalid, RuleNotLinearizable},
		{"an answered put cannot", `
			put x "" 0 10
			put x p 20 30
			get x - 40 50`, Invalid, RuleNotLinearizable},
		{"a key without appends is a register: stale", `
			put x p 0 10
			put x q 20 30
			get x p 40 50
			get x q 60 70`, Invalid, RuleStaleRead},
		{"a key without appends is a register: fine", `
			put x p 0 10
			put x q 20 40
			get x p 40 50
			get x q 60 70`, Valid, ""},
		{"reads of nothing prove nothing", `
			append x a 0 -
			get x [] 0 10`, Unknown, ""},
	})
}

// listSpec is a list as a JSON array; textSpec is a text.
func listSpec(state string, o *history.Operation) []string {
	list := func(text string) []string {
		found, err := history.ParseElements(text)
		if text != "" && err != nil {
			panic(err)
		}
		return found
	}
	switch o.Kind {
	case history.Put:
		return []string{o.Value}
	case history.Append:
		return []string{history.FormatElements(append(list(state), o.Value))}
	}
	if slices.Equal(list(state), list(o.Value)) {
		return []string{state}
	}
	return nil
}

func textSpec(state string, o *history.Operation) []string {
	switch {
	case o.Kind == history.Put:
		return []string{o.Value}
	case o.Kind == history.Append:
		return []string{state + o.Value}
	case o.Value == state:
		return []string{state}
	}
	return nil
}

// drawn says what randomAppends draws.
type drawn struct {
	spec     spec
	put      func(r *rand.Rand) string // nil for none
	appended func(r *rand.Rand, i int) string
}

// randomAppends draws up to eight operations with what a correct list or text
// would answer, most of the time spoiled a little.
func randomAppends(r *rand.Rand, d drawn) []history.Operation {
	ops := make([]history.Operation, 2+r.IntN(7))
	unknown := 4 + r.IntN(8)
	state, states := "", []string{""}
	for i := range ops {
		o := &ops[i]
		o.ID = int64(i)
		// The first is always an append: what the evidence on a key without one
		// has dropped can only be guessed, see textAs.
		switch n := r.IntN(10); {
		case d.put != nil && n == 0 && i > 0:
			o.Kind, o.Value = history.Put, d.put(r)
		case i == 0 || n < 6:
			o.Kind, o.Value = history.Append, d.appended(r, i)
			if r.IntN(20) == 0 {
				o.Outcome = history.Failed
				if r.IntN(2) == 0 {
					continue
				}
			}
		default:
			o.Kind, o.Value, o.Present = history.Get, state, state != "" || r.IntN(2) == 0
			if r.IntN(20) == 0 {
				o.Value = states[r.IntN(len(states))]
			}
			if o.Value != "" {
				o.Present = true
			}
			continue
		}
		state = d.spec(state, o)[0]
		states = append(states, state)
	}
	simulated(r, ops, unknown)
	if n := len(ops); r.IntN(2) == 0 { // two change places
		i, j := r.IntN(n), r.IntN(n)
		ops[i].Call, ops[j].Call = ops[j].Call, ops[i].Call
		ops[i].Return, ops[j].Return = ops[j].Return, ops[i].Return
		ops[i].Outcome, ops[j].Outcome = ops[j].Outcome, ops[i].Outcome
	}
	return ops
}

func uniqueElement(_ *rand.Rand, i int) string { return fmt.Sprint("e", i) }

func TestAppendAgreesWithAllOrders(t *testing.T) {
	lists := []Rule{RuleNeverWritten, RuleFailedVisible, RuleLostWrite, RuleStaleRead, RuleWritesReordered}
	for _, tc := range []struct {
		name    string
		d       drawn
		decides bool
		rules   []Rule
	}{
		{"unique elements", drawn{listSpec, nil, uniqueElement}, true, lists},
		{"repeated elements", drawn{listSpec, nil, func(r *rand.Rand, _ int) string { return fmt.Sprint("e", r.IntN(3)) }}, false, []Rule{RuleNotLinearizable}},
		{"lists and puts", drawn{listSpec, func(r *rand.Rand) string { return []string{"[]", `["e1"]`, `["p"]`}[r.IntN(3)] }, uniqueElement}, false, []Rule{RuleNotLinearizable}},
		{"texts", drawn{textSpec, nil, func(r *rand.Rand, _ int) string { return []string{"ab", "a", "b", "ba"}[r.IntN(4)] }}, false, []Rule{RuleNotLinearizable}},
		{"texts, empty ones too, and puts", drawn{textSpec, func(r *rand.Rand) string { return []string{"", "a", "b"}[r.IntN(3)] },
			func(r *rand.Rand, _ int) string { return []string{"ab", "a", "b", ""}[r.IntN(4)] }}, false, []Rule{RuleNotLinearizable}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			(&trial{
				model: appendList(), spec: tc.d.spec, rounds: 10_000, decides: tc.decides, rules: tc.rules,
				random: func(r *rand.Rand) []history.Operation { return randomAppends(r, tc.d) },
				without: func(ops []*op, drop map[int64]bool) []*op {
					return withoutAppends(keyOfOps(ops), !strings.HasPrefix(tc.name, "texts"))(ops, drop)
				},
			}).run(t)
		})
	}
}

func keyOfOps(ops []*op) *keyHistory { return evidence("x", originals(ops)) }

func TestTheSameListWrittenInTwoWaysIsTheSame(t *testing.T) {
	h := parseKinds(t, "append", `
		append x a 0 10
		append x b 20 30
		get x [a] 12 15
		get x [a,b] 40 50
		get x [a,b] 60 70`)
	h.Operations[2].Value, h.Operations[3].Value = ` [ "a"]`, `[ "\u0061" , "b" ] `
	for _, engine := range Engines() {
		v, err := Check(t.Context(), h, Options{Engine: engine})
		if err != nil || v.Status != Valid {
			t.Errorf("%s: %+v, %v", engine, v, err)
		}
	}
}

func TestTextsThatShareABeginningAreTheSameAsOthers(t *testing.T) {
	grow := func(parts ...string) *text {
		var x *text
		for _, p := range parts {
			hash, power := hashOf(p)
			x = &text{x, p, x.size() + len(p), x.sum()*power + hash}
		}
		return x
	}
	start := grow("ab", "c")
	for _, tc := range []struct {
		a, b *text
		want bool
	}{
		{grow("ab", "c"), grow("a", "bc"), true},
		{grow("ab", "c"), grow("ab", "d"), false},
		{&text{start, "d", 4, 0}, &text{start, "d", 4, 0}, true},
		{&text{start, "d", 4, 0}, &text{start, "e", 4, 0}, false}, // equal hashes by chance
		{nil, nil, true},
		{nil, start, false},
	} {
		if got := tc.a.equal(tc.b); got != tc.want {
			t.Errorf("%s and %s: equal %v", tc.a, tc.b, got)
		}
		if got := tc.a.is(tc.b.String()); got != tc.want {
			t.Errorf("%s and %s: is %v", tc.a, tc.b, got)
		}
	}
}
