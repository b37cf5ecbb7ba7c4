package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// DefaultTimeout bounds a check that was given no other.
const DefaultTimeout = 60 * time.Second

// Options of a check. The zero value judges everything by the history's own model.
type Options struct {
	// Model overrides the model that the history names.
	Model string
	// Keys restricts the check to these keys; empty means all.
	Keys []string
	// Timeout ends the check in Unknown; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Check judges a history. The error is an *UnknownModelError, ctx's error if
// it was cancelled, or a defect of the checker itself; whatever the history
// did wrong is in the Verdict.
func Check(ctx context.Context, h *history.History, opts Options) (Verdict, error) {
	began := time.Now()
	name := opts.Model
	if name == "" {
		name = h.Model
	}
	model, err := Find(name)
	if err != nil {
		return Verdict{}, err
	}
	timeout := opts.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	v := Verdict{Model: model.Name, Engine: "porcupine", Violations: []Violation{}}
	keys := split(h, opts.Keys, &v)
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := v.judge(bounded, model, keys, h.Faults); err != nil {
		return Verdict{}, err
	}
	if err := ctx.Err(); err != nil {
		return Verdict{}, err
	}
	v.conclude(h, keys, timeout)
	v.Took = time.Since(began)
	return v, nil
}

// split groups the operations by key, in order of first appearance.
func split(h *history.History, only []string, v *Verdict) []*keyHistory {
	byKey := make(map[string][]*history.Operation)
	wanted := make(map[string]bool, len(only))
	for _, key := range only {
		wanted[key] = true
	}
	var order []string
	for i := range h.Operations {
		o := &h.Operations[i]
		if len(only) > 0 && !wanted[o.Key] {
			continue
		}
		if h.Truncated && h.Settled > 0 && o.Kind == history.Get && o.Return >= h.Settled {
			// It may have seen an operation that the file lost. Earlier reads
			// cannot: every operation called before Settled is there.
			continue
		}
		if _, ok := byKey[o.Key]; !ok {
			order = append(order, o.Key)
		}
		byKey[o.Key] = append(byKey[o.Key], o)
	}
	keys := make([]*keyHistory, len(order))
	for i, key := range order {
		keys[i] = evidence(key, byKey[key])
		v.Operations += keys[i].total
	}
	v.Keys = len(keys)
	return keys
}

// judge checks the keys in parallel, as many at a time as there are cores.
func (v *Verdict) judge(ctx context.Context, model Model, keys []*keyHistory, faults []history.FaultEvent) error {
	findings := make([]*finding, len(keys))
	errs := make([]error, len(keys))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(keys)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				findings[i], errs[i] = model.checkKey(ctx, keys[i])
			}
		}()
	}
	for i := range keys {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, k := range keys {
		switch {
		case errs[i] != nil && (errors.Is(errs[i], context.DeadlineExceeded) || errors.Is(errs[i], context.Canceled)):
			v.Undecided = append(v.Undecided, Undecided{Key: k.key, Reason: "time ran out", Operations: len(k.ops), Open: k.open})
		case errs[i] != nil:
			return fmt.Errorf("check: %w", errs[i])
		case findings[i] != nil:
			v.Violations = append(v.Violations, findings[i].violation(k.key, faults))
		}
	}
	slices.SortStableFunc(v.Violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Rule.severity(), b.Rule.severity()),
			cmp.Compare(len(a.Operations), len(b.Operations)),
			cmp.Compare(a.Operations[0].Call, b.Operations[0].Call))
	})
	return nil
}

// conclude turns findings and evidence into a status. A violation outranks
// everything, unknown outranks valid.
func (v *Verdict) conclude(h *history.History, keys []*keyHistory, timeout time.Duration) {
	if h.Truncated {
		v.Warnings = append(v.Warnings, fmt.Sprintf("the history breaks off after %d operations; it is judged up to the break", len(h.Operations)))
	}
	switch {
	case len(v.Violations) > 0 && h.Truncated && h.Settled == 0:
		v.Violations = []Violation{}
		v.Reason = "the history breaks off, and what is missing might explain what looks like a violation"
	case len(v.Violations) > 0:
		v.Status = Invalid
	case len(v.Undecided) > 0:
		u := v.Undecided[0]
		v.Reason = fmt.Sprintf("%d of %d keys undecided after %s; first key %q with %d operations, %d of them open", len(v.Undecided), len(keys), timeout, u.Key, u.Operations, u.Open)
	case len(h.Operations) == 0:
		v.Reason = "the history is empty"
	case !hasEvidence(keys):
		v.Reason = "the history proves nothing: it needs at least one read that was answered and one write that was acknowledged or read"
	default:
		v.Status = Valid
	}
}

// hasEvidence asks for one answered read and one write known to have taken effect.
func hasEvidence(keys []*keyHistory) bool {
	read, wrote := false, false
	for _, k := range keys {
		for i := range k.ops {
			o := &k.ops[i]
			read = read || o.Kind == history.Get
			wrote = wrote || o.Acknowledged() || o.isRead()
		}
	}
	return read && wrote
}
