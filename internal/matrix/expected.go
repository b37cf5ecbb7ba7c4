package main

import (
	"maps"
	"slices"
)

// right reports whether the first failure of a catch is the right explanation: its check
// or its rule is among those that are expected of the bug.
func right(r *row) bool {
	want := expected()[r.Subject]
	return slices.Contains(want, r.Check) || slices.Contains(want, r.Rule)
}

// expected has for each bug the explanations that lead to it: names of checks, and rules.
// They are chosen by what the bug does, not by what lsfr happens to say. A check stands
// here where its name and hint point at the mistake; a rule, where it tells what the
// mistake does wherever that shows.
func expected() map[string][]string {
	all := expectedOfOneNode()
	maps.Copy(all, expectedOfClusters())
	maps.Copy(all, expectedOfSharding())
	return all
}

// says joins lists.
func says(lists ...[]string) []string { return slices.Concat(lists...) }

// one is a list of explanations.
func one(explanations ...string) []string { return explanations }

// older are the rules by which a history shows that something older is read than was
// written: which of them depends on what was seen since.
func older() []string { return one("stale read", "lost write", "deleted value came back") }

// gone are the rules by which a check shows the same.
func gone() []string { return one("value missing", "wrong value", "deleted value came back") }

// apart are the rules by which a history shows that copies do not become alike.
func apart() []string { return one("copies disagree", "lost write", "deleted value came back") }
