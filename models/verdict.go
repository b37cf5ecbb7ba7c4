// Package models judges recorded histories by consistency models. It is pure:
// it knows nothing of HTTP or processes, never logs, and starts goroutines for
// the time of a check only.
package models

import (
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Status is the result of a check. The zero value is Unknown: nothing counts
// as valid without evidence.
type Status uint8

// The results of a check.
const (
	Unknown Status = iota
	Valid
	Invalid
)

// String returns unknown, valid or invalid.
func (s Status) String() string {
	switch s {
	case Valid:
		return "valid"
	case Invalid:
		return "invalid"
	}
	return "unknown"
}

// MarshalText makes a Status a string in JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Rule names what a violation violates.
type Rule string

// The rules, worst first: the order in which violations are reported.
const (
	RuleTornValue         Rule = "torn value"
	RuleNeverWritten      Rule = "value never written"
	RuleFailedVisible     Rule = "write reported failed but visible"
	RuleLostWrite         Rule = "lost write"
	RuleDuplicate         Rule = "write took effect twice"
	RuleDeletedCameBack   Rule = "deleted value came back"
	RuleCopiesDisagree    Rule = "copies disagree"
	RuleStaleRead         Rule = "stale read"
	RuleOwnWriteMissed    Rule = "own write missed"
	RuleWentBackwards     Rule = "went backwards"
	RuleWritesReordered   Rule = "writes out of order"
	RuleEffectBeforeCause Rule = "effect before cause"
	RuleNotCausal         Rule = "not causal"
	RuleNotSequential     Rule = "not sequential"
	RuleNotLinearizable   Rule = "not linearizable"
)

var ruleOrder = [...]Rule{
	RuleTornValue, RuleNeverWritten, RuleFailedVisible, RuleLostWrite, RuleDuplicate,
	RuleDeletedCameBack, RuleCopiesDisagree, RuleStaleRead,
	RuleOwnWriteMissed, RuleWentBackwards, RuleWritesReordered, RuleEffectBeforeCause,
	RuleNotCausal, RuleNotSequential, RuleNotLinearizable,
}

// Rules lists them, worst first.
func Rules() []Rule { return slices.Clone(ruleOrder[:]) }

// severity is 0 for the worst rule.
func (r Rule) severity() int {
	for i, known := range ruleOrder {
		if r == known {
			return i
		}
	}
	return len(ruleOrder)
}

// Violation is one proof that a history breaks a model.
type Violation struct {
	Rule Rule   `json:"rule"`
	Key  string `json:"key"`
	// Sentence explains it to a person.
	Sentence string `json:"sentence"`
	// Operations are the few that prove it, ordered by call time. On their
	// own they break the model as well.
	Operations []history.Operation `json:"operations"`
}

// Undecided is a key that could not be judged.
type Undecided struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
	// Operations is the number of operations on the key, Open how many of them never returned.
	Operations int `json:"operations"`
	Open       int `json:"open"`
}

// Verdict is what a check found.
type Verdict struct {
	Status Status `json:"status"`
	// Model is the name of the model that the history was judged by.
	Model string `json:"model"`
	// Engine names what decided: rules, porcupine, or both; or search, for a
	// model with a search of its own.
	Engine string `json:"engine"`
	// Reason says why the status is Unknown; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Keys and Operations count what was judged.
	Keys       int `json:"keys"`
	Operations int `json:"operations"`
	// Violations has at most one entry per key, the worst first.
	Violations []Violation `json:"violations"`
	Undecided  []Undecided `json:"undecided,omitempty"`
	// Warnings are about the history, such as that its file breaks off.
	Warnings []string `json:"warnings,omitempty"`
	// Took is how long the check ran.
	Took time.Duration `json:"took_ns"`
}
