package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// none is the list that selects no fault.
const none = "none"

// Selection is which faults a run may use. The zero value is all of them.
type Selection struct {
	names []string // of faults and families
	none  bool
}

// UnknownFaultError names a fault that does not exist.
type UnknownFaultError struct{ Name string }

// Error lists what there is, with the members of families.
func (e *UnknownFaultError) Error() string {
	var families []string
	members := make(map[string][]string)
	for _, f := range Catalog() {
		if !slices.Contains(families, f.family()) {
			families = append(families, f.family())
		}
		if f.Name != f.family() {
			members[f.family()] = append(members[f.family()], f.Name)
		}
	}
	for i, family := range families {
		if m := members[family]; len(m) > 0 {
			families[i] = fmt.Sprintf("%s (%s)", family, strings.Join(m, ", "))
		}
	}
	return fmt.Sprintf("unknown fault %q: there are %s, or %s for no faults", e.Name, strings.Join(families, ", "), none)
}

// ParseSelection reads names of faults and families, separated by commas. The empty
// list selects all, "none" nothing. A name that does not exist is an
// *UnknownFaultError.
func ParseSelection(list string) (Selection, error) {
	switch strings.TrimSpace(list) {
	case "":
		return Selection{}, nil
	case none:
		return Selection{none: true}, nil
	}
	var s Selection
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == none {
			return Selection{}, errors.New("none means no faults, and goes with no other name")
		}
		if !slices.ContainsFunc(Catalog(), func(f Fault) bool { return name == f.Name || name == f.family() }) {
			return Selection{}, &UnknownFaultError{Name: name}
		}
		s.names = append(s.names, name)
	}
	return s, nil
}

// All reports whether every fault may be used.
func (s Selection) All() bool { return !s.none && len(s.names) == 0 }

// None reports whether no fault at all may be used.
func (s Selection) None() bool { return s.none }

// Allows reports whether the fault may be used.
func (s Selection) Allows(f Fault) bool {
	if s.none {
		return false
	}
	return len(s.names) == 0 || slices.Contains(s.names, f.Name) || slices.Contains(s.names, f.family())
}

// Filter returns the tracks with only what the selection allows. Tracks stay, also
// when nothing is left of them, so that each keeps its random numbers.
func (s Selection) Filter(tracks []Track) []Track {
	out := make([]Track, len(tracks))
	for i, track := range tracks {
		for _, spec := range track {
			if s.Allows(spec.Fault) {
				out[i] = append(out[i], spec)
			}
		}
	}
	return out
}
