package models

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// casRegister judges each key as a register that also knows compare-and-set
// (Herlihy, Wait-Free Synchronization, TOPLAS 1991).
func casRegister() Model {
	return Model{
		Name:  "cas-register",
		Title: "linearizable with compare-and-set: one that is acknowledged found the value that it expected",
		Kinds: append(registerKinds(), history.Cas),
		local: &local{
			rules:  casRules,
			search: searchCas,
			explain: func(ctx context.Context, k *keyHistory) *finding {
				return explainBySearch(ctx, k, searchCas, casSuffixes, withoutCas, sentenceCas)
			},
			shrinks: true, // proofs by the rules of a register; the others are minimal
		},
	}
}

// casRules decides keys without a cas as those of a register. On others it
// finds values that no write can explain.
func casRules(k *keyHistory) (*finding, bool) {
	origin := writesOf(k, history.Put, history.Cas)
	var worst *finding
	cas := false
	for i := range k.ops {
		o := &k.ops[i]
		cas = cas || o.Kind == history.Cas
		switch {
		case o.isRead() && o.Defect != "":
			worst = worse(worst, &finding{rule: RuleTornValue, ops: []*op{o}, sentence: sentenceDefect(o), minimal: true})
		case o.isRead():
			worst = worse(worst, origin.unexplained(o, o.Value))
		case o.Kind == history.Cas && o.Outcome == history.OK:
			worst = worse(worst, origin.unexplained(o, o.Expected))
		}
	}
	if !cas && (worst == nil || worst.rule == RuleNeverWritten) {
		return linearizable().local.rules(k) // it knows more about values that are cut off
	}
	return worst, worst != nil
}

// casInput is an operation by the numbers of its values.
type casInput struct {
	kind            history.Kind
	expected, value int32
	unknown         bool
}

// unmatched is the number of an expected value that was never written: no
// register ever holds it.
const unmatched = -1

func expected(k *keyHistory, o *op) int32 {
	if n, ok := k.numbers.find(o.Expected); ok {
		return n
	}
	return unmatched
}

// casModel is a register with delete and cas. An unknown cas that finds another
// value than it expected does nothing; an acknowledged one must not.
func casModel(ctx context.Context) porcupine.Model {
	register := registerModel(ctx)
	step := register.Step
	register.Step = func(state, input, _ any) (bool, any) {
		in := input.(casInput)
		if in.kind != history.Cas {
			return step(state, registerInput{in.kind, in.value}, nil)
		}
		if ctx.Err() != nil {
			return false, state
		}
		if state.(int32) == in.expected {
			return true, in.value
		}
		return in.unknown, state
	}
	return register
}

func searchCas(ctx context.Context, k *keyHistory) (bool, error) {
	for i := range k.ops {
		if o := &k.ops[i]; o.isRead() && o.Defect != "" {
			return false, nil
		}
	}
	ops := casEvidence(k)
	in := make([]porcupine.Operation, len(ops))
	for i := range ops {
		o := &ops[i]
		input := casInput{kind: o.Kind, value: o.value, unknown: o.Outcome == history.Unknown}
		if o.Kind == history.Cas {
			input.expected = expected(k, o)
		}
		in[i] = porcupine.Operation{ClientId: o.Client, Input: input, Call: int64(o.Call), Return: int64(o.ret)}
	}
	return search(ctx, casModel(ctx), in)
}

// casEvidence drops unknown operations that nobody can have seen, and bounds
// those that somebody saw, as evidence does for registers. It is sound with
// repeated values too: a value that nobody read or expected can only have
// overwritten another, and whoever would have to see that does not exist.
func casEvidence(k *keyHistory) []op {
	observers := make([]int, len(k.firstPut)) // by value
	writers := make([]int, len(k.firstPut))
	seen := make([]time.Duration, len(k.firstPut)) // the first return of an answer that shows the value
	for i := range seen {
		seen[i] = forever
	}
	lastAbsent := time.Duration(-1 << 62)
	observe := func(value int32, o *op) {
		if value == unmatched {
			return
		}
		observers[value]++
		if o.Outcome == history.OK {
			seen[value] = min(seen[value], o.ret)
		}
	}
	for i := range k.ops {
		switch o := &k.ops[i]; {
		case o.isRead():
			observe(o.value, o)
		case o.isAbsentRead():
			lastAbsent = max(lastAbsent, o.ret)
		case o.Kind == history.Cas:
			observe(expected(k, o), o)
			fallthrough
		case o.Kind == history.Put:
			writers[o.value]++
		}
	}
	ops := slices.Clone(k.ops)
	for dropped := true; dropped; { // a cas that goes has not observed anything either
		dropped = false
		kept := ops[:0]
		for _, o := range ops {
			unseen := false
			switch {
			case o.Outcome != history.Unknown:
			case o.Kind == history.Delete:
				unseen = lastAbsent < o.Call
			default:
				unseen = observers[o.value] == 0
			}
			if !unseen {
				kept = append(kept, o)
				continue
			}
			if o.Kind == history.Cas {
				dropped = true
				if e := expected(k, &o); e != unmatched {
					observers[e]--
				}
			}
		}
		ops = kept
	}
	for i := range ops {
		o := &ops[i]
		if o.Outcome == history.Unknown && o.Kind != history.Delete && writers[o.value] == 1 && seen[o.value] != forever {
			o.ret = max(o.Call, seen[o.value])
		}
	}
	return ops
}

