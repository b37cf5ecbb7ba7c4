package models

import (
	"context"
	"fmt"
	"time"
)

// linearizable judges each key as a register with delete (Herlihy & Wing,
// Linearizability, TOPLAS 1990; it is local, so keys are judged one by one).
func linearizable() Model {
	return Model{
		Name:  "linearizable",
		Title: "every operation takes effect at one moment between its call and its return, and reads return the latest write",
		checkKey: func(ctx context.Context, k *keyHistory) (*finding, error) {
			if f := valueRules(k); f != nil {
				return f, nil
			}
			if k.unique {
				if f := zoneRules(k); f != nil {
					return shrunkFinding(ctx, k, f)
				}
			}
			ops := pointers(k.ops)
			ok, err := legal(ctx, ops)
			if ok || err != nil {
				return nil, err
			}
			return searchedFinding(ctx, k, ops), nil
		},
	}
}

func pointers(ops []op) []*op {
	out := make([]*op, len(ops))
	for i := range ops {
		out[i] = &ops[i]
	}
	return out
}

// shrunkFinding drops from a finding of the zone rules what is not needed, and
// makes the search confirm what is left. The two must agree: if they do not,
// that is a defect of lsfr and not a verdict on the history.
func shrunkFinding(ctx context.Context, k *keyHistory, f *finding) (*finding, error) {
	f.ops = sorted(f.ops)
	ok, err := legal(ctx, f.ops)
	if err != nil { // out of time: the rules are exact, only the proof stays longer than need be
		return f, nil //nolint:nilerr // see above
	}
	if ok {
		return nil, fmt.Errorf("key %q: the rules call it a %s (%s), the search calls the same %d operations linearizable", k.key, f.rule, f.sentence, len(f.ops))
	}
	f.ops = shrink(ctx, k, f.ops)
	return f, nil
}

// shrinkTime bounds the search for a smaller proof; the verdict stands without it.
const shrinkTime = 5 * time.Second

// searchedFinding explains a key that only the search could decide.
func searchedFinding(ctx context.Context, k *keyHistory, ops []*op) *finding {
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	ops = shrink(ctx, k, shortestPrefix(ctx, k, ops))
	return &finding{rule: RuleNotLinearizable, ops: ops, sentence: sentenceNotLinearizable(ops)}
}
