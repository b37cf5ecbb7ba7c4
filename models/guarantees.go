package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// sessionRule finds what is wrong with the sessions of a history, at most one
// finding per key. Fewer operations never make it find more, as long as the
// write that a read saw stays. The error is ctx's, or an *undecidedError.
type sessionRule func(ctx context.Context, s *sessions) ([]*finding, error)

// bySessions makes a model's whole of a rule. A linearizable history needs no
// rule: all models by sessions are weaker.
func bySessions(rule sessionRule) func(ctx context.Context, keys []*keyHistory) ([]*finding, error) {
	return func(ctx context.Context, keys []*keyHistory) ([]*finding, error) {
		findings, judged, undecided := perKey(keys)
		if len(findings) == 0 && undecided == nil && allLinearizable(ctx, keys) {
			return nil, nil
		}
		s := newSessions(keys)
		found, err := rule(ctx, s)
		if err != nil {
			return findings, err
		}
		for _, f := range found {
			if judged[f.key] {
				continue
			}
			if f, err = confirmFinding(ctx, rule, f); err != nil {
				return findings, err
			}
			findings = append(findings, f)
		}
		switch {
		case len(findings) > 0:
			return findings, nil
		case undecided != nil:
			return nil, undecided
		case len(s.free) > 0:
			return nil, explainDeletes(ctx, rule, s)
		}
		return nil, nil
	}
}

// perKey applies what holds for each key under every model; judged are the keys
// with a finding. Repeated values leave the rest undecided.
func perKey(keys []*keyHistory) (findings []*finding, judged map[string]bool, undecided error) {
	judged = make(map[string]bool)
	for _, k := range keys {
		if f := valueRules(k); f != nil {
			f.key = k.key
			judged[k.key] = true
			findings = append(findings, f)
		}
		if !k.unique && undecided == nil {
			undecided = &undecidedError{reason: fmt.Sprintf("two puts wrote the same value to key %q, so that reads do not name their write", k.key)}
		}
	}
	return findings, judged, undecided
}

// allLinearizable decides for keys without repeated values in which every read has its write.
func allLinearizable(ctx context.Context, keys []*keyHistory) bool {
	for _, k := range keys {
		if ctx.Err() != nil || zoneRules(k) != nil {
			return false
		}
	}
	return true
}

// deleteRounds is how often other deletes are guessed.
const deleteRounds = 8

// explainDeletes looks for deletes that explain the reads from fromAny. They do
// not say which it was, and trying all is out of the question: each key goes
// through some ways to guess, as long as something is wrong with it. Last, one
// order of all operations would do, as all models by sessions are weaker.
func explainDeletes(ctx context.Context, rule sessionRule, s *sessions) error {
	guesses := []func(read, del int32) bool{s.fitting(), s.latest(), s.surest(), s.untouched()}
	tries := make(map[string]int) // by key
	for range deleteRounds {
		found, err := rule(ctx, s.assign(func(read, del int32) bool {
			return guesses[tries[s.names[s.events[read].key]]%len(guesses)](read, del)
		}))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return nil
		}
		for _, f := range found {
			tries[f.key]++
		}
	}
	if ok, err := s.ordered(ctx); ok || err != nil {
		return err
	}
	return &undecidedError{reason: "deletes do not say which of the reads that found nothing they explain"}
}

// assign returns the sessions with the reads from fromAny assigned to deletes:
// to the latest that choose accepts, or to the initial state.
func (s *sessions) assign(choose func(read, del int32) bool) *sessions {
	t := *s
	t.events = slices.Clone(s.events)
	t.writes, t.initial = slices.Clone(s.writes), slices.Clone(s.initial)
	for _, r := range s.free {
		e := &t.events[r]
		e.from = fromInitial
		writes := s.writes[e.key]
		for i := len(writes) - 1; i >= 0; i-- {
			w := writes[i]
			if d := &s.events[w]; d.Kind == history.Delete && d.Call <= e.ret && choose(r, w) {
				e.from = w
				break
			}
		}
	}
	t.index()
	return &t
}

