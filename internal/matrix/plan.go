package main

import (
	"errors"
	"slices"
)

// Ways in which a stage judges that are counted apart.
const (
	wayHistory = "history" // without the API checks
	wayLoad    = "load"    // while all cores are busy
	wayBoth    = "history, load"
)

func (o *options) way() string {
	switch {
	case o.historyOnly && o.load:
		return wayBoth
	case o.historyOnly:
		return wayHistory
	case o.load:
		return wayLoad
	}
	return ""
}

// A key is what runs are counted by.
type key struct{ subject, stage, way string }

// A task is runs of one subject by one stage.
type task struct {
	subject
	in   string // the stage
	way  string
	runs int
	// more adds to the rows that are there.
	more bool
}

func (t *task) key() key { return key{t.name, t.in, t.way} }

// planned is what the options ask for, given what was counted before.
func planned(o options, old results) ([]task, error) {
	if o.short {
		o.runs = 1
	}
	have := make(map[key]int)
	for _, c := range old.cells() {
		have[c.key] = len(c.rows)
	}
	var plan []task
	for _, s := range o.subjects() {
		stages := s.stages
		if o.short {
			stages = s.briefly
		}
		for i, stage := range stages {
			own := i == 0
			switch {
			case len(o.stages) > 0 && !slices.Contains(o.stages, stage):
			case o.later && (own || s.bug == nil):
			case s.bug != nil && !own && o.own:
			default:
				t := task{subject: s, in: stage, way: o.way(), runs: o.runs, more: o.resume}
				if o.resume {
					t.runs = max(0, t.runs-have[t.key()])
				}
				plan = append(plan, t)
			}
		}
	}
	if len(plan) == 0 {
		return nil, errors.New("there is nothing to be counted: look at -only and -stages")
	}
	return plan, nil
}

// subjects are those that are asked for, the correct stores first.
func (o *options) subjects() []subject {
	stores, with := correct(), bugs()
	if o.short {
		with = aThird(with)
	}
	return slices.DeleteFunc(append(stores, with...), func(s subject) bool { return !o.only.MatchString(s.name) })
}

// aThird takes every third bug of each stage.
func aThird(with []subject) (some []subject) {
	seen := make(map[string]int)
	for _, s := range with {
		if seen[s.bug.Stage]%3 == 0 {
			some = append(some, s)
		}
		seen[s.bug.Stage]++
	}
	return some
}
