package models

import (
	"context"
	"fmt"
)

// Engine chooses how a model decides.
type Engine string

// The engines. EngineAuto takes the rules of a model where they are exact, and
// porcupine's search elsewhere; EnginePorcupine always searches; EngineBoth does
// both and fails with a *DisagreementError if they differ.
const (
	EngineAuto      Engine = "auto"
	EnginePorcupine Engine = "porcupine"
	EngineBoth      Engine = "both"
)

// Engines lists them.
func Engines() []Engine { return []Engine{EngineAuto, EnginePorcupine, EngineBoth} }

// DisagreementError means that two methods decided differently: a defect of
// lsfr, never of the history.
type DisagreementError struct {
	Key        string
	Rules      string // what the rules found; empty if nothing
	Operations int
}

// Error says what each method found.
func (e *DisagreementError) Error() string {
	if e.Rules == "" {
		return fmt.Sprintf("key %q: the rules find nothing wrong with its %d operations, porcupine does: this is a defect of lsfr, please report it with the history", e.Key, e.Operations)
	}
	return fmt.Sprintf("key %q: the rules find %s among its operations, porcupine calls %d of them legal: this is a defect of lsfr, please report it with the history", e.Key, e.Rules, e.Operations)
}

// What decided a key, as a verdict reports it.
const (
	byRules     = "rules"
	byPorcupine = "porcupine"
	byBoth      = "rules and porcupine"
	bySearch    = "search"
)

// confirmed is the most operations of a proof that porcupine confirms.
const confirmed = 64

// judge decides one key. The error is ctx's, or a *DisagreementError.
func (l *local) judge(ctx context.Context, k *keyHistory, engine Engine) (f *finding, by string, err error) {
	decided := false
	if l.rules != nil {
		f, decided = l.rules(k)
	}
	if engine == EngineBoth || engine == EnginePorcupine || !decided {
		legal, err := l.search(ctx, k)
		switch {
		case err != nil && decided && engine == EngineBoth:
			by = byRules // the rules are exact all the same
		case err != nil:
			return nil, byPorcupine, err
		case decided && legal != (f == nil):
			e := &DisagreementError{Key: k.key, Operations: len(k.ops)}
			if f != nil {
				e.Rules = f.sentence
			}
			return nil, byBoth, e
		case legal:
			f = nil
		case f == nil:
			f = l.explain(ctx, k)
		}
		if by == "" {
			by = byPorcupine
			if decided && engine == EngineBoth {
				by = byBoth
			}
		}
	} else {
		by = byRules
	}
	if f == nil || !decided {
		return f, by, nil
	}
	return f, by, l.confirm(ctx, k, f)
}

// confirm drops from a proof by rules what is not needed, and makes the search
// say that what is left is illegal on its own. The two must agree: if they do
// not, that is a defect of lsfr and not a verdict on the history.
func (l *local) confirm(ctx context.Context, k *keyHistory, f *finding) error {
	f.ops = sorted(f.ops)
	if l.shrinks && !f.minimal {
		f.ops = l.shrink(ctx, k, f.ops)
	}
	proof := evidence(k.key, originals(f.ops))
	proof.unique = proof.unique && k.unique
	again, decided := l.rules(proof)
	if decided && again == nil {
		return &DisagreementError{Key: k.key, Rules: f.sentence, Operations: len(f.ops)}
	}
	if len(f.ops) > confirmed {
		return nil // the rules are exact; they have said it twice
	}
	legal, err := l.search(ctx, proof)
	if err == nil && legal {
		return &DisagreementError{Key: k.key, Rules: f.sentence, Operations: len(f.ops)}
	}
	return nil // out of time, the verdict stands all the same
}