// latest explains each read by the latest delete that was called before it returned.
func (s *sessions) latest() func(read, del int32) bool {
	return func(_, _ int32) bool { return true }
}

// surest explains each read by the latest delete that had returned before it was called.
func (s *sessions) surest() func(read, del int32) bool {
	return func(read, del int32) bool { return s.events[del].before(s.events[read].op) }
}

// fitting explains each read by the latest delete that was called before the
// value that the same client read next: a copy that lags behind shows the past
// in its order.
func (s *sessions) fitting() func(read, del int32) bool {
	next := make(map[int32]int32) // a read from fromAny to the write that its client saw next
	for _, events := range s.clients {
		saw := make(map[int32]int32) // by key
		for i := len(events) - 1; i >= 0; i-- {
			switch e := &s.events[events[i]]; {
			case e.isRead():
				saw[e.key] = e.from
			case e.isAbsentRead() && e.from == fromAny:
				if w, ok := saw[e.key]; ok {
					next[events[i]] = w
				}
			}
		}
	}
	return func(read, del int32) bool {
		w, ok := next[read]
		return !ok || s.events[del].Call < s.events[w].Call
	}
}

// untouched explains reads by the initial state as long as their client had
// neither read nor written a value on that key, the others like latest.
func (s *sessions) untouched() func(read, del int32) bool {
	late := make(map[int32]bool)
	for _, events := range s.clients {
		touched := make(map[int32]bool) // by key
		for _, n := range events {
			e := &s.events[n]
			late[n] = touched[e.key]
			touched[e.key] = touched[e.key] || e.isRead() || e.Kind == history.Put
		}
	}
	return func(read, _ int32) bool { return late[read] }
}

// confirmFinding makes the rule say again, of the operations of a finding alone, that
// they are illegal, and drops what is not needed for that. If the rule does
// not, that is a defect of the rule and not a verdict on the history. Out of
// time, the verdict stands as it is.
func confirmFinding(ctx context.Context, rule sessionRule, f *finding) (*finding, error) {
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	switch alone, err := ruleOn(ctx, rule, f.ops); {
	case err != nil:
		return f, nil
	case len(alone) == 0:
		return nil, fmt.Errorf("the %d operations that prove this are legal on their own, which is a defect of lsfr, please report it with the history: %s", len(f.ops), f.sentence)
	}
	if len(f.ops) > shrinkable {
		return f, nil
	}
	for size := (len(f.ops) + 1) / 2; size >= 1; size /= 2 {
		for i := 0; i < len(f.ops); {
			rest := leave(f.ops, f.ops[i:min(i+size, len(f.ops))])
			found, _ := ruleOn(ctx, rule, rest)
			if ctx.Err() != nil {
				return f, nil
			}
			smaller := slices.IndexFunc(found, func(g *finding) bool { return g.key == f.key && len(g.ops) < len(f.ops) })
			if smaller < 0 {
				i += size
				continue
			}
			f, i = found[smaller], 0
		}
	}
	return f, nil
}

// leave removes drop from ops, but no delete that could explain a read that stays.
// Reads without their write say nothing, and may stay.
func leave(ops, drop []*op) []*op {
	missed := make(map[string]bool)
	for _, o := range ops {
		missed[o.Key] = missed[o.Key] || o.isAbsentRead() && !slices.Contains(drop, o)
	}
	var rest []*op
	for _, o := range ops {
		if !slices.Contains(drop, o) || o.Kind == history.Delete && missed[o.Key] {
			rest = append(rest, o)
		}
	}
	return rest
}

// ruleOn applies a rule to some operations.
func ruleOn(ctx context.Context, rule sessionRule, ops []*op) ([]*finding, error) {
	groups := make(map[string][]*history.Operation)
	var names []string
	for _, o := range ops {
		if groups[o.Key] == nil {
			names = append(names, o.Key)
		}
		groups[o.Key] = append(groups[o.Key], o.Operation)
	}
	var keys []*keyHistory
	for _, name := range names {
		keys = append(keys, evidence(name, groups[name]))
	}
	return rule(ctx, newSessions(keys))
}
