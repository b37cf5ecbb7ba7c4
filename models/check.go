package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
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
	// Engine chooses how to decide; empty means EngineAuto.
	Engine Engine
	// Keys restricts the check to these keys; empty means all.
	Keys []string
	// Timeout ends the check in Unknown; 0 means DefaultTimeout.
	Timeout time.Duration
	// Memory ends the check in Unknown when the process holds more than so many
	// bytes; 0 means no limit.
	Memory int64
}

// Check judges a history. The error is an *UnknownModelError, a *KindError, a
// *DisagreementError, or ctx's error if it was cancelled; whatever the history
// did wrong is in the Verdict.
func Check(ctx context.Context, h *history.History, opts Options) (Verdict, error) {
	name := cmp.Or(opts.Model, h.Model)
	model, err := Find(name)
	if err != nil {
		return Verdict{}, err
	}
	c, err := newCheck(h, opts)
	if err != nil {
		return Verdict{}, err
	}
	if err := model.knows(c.kinds); err != nil {
		return Verdict{}, err
	}
	ctx, stop := WithMemory(ctx, opts.Memory)
	defer stop()
	return c.run(ctx, &model)
}

// check is a history on its way through one or more models.
type check struct {
	h     *history.History
	opts  Options
	began time.Time
	kinds map[history.Kind]int64 // to the first operation of the kind
	keys  []*keyHistory
	total int
}

func newCheck(h *history.History, opts Options) (*check, error) {
	opts.Engine = cmp.Or(opts.Engine, EngineAuto)
	if !slices.Contains(Engines(), opts.Engine) {
		return nil, fmt.Errorf("unknown engine %q", opts.Engine)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	c := &check{h: h, opts: opts, began: time.Now(), kinds: make(map[history.Kind]int64)}
	c.split()
	return c, nil
}

// split groups the operations by key, in order of first appearance.
func (c *check) split() {
	names, number, counts := c.numberKeys()
	groups := make([][]*history.Operation, len(names))
	all := make([]*history.Operation, c.total)
	for i, n := range counts {
		groups[i], all = all[:0:n], all[n:]
	}
	for i, n := range number {
		if n < 0 {
			continue
		}
		o := &c.h.Operations[i]
		if o.Kind == history.Dequeue && c.cutOff(o) {
			open := *o // what it took is doubtful, not that it may have taken something
			open.Outcome, open.Value, open.Present = history.Unknown, "", false
			o = &open
		}
		groups[n] = append(groups[n], o)
	}
	c.keys = make([]*keyHistory, len(names))
	c.parallel(func(i int) { c.keys[i] = evidence(names[i], groups[i]) })
}

// cutOff reports whether an operation may have seen another that the file lost.
// One that returned before Settled cannot: every operation called by then is there.
func (c *check) cutOff(o *history.Operation) bool {
	return c.h.Truncated && c.h.Settled > 0 && o.Outcome == history.OK && o.Return >= c.h.Settled
}

// numberKeys returns the keys, the number of each operation's key or -1 if the
// operation does not count, and how many operations each key has.
func (c *check) numberKeys() (names []string, number []int32, counts []int) {
	wanted := make(map[string]bool, len(c.opts.Keys))
	for _, key := range c.opts.Keys {
		wanted[key] = true
	}
	known := make(map[string]int32)
	number = make([]int32, len(c.h.Operations))
	var kinds [history.Append + 1]bool
	last, lastNumber := "", int32(-1)
	for i := range c.h.Operations {
		o := &c.h.Operations[i]
		if o.Key != last || lastNumber < 0 {
			n, ok := known[o.Key]
			if !ok {
				n = -1
				if len(wanted) == 0 || wanted[o.Key] {
					n = int32(len(names))
					names, counts = append(names, o.Key), append(counts, 0)
				}
				known[o.Key] = n
			}
			last, lastNumber = o.Key, n
		}
		number[i] = lastNumber
		if lastNumber < 0 {
			continue
		}
		if o.Kind == history.Get && c.cutOff(o) {
			number[i] = -1
			continue
		}
		if !kinds[o.Kind] {
			kinds[o.Kind] = true
			c.kinds[o.Kind] = o.ID
		}
		counts[lastNumber]++
		c.total++
	}
	return names, number, counts
}

// parallel calls do for every key, as many at a time as there are cores.
func (c *check) parallel(do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(c.keys)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range c.keys {
		next <- i
	}
	close(next)
	wg.Wait()
}

// run judges by one model. The error is a defect of the checker, or ctx's.
func (c *check) run(ctx context.Context, model *Model) (Verdict, error) {
	v := Verdict{Model: model.Name, Violations: []Violation{}, Keys: len(c.keys), Operations: c.total}
	bounded, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	var err error
	if model.local != nil {
		err = c.judgeKeys(bounded, model.local, &v)
	} else {
		err = c.judgeWhole(bounded, model, &v)
	}
	if err != nil {
		return Verdict{}, err
	}
	if err := ctx.Err(); err != nil && !errors.Is(context.Cause(ctx), ErrMemory) {
		return Verdict{}, err
	}
	sortWorstFirst(v.Violations)
	c.conclude(model, &v)
	v.Took = time.Since(c.began)
	return v, nil
}

// undecidedError says why a model could not decide.
type undecidedError struct{ reason string }

func (e *undecidedError) Error() string { return e.reason }

// reason tells what ended a judgement; empty if err is a defect of the checker.
func reason(ctx context.Context, err error) string {
	var undecided *undecidedError
	switch {
	case errors.As(err, &undecided):
		return undecided.reason
	case errors.Is(context.Cause(ctx), ErrMemory):
		return "memory ran out"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return "time ran out"
	}
	return ""
}

// judgeKeys judges each key on its own.
func (c *check) judgeKeys(ctx context.Context, model *local, v *Verdict) error {
	findings := make([]*finding, len(c.keys))
	by := make([]string, len(c.keys))
	errs := make([]error, len(c.keys))
	c.parallel(func(i int) {
		findings[i], by[i], errs[i] = model.judge(ctx, c.keys[i], c.opts.Engine)
	})
	engines := make(map[string]int)
	for i, k := range c.keys {
		engines[by[i]]++
		switch {
		case errs[i] != nil:
			why := reason(ctx, errs[i])
			if why == "" {
				return fmt.Errorf("check: %w", errs[i])
			}
			v.Undecided = append(v.Undecided, Undecided{Key: k.key, Reason: why, Operations: len(k.ops), Open: k.open})
		case findings[i] != nil:
			v.Violations = append(v.Violations, findings[i].violation(k.key, c.h.Faults))
		}
	}
	var names []string
	for _, name := range []string{byRules, byPorcupine, byBoth} {
		if engines[name] > 0 {
			names = append(names, name)
		}
	}
	v.Engine = strings.Join(names, ", ")
	if c.opts.Engine == EngineBoth && engines[byRules] > 0 {
		v.Warnings = append(v.Warnings, fmt.Sprintf("porcupine ran out of time or memory on %d of %d keys, which the rules alone decided", engines[byRules], len(c.keys)))
	}
	return nil
}

// judgeWhole judges all keys together.
func (c *check) judgeWhole(ctx context.Context, model *Model, v *Verdict) error {
	v.Engine = bySearch
	findings, err := model.whole(ctx, c.keys)
	if err != nil {
		why := reason(ctx, err)
		if why == "" {
			return fmt.Errorf("check: %w", err)
		}
		open, judged := 0, 0
		for _, k := range c.keys {
			open, judged = open+k.open, judged+len(k.ops)
		}
		v.Undecided = []Undecided{{Reason: why, Operations: judged, Open: open}}
	}
	for _, f := range findings {
		v.Violations = append(v.Violations, f.violation(f.key, c.h.Faults))
	}
	return nil
}

func sortWorstFirst(violations []Violation) {
	slices.SortStableFunc(violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Rule.severity(), b.Rule.severity()),
			cmp.Compare(len(a.Operations), len(b.Operations)),
			cmp.Compare(a.Operations[0].Call, b.Operations[0].Call))
	})
}

