package models

import (
	"context"
)

// linearizable judges each key as a register with delete (Herlihy & Wing,
// Linearizability, TOPLAS 1990; it is local, so keys are judged one by one).
func linearizable() Model {
	return Model{
		Name:    "linearizable",
		Title:   "every operation takes effect at one moment between its call and its return, and reads return the latest write",
		Kinds:   registerKinds(),
		Implies: []string{"sequential"},
		local: &local{
			rules: func(k *keyHistory) (*finding, bool) {
				if f := valueRules(k); f != nil {
					return f, true
				}
				if !k.unique {
					return nil, false
				}
				return zoneRules(k), true
			},
			search:  searchRegister,
			explain: explainRegister,
			shrinks: true,
		},
	}
}

func searchRegister(ctx context.Context, k *keyHistory) (bool, error) {
	return search(ctx, registerModel(ctx), registerOperations(pointers(k.ops)))
}

// explainRegister explains a key that only the search could decide.
func explainRegister(ctx context.Context, k *keyHistory) *finding {
	ops := shortestPrefix(ctx, k, searchRegister)
	return &finding{rule: RuleNotLinearizable, ops: ops, sentence: sentenceNotLinearizable(ops)}
}
