package faults

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTheCatalogListsEachFaultOnce(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, f := range Catalog() {
		if f.Name == "" || f.Title == "" || f.Inject == nil || f.MinNodes < 1 || seen[f.Name] || f.Name == none || strings.ContainsAny(f.Name, ", ") {
			t.Errorf("got %+v", f)
		}
		seen[f.Name] = true
	}
	for _, f := range []Fault{
		Kill(), Stop(), KillRecovering(), Pause(), Isolate(), Halves(), Majority(), Ring(), Bridge(), OneWay(), Slow(), Lossy(), Reset(),
	} {
		if !seen[f.Name] {
			t.Errorf("%s is not listed", f.Name)
		}
	}
}

func TestASelectionAllowsWhatItNames(t *testing.T) {
	t.Parallel()
	cuts := []string{"isolate", "halves", "majority", "ring", "bridge", "one-way"}
	var every []string
	for _, f := range Catalog() {
		every = append(every, f.Name)
	}
	tests := []struct {
		list string
		want []string
		none bool
	}{
		{"", every, false},
		{"  ", every, false},
		{"none", nil, true},
		{" none ", nil, true},
		{"kill", []string{"kill"}, false},
		{"cut", cuts, false},
		{"one-way", []string{"one-way"}, false},
		{"kill,pause,cut", append([]string{"kill", "pause"}, cuts...), false},
		{" kill , ring ,kill", []string{"kill", "ring"}, false},
		{"slow,lossy,reset,stop,kill-recovering", []string{"kill-recovering", "stop", "slow", "lossy", "reset"}, false},
	}
	for _, tt := range tests {
		s, err := ParseSelection(tt.list)
		if err != nil {
			t.Errorf("%q: %v", tt.list, err)
			continue
		}
		var allowed []string
		for _, f := range Catalog() {
			if s.Allows(f) {
				allowed = append(allowed, f.Name)
			}
		}
		if !slices.Equal(allowed, tt.want) || s.None() != tt.none {
			t.Errorf("%q allows %v, none %v", tt.list, allowed, s.None())
		}
	}
}

func TestANameThatDoesNotExistIsToldWithThoseThatDo(t *testing.T) {
	t.Parallel()
	for list, name := range map[string]string{"kil": "kil", "kill,all": "all", "Kill": "Kill", "kill,": "", ",": "", "kill pause": "kill pause"} {
		_, err := ParseSelection(list)
		var unknown *UnknownFaultError
		if !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("%q: got %v", list, err)
			continue
		}
		want := `: there are kill, kill-recovering, stop, pause, cut (isolate, halves, majority, ring, bridge, one-way), slow, lossy, reset, power-loss, disk-full, fsync-error, slow-disk, or none for no faults`
		if !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %q", err)
		}
	}
	for _, list := range []string{"none,kill", "kill, none"} {
		var unknown *UnknownFaultError
		if _, err := ParseSelection(list); err == nil || errors.As(err, &unknown) {
			t.Errorf("%q: got %v", list, err)
		}
	}
}

func TestAFilterKeepsTheTracks(t *testing.T) {
	t.Parallel()
	tracks := []Track{
		{{Fault: Kill(), Weight: 1}, {Fault: Pause(), Weight: 2}},
		{{Fault: Isolate(), Weight: 3}, {Fault: Ring(), Weight: 4}, {Fault: Slow(), Weight: 5}},
	}
	for list, want := range map[string][][]int{
		"":           {{1, 2}, {3, 4, 5}},
		"none":       {nil, nil},
		"cut":        {nil, {3, 4}},
		"pause,ring": {{2}, {4}},
		"stop":       {nil, nil},
	} {
		s, err := ParseSelection(list)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]int
		for _, track := range s.Filter(tracks) {
			var weights []int
			for _, spec := range track {
				weights = append(weights, spec.Weight)
			}
			got = append(got, weights)
		}
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q: got %v", list, got)
		}
	}
}