// casSuffixes returns, for ever earlier writes, what is left of a history that
// begins with such a write: it sets the register, whatever was there. What had
// returned before it goes, and so do reads at the same time, which may have
// found an older value. A cas at the same time may have found one too, so that
// writes with a cas beside them do not count. A put before it stays if its value
// is observed later and nobody writes it then: to be found once more is what
// may be wrong with it.
func casSuffixes(ops []*op) [][]*op {
	var calls, returns []time.Duration // of each acknowledged cas, by call: the greatest return so far
	for _, o := range ops {
		if o.Kind == history.Cas && o.Outcome == history.OK {
			last := o.ret
			if n := len(returns); n > 0 {
				last = max(last, returns[n-1])
			}
			calls, returns = append(calls, o.Call), append(returns, last)
		}
	}
	const tries = 100
	var out [][]*op
	count, tried := 0, 0
	for i := len(ops) - 1; i >= 0 && tried < tries; i-- {
		first := ops[i]
		if first.Outcome != history.OK || first.Kind != history.Put && first.Kind != history.Delete {
			continue
		}
		if n, _ := slices.BinarySearch(calls, first.ret+1); n > 0 && returns[n-1] >= first.Call {
			continue
		}
		if count++; count < 1<<len(out) {
			continue
		}
		tried++
		if end := casSuffix(ops, first); end != nil {
			out = append(out, end)
		}
	}
	return out
}

// casSuffix returns what is left if the history begins with a write; nil if a
// value would be missing that only a cas wrote before.
func casSuffix(ops []*op, first *op) []*op {
	end := slices.DeleteFunc(slices.Clone(ops), func(o *op) bool {
		return o.before(first) || o.Kind == history.Get && !first.before(o)
	})
	written, observed := make(map[string]bool), make(map[string]bool)
	for _, o := range end {
		switch {
		case o.isRead():
			observed[o.Value] = true
		case o.Kind == history.Cas:
			observed[o.Expected] = true
			fallthrough
		case o.Kind == history.Put:
			written[o.Value] = true
		}
	}
	for i := len(ops) - 1; i >= 0; i-- {
		if o := ops[i]; o.Kind == history.Put && observed[o.Value] && !written[o.Value] && o.before(first) {
			written[o.Value] = true
			end = append(end, o)
		}
	}
	for _, o := range ops {
		if (o.Kind == history.Put || o.Kind == history.Cas) && observed[o.Value] && !written[o.Value] {
			return nil
		}
	}
	return sorted(end)
}

// withoutCas drops values as a whole: all writes of a value, all reads of it,
// and each cas that expected it, with the value that this one wrote. Where the
// value was current, the one before it goes on being so, unobserved. A delete
// stays while a read stays that found nothing.
func withoutCas(ops []*op, drop map[int64]bool) []*op {
	gone := make(map[string]bool)
	absence := false
	for _, o := range ops {
		if drop[o.ID] && (o.Kind == history.Put || o.Kind == history.Cas) {
			gone[o.Value] = true
		}
		absence = absence || o.isAbsentRead() && !drop[o.ID]
	}
	for again := true; again; {
		again = false
		for _, o := range ops {
			if o.Kind == history.Cas && gone[o.Expected] && !gone[o.Value] {
				gone[o.Value], again = true, true
			}
		}
	}
	var rest []*op
	for _, o := range ops {
		switch o.Kind {
		case history.Get:
			if drop[o.ID] || o.Present && gone[o.Value] {
				continue
			}
		case history.Delete:
			if drop[o.ID] && !absence {
				continue
			}
		default:
			if gone[o.Value] {
				continue
			}
		}
		rest = append(rest, o)
	}
	return rest
}

func sentenceCas(ops []*op) string {
	return fmt.Sprintf("These %d operations on %s cannot be put into any order that respects real time and in which every read returns the latest write, and every acknowledged cas found what it expected.",
		len(ops), ops[0].Key)
}
