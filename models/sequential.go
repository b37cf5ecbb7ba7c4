package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// sequential judges by Lamport, How to Make a Multiprocessor Computer That Correctly
// Executes Multiprocess Programs, IEEE Trans. Comput. 1979: all operations have one
// order that keeps each client's own and in which every read returns the latest
// write. To decide it is NP-complete also where values are unique (Gibbons & Korach,
// Testing Shared Memories, SIAM J. Comput. 1997): the search is bounded.
func sequential() Model {
	return Model{
		Name:    "sequential",
		Title:   "all operations fit into one order that keeps each client's own, in which reads return the latest write; it need not respect real time",
		Kinds:   registerKinds(),
		Implies: []string{"causal"},
		whole:   judgeSequential,
	}
}

const (
	sequentialSteps = 2_000_000 // of the search for an order
	shrinkSteps     = 20_000    // of the same, while a proof is shrunk
)

func judgeSequential(ctx context.Context, keys []*keyHistory) ([]*finding, error) {
	findings, judged, undecided := perKey(keys)
	if len(findings) == 0 && undecided == nil && allLinearizable(ctx, keys) {
		return nil, nil
	}
	found, err := sequentialRule(sequentialSteps)(ctx, newSessions(keys))
	var open *undecidedError
	if err != nil && !(errors.As(err, &open) && len(findings) > 0) {
		return findings, err
	}
	for _, f := range found {
		if judged[f.key] {
			continue
		}
		if f, err = confirmFinding(ctx, sequentialRule(shrinkSteps), f); err != nil {
			return findings, err
		}
		findings = append(findings, f)
	}
	if len(findings) > 0 {
		return findings, nil
	}
	return nil, undecided
}

// sequentialRule refutes by causality, by saturation, and by a search of so many
// steps; in that order, because that is how well they explain.
func sequentialRule(steps int) sessionRule {
	return func(ctx context.Context, s *sessions) ([]*finding, error) {
		found, err := causalRule(RuleNotSequential)(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			f.sentence += " Not even causal consistency allows that, and sequential consistency is stronger."
		}
		if len(found) > 0 {
			return found, nil
		}
		if ok, err := s.ordered(ctx); ok || err != nil {
			return nil, err
		}
		arcs, cyclic, err := s.saturate(ctx)
		if err != nil {
			return nil, err
		}
		if cyclic {
			return []*finding{s.notSequential(s.refutation(arcs))}, nil
		}
		order, err := newOrderSearch(s, arcs).run(ctx, steps)
		if err != nil || order != nil {
			return nil, err
		}
		all := make([]int32, len(s.events))
		for i := range all {
			all[i] = int32(i)
		}
		return []*finding{s.notSequential(all)}, nil
	}
}

// ordered looks for one order of all events without much ado: false proves nothing.
func (s *sessions) ordered(ctx context.Context) (bool, error) {
	order, err := newOrderSearch(s, s.graph(allOfSession()).arcs).run(ctx, 1000+2*len(s.events))
	if ctx.Err() != nil {
		return false, err
	}
	return order != nil, nil
}

// notSequential makes a finding of events that fit into no order, on the key of
// the read among them that returned last.
func (s *sessions) notSequential(events []int32) *finding {
	f := &finding{rule: RuleNotSequential, minimal: true}
	clients := make(map[int]bool)
	slices.Sort(events)
	for _, n := range events {
		e := &s.events[n]
		clients[e.Client] = true
		f.ops = append(f.ops, e.op)
		if !e.isWrite() || f.key == "" {
			f.key = e.Key
		}
	}
	f.ops = sorted(f.ops)
	f.sentence = fmt.Sprintf("These %d operations of %d clients cannot be put into any one order that keeps each client's own order and in which every read returns the latest write.",
		len(f.ops), len(clients))
	return f
}
