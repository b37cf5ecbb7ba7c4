package models

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// Model is a consistency model that histories can be judged by.
type Model struct {
	// Name is what --model takes and history.json carries.
	Name string
	// Title explains the model in one sentence.
	Title string
	// Kinds are the kinds of operations that the model knows.
	Kinds []history.Kind
	// Implies names the models that hold wherever this one does.
	Implies []string

	// A model is either local, so that each key is judged on its own, or not.
	local *local
	whole func(ctx context.Context, keys []*keyHistory) ([]*finding, error)
	// lacks says what a history without violations needs in order to prove
	// anything; nil asks for a read and a write.
	lacks func(keys []*keyHistory) string
}

// local judges one key.
type local struct {
	// rules decides fast and exactly, if decided; nil if the model has none.
	rules func(k *keyHistory) (f *finding, decided bool)
	// search decides always, given time and memory; the error is ctx's.
	search func(ctx context.Context, k *keyHistory) (legal bool, err error)
	// explain makes a finding of what only the search could decide.
	explain func(ctx context.Context, k *keyHistory) *finding
	// shrinks is whether a proof by rules can hold more operations than it needs.
	shrinks bool
}

// All lists the models, the stronger ones of a kind first; a new model is one
// line here and one file.
func All() []Model {
	return []Model{
		linearizable(),
		sequential(),
		causal(),
		writesFollowReads(),
		monotonicWrites(),
		monotonicReads(),
		readYourWrites(),
		eventual(),
		casRegister(),
		queue(),
		growOnlySet(),
		appendList(),
	}
}

// UnknownModelError names a model that does not exist.
type UnknownModelError struct{ Name string }

// Error names the model and lists those that exist.
func (e *UnknownModelError) Error() string {
	var names []string
	for _, m := range All() {
		names = append(names, m.Name)
	}
	if e.Name == "" {
		return fmt.Sprintf("the history names no model (want %s)", strings.Join(names, ", "))
	}
	return fmt.Sprintf("unknown model %q (want %s)", e.Name, strings.Join(names, ", "))
}

// Find returns the model of that name, or an *UnknownModelError.
func Find(name string) (Model, error) {
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
	}
	return Model{}, &UnknownModelError{Name: name}
}

// KindError names an operation that a model knows nothing about.
type KindError struct {
	Model     string
	Operation int64
	Kind      history.Kind
	// Others are the models that know every kind in the history; maybe none.
	Others []string
}

// Error says which model to take instead.
func (e *KindError) Error() string {
	text := fmt.Sprintf("the model %s does not know operations like number %d, a %s", e.Model, e.Operation, e.Kind)
	if len(e.Others) == 0 {
		return text + "; no model knows all kinds of operations in this history"
	}
	return text + "; try --model " + strings.Join(e.Others, " or ")
}

// knows returns nil if the model knows all kinds, given by an operation each,
// or a *KindError.
func (m *Model) knows(kinds map[history.Kind]int64) error {
	for kind := history.Get; kind <= history.Append; kind++ {
		id, occurs := kinds[kind]
		if !occurs || slices.Contains(m.Kinds, kind) {
			continue
		}
		e := &KindError{Model: m.Name, Operation: id, Kind: kind}
		for _, other := range All() {
			if other.suits(kinds) {
				e.Others = append(e.Others, other.Name)
			}
		}
		return e
	}
	return nil
}

func (m *Model) covers(kinds map[history.Kind]int64) bool {
	for kind := range kinds {
		if !slices.Contains(m.Kinds, kind) {
			return false
		}
	}
	return true
}

// suits reports whether the model covers the kinds and is made for them: not a
// compare-and-set register for a history that only reads and writes.
func (m *Model) suits(kinds map[history.Kind]int64) bool {
	if !m.covers(kinds) {
		return false
	}
	special := false
	for _, kind := range m.Kinds {
		if kind <= history.Delete {
			continue
		}
		if _, occurs := kinds[kind]; occurs {
			return true
		}
		special = true
	}
	return !special
}

// registerKinds are the operations of a register with delete.
func registerKinds() []history.Kind {
	return []history.Kind{history.Get, history.Put, history.Delete}
}
