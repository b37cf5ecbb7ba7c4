package models

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

// Each illegal history stands beside a legal twin that differs in one detail.
func TestCasRegister(t *testing.T) {
	judgeKinds(t, "cas-register", []kindCase{
		{"a cas that found what it expected writes its value", `
			put x a 0 10
			cas x a>b 20 30
			get x b 40 50`, Valid, ""},
		{"the value that a cas replaced is gone", `
			put x a 0 10
			cas x a>b 20 30
			get x a 40 50`, Invalid, RuleNotLinearizable},
		{"a cas that was answered with a failure changes nothing", `
			put x a 0 10
			cas x a>b 20 30 failed
			get x a 40 50`, Valid, ""},
		{"a cas that was answered with a failure must not be seen", `
			put x a 0 10
			cas x a>b 20 30 failed
			get x b 40 50`, Invalid, RuleFailedVisible},
		{"of two concurrent cas from one value, one succeeds", `
			put x a 0 10
			cas x a>b 20 60
			cas x a>c 20 60 failed
			get x b 70 80`, Valid, ""},
		{"of two concurrent cas from one value, both cannot succeed", `
			put x a 0 10
			cas x a>b 20 60
			cas x a>c 20 60
			get x b 70 80`, Invalid, RuleNotLinearizable},
		{"one cas may build on another", `
			put x a 0 10
			cas x b>c 20 60
			cas x a>b 20 60
			get x c 70 80`, Valid, ""},
		{"but not on one that was sent later", `
			put x a 0 10
			cas x b>c 20 30
			cas x a>b 40 60
			get x c 70 80`, Invalid, RuleNeverWritten},
		{"a cas without an answer may have taken effect", `
			put x a 0 10
			cas x a>b 20 -
			get x b 40 50`, Valid, ""},
		{"a cas without an answer may have done nothing", `
			put x a 0 10
			cas x a>b 20 -
			get x a 40 50
			cas x a>c 60 70
			get x c 80 90`, Valid, ""},
		{"a cas without an answer may have found another value", `
			put x a 0 10
			cas x c>b 20 -
			get x a 40 50`, Valid, ""},
		{"a cas without an answer cannot replace what was not there", `
			put x a 0 10
			put x c 12 15
			cas x a>b 20 -
			get x b 40 50`, Invalid, RuleNotLinearizable},
		{"a cas without an answer takes effect once", `
			put x a 0 10
			cas x a>b 20 -
			get x b 30 40
			put x a 50 60
			get x b 70 80`, Invalid, RuleNotLinearizable},
		{"an expected value that nobody wrote", `
			put x a 0 10
			cas x z>b 20 30
			get x b 40 50`, Invalid, RuleNeverWritten},
		{"a cas finds nothing in an empty register", `
			put x a 0 10
			delete x - 20 30
			cas x a>b 40 50
			get x b 60 70`, Invalid, RuleNotLinearizable},
		{"a delete before the cas does not explain why nothing is found", `
			put x a 0 10
			delete x - 20 35
			cas x a>b 40 50
			get x - 60 70`, Invalid, RuleNotLinearizable},
		{"a delete after the cas explains why nothing is found", `
			put x a 0 10
			delete x - 20 45
			cas x a>b 40 50
			get x - 60 70`, Valid, ""},
		{"values may repeat", `
			put x a 0 10
			cas x a>b 20 30
			cas x b>a 40 50
			cas x a>b 60 70
			get x b 80 90`, Valid, ""},
		{"values may repeat, but every cas needs its own", `
			put x a 0 10
			cas x a>b 20 30
			cas x b>a 40 50
			cas x b>a 60 70
			get x a 80 90`, Invalid, RuleNotLinearizable},
		{"a key without a cas is a register: stale", `
			put x a 0 10
			put x b 20 30
			get x a 40 50
			get x b 60 70`, Invalid, RuleStaleRead},
		{"a key without a cas is a register: fine", `
			put x a 0 10
			put x b 20 45
			get x a 40 50
			get x b 60 70`, Valid, ""},
	})
}

func registerSpec(state string, o *history.Operation) []string {
	switch o.Kind {
	case history.Put:
		return []string{"=" + o.Value}
	case history.Delete:
		return []string{""}
	case history.Cas:
		var next []string
		if state == "="+o.Expected {
			next = append(next, "="+o.Value)
		}
		if o.Outcome == history.Unknown {
			next = append(next, state)
		}
		return next
	}
	if !o.Present && state == "" || o.Present && state == "="+o.Value {
		return []string{state}
	}
	return nil
}

// randomCas draws up to seven operations, mostly with values that repeat, half
// of the time what a correct register would answer.
func randomCas(r *rand.Rand) []history.Operation {
	n := 2 + r.IntN(6)
	values := 2 + r.IntN(4)
	unknown := 4 + r.IntN(8)
	correct := r.IntN(2) == 0
	ops := make([]history.Operation, n)
	state := ""
	for i := range ops {
		o := &ops[i]
		o.ID = int64(i)
		kinds := []history.Kind{history.Put, history.Put, history.Cas, history.Cas, history.Cas, history.Get, history.Get, history.Delete}
		o.Kind = kinds[r.IntN(len(kinds))]
		if i == 0 {
			o.Kind = history.Put
		}
		if o.Kind != history.Delete {
			o.Value = fmt.Sprint("v", r.IntN(values))
		}
		if o.Kind == history.Cas {
			o.Expected = fmt.Sprint("v", r.IntN(values))
		}
		o.Present = o.Kind == history.Get && r.IntN(5) > 0
		if correct {
			switch {
			case o.Kind == history.Get && state == "":
				o.Present, o.Value = false, ""
			case o.Kind == history.Get:
				o.Present, o.Value = true, state[1:]
			case o.Kind == history.Cas && state != "" && r.IntN(4) > 0:
				o.Expected = state[1:]
			}
			if next := registerSpec(state, o); len(next) > 0 {
				state = next[0]
			} else {
				o.Outcome = history.Failed
			}
		} else {
			randomTimes(r, o, 4+r.IntN(12), unknown)
		}
		if o.Kind == history.Get && !o.Present {
			o.Value = ""
		}
	}
	if correct {
		simulated(r, ops, unknown)
	}
	return ops
}

func TestCasRegisterAgreesWithAllOrders(t *testing.T) {
	(&trial{
		model: casRegister(), spec: registerSpec, random: randomCas, without: withoutCas, rounds: 30_000,
		rules: []Rule{RuleNeverWritten, RuleFailedVisible, RuleNotLinearizable},
	}).run(t)
}

// An end of a legal history is legal, or it would accuse of what was cut off.
func TestTheEndsOfALegalCasHistoryAreLegal(t *testing.T) {
	ends, shorter := 0, 0
	for seed := range 40_000 {
		h := &history.History{Operations: randomCas(rand.New(rand.NewPCG(uint64(seed), 4)))}
		if !spec(registerSpec).someOrder(h) {
			continue
		}
		ops := sorted(pointers(keyOf(h).ops))
		for _, end := range casSuffixes(ops) {
			ends++
			if len(end) < len(ops) {
				shorter++
			}
			rest := &history.History{}
			for _, o := range end {
				rest.Operations = append(rest.Operations, *o.Operation)
			}
			if !spec(registerSpec).someOrder(rest) {
				t.Fatalf("seed %d: legal, but not its end\n%+v\n%+v", seed, h.Operations, rest.Operations)
			}
		}
	}
	if shorter < 1000 {
		t.Errorf("of %d ends only %d are shorter: this proves too little", ends, shorter)
	}
}
