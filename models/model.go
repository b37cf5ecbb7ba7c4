package models

import (
	"context"
	"fmt"
	"strings"
)

// Model is a consistency model that histories can be judged by.
type Model struct {
	// Name is what --model takes and history.json carries.
	Name string
	// Title explains the model in one sentence.
	Title string

	// checkKey judges the evidence on one key. It returns ctx's error if it
	// ran out of time.
	checkKey func(ctx context.Context, k *keyHistory) (*finding, error)
}

// All lists the models; a new model is one line here and one file.
func All() []Model {
	return []Model{
		linearizable(),
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