// conclude turns findings and evidence into a status. A violation outranks
// everything, unknown outranks valid.
func (c *check) conclude(model *Model, v *Verdict) {
	if c.h.Truncated {
		v.Warnings = append(v.Warnings, fmt.Sprintf("the history breaks off after %d operations; it is judged up to the break", len(c.h.Operations)))
	}
	lacks := model.lacks
	if lacks == nil {
		lacks = lacksReadOrWrite
	}
	switch {
	case len(v.Violations) > 0 && c.h.Truncated && c.h.Settled == 0:
		v.Violations = []Violation{}
		v.Reason = "the history breaks off, and what is missing might explain what looks like a violation"
	case len(v.Violations) > 0:
		v.Status = Invalid
	case len(v.Undecided) > 0:
		v.Reason = c.undecided(v.Undecided)
	case len(c.h.Operations) == 0:
		v.Reason = "the history is empty"
	default:
		if need := lacks(c.keys); need != "" {
			v.Reason = "the history proves nothing: " + need
		} else {
			v.Status = Valid
		}
	}
}

// undecided says what could not be decided, and what the rest showed.
func (c *check) undecided(list []Undecided) string {
	u := list[0]
	tail := fmt.Sprintf("%d operations, %d of them open", u.Operations, u.Open)
	if u.Reason == "time ran out" {
		u.Reason = fmt.Sprintf("time ran out after %s", c.opts.Timeout)
	}
	if u.Key == "" {
		return fmt.Sprintf("%s, with %s", u.Reason, tail)
	}
	text := fmt.Sprintf("%s with %d of %d keys undecided, first key %q with %s", u.Reason, len(list), len(c.keys), u.Key, tail)
	if rest := len(c.keys) - len(list); rest > 0 {
		text += fmt.Sprintf("; no violation on the other %d", rest)
	}
	return text
}

// lacksReadOrWrite asks for one answered read and one write known to have taken effect.
func lacksReadOrWrite(keys []*keyHistory) string {
	read, wrote := false, false
	for _, k := range keys {
		for i := range k.ops {
			o := &k.ops[i]
			read = read || o.Kind.Reads() && o.Outcome == history.OK
			wrote = wrote || o.Acknowledged() || o.isRead()
		}
	}
	if read && wrote {
		return ""
	}
	return "it needs at least one read that was answered and one write that was acknowledged or read"
}
