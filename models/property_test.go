package models

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// randomHistory draws a small history on one key with unique values, whose
// reads return anything that was ever written, or nothing.
func randomHistory(r *rand.Rand) *history.History {
	h := &history.History{Header: history.Header{Model: "linearizable"}}
	n := 2 + r.IntN(7)
	span := 4 + r.IntN(12)
	// One history in four is rich in deletes and absent reads: only the search can decide those.
	deletes, absences := 2, 0
	if r.IntN(4) == 0 {
		deletes, absences = 1, 3
	}
	kinds := make([]history.Kind, n)
	var values []string
	for i := range kinds {
		switch d := r.IntN(10); {
		case d < 4:
			kinds[i] = history.Put
			values = append(values, fmt.Sprintf("v%d", i))
		case d < 4+deletes:
			kinds[i] = history.Delete
		}
	}
	for i, kind := range kinds {
		call := r.IntN(span)
		op := history.Operation{ID: int64(i), Client: i, Key: "x", Kind: kind, Outcome: history.OK, Call: time.Duration(call), Return: time.Duration(call + r.IntN(1+span/2))}
		switch kind {
		case history.Put:
			op.Value = fmt.Sprintf("v%d", i)
		case history.Delete:
			if absences > 0 { // a long delete is one that several absent reads compete for
				op.Call, op.Return = 0, time.Duration(2*span)
			}
		case history.Get:
			if j := r.IntN(len(values) + 1 + absences); j < len(values) {
				op.Value, op.Present = values[j], true
			}
		}
		if r.IntN(6) == 0 {
			op.Outcome, op.Return = history.Unknown, 0
		}
		h.Operations = append(h.Operations, op)
	}
	return h
}

// plainly asks porcupine without any pruning: unknown writes stay open for ever.
func plainly(h *history.History) bool {
	numbers := make(map[string]int32)
	var ops []*op
	for i := range h.Operations {
		o := &h.Operations[i]
		e := newOp(o, o.Return, absent)
		if o.Outcome == history.Unknown {
			if o.Kind == history.Get {
				continue
			}
			e.ret = forever
		}
		if o.Kind == history.Put || o.Present {
			if numbers[o.Value] == 0 {
				numbers[o.Value] = int32(len(numbers) + 1)
			}
			e.value = numbers[o.Value]
		}
		ops = append(ops, &e)
	}
	return porcupine.CheckOperations(registerModel(context.Background()), registerOperations(ops))
}

// Rules, pruning and search together must say what a plain search says, and
// every proof must be illegal on its own.
func TestCheckAgreesWithPlainPorcupineOnRandomHistories(t *testing.T) {
	rounds := 200_000
	if testing.Short() {
		rounds = 20_000
	}
	counts := make(map[Status]int)
	rules := make(map[Rule]int)
	for seed := range rounds {
		h := randomHistory(rand.New(rand.NewPCG(uint64(seed), 1)))
		v, err := Check(context.Background(), h, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v\n%+v", seed, err, h.Operations)
		}
		counts[v.Status]++
		legal := plainly(h)
		if v.Status == Invalid && legal || v.Status == Valid && !legal || v.Status == Unknown && !legal {
			t.Fatalf("seed %d: check says %s, porcupine says legal=%v\n%+v\n%+v", seed, v.Status, legal, h.Operations, v.Violations)
		}
		if v.Status == Invalid {
			rules[v.Violations[0].Rule]++
			proof := &history.History{Header: h.Header, Operations: v.Violations[0].Operations}
			if plainly(proof) {
				t.Fatalf("seed %d: the proof of a %s is legal on its own\n%+v\n%+v", seed, v.Violations[0].Rule, h.Operations, v.Violations[0].Operations)
			}
		}
	}
	for _, s := range []Status{Valid, Invalid} {
		if counts[s] < rounds/20 {
			t.Errorf("only %d of %d histories were %s: the generator proves too little", counts[s], rounds, s)
		}
	}
	for _, r := range []Rule{RuleNeverWritten, RuleLostWrite, RuleStaleRead, RuleDeletedCameBack} {
		t.Logf("%s: %d", r, rules[r])
		if rules[r] == 0 {
			t.Errorf("no history broke the rule %q", r)
		}
	}
}

// Values that are written twice leave everything to the search; the pruning
// must not rely on them being unique then.
func TestCheckAgreesWithPlainPorcupineWhenValuesRepeat(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 5_000
	}
	counts := make(map[Status]int)
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		h := randomHistory(r)
		for i := range h.Operations {
			if o := &h.Operations[i]; o.Value != "" {
				o.Value = fmt.Sprint("w", len(o.Value)%2+int(o.Value[1]-'0')%2) // three values at most
			}
		}
		v, err := Check(context.Background(), h, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		counts[v.Status]++
		if legal := plainly(h); legal == (v.Status == Invalid) {
			t.Fatalf("seed %d: check says %s, porcupine says legal=%v\n%+v\n%+v", seed, v.Status, legal, h.Operations, v.Violations)
		}
	}
	for _, s := range []Status{Valid, Invalid} {
		if counts[s] < rounds/20 {
			t.Errorf("only %d of %d histories were %s", counts[s], rounds, s)
		}
	}
}
