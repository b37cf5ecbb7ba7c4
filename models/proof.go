package models

import (
	"context"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/history"
)

// writes are the writes on a key by what they wrote: a value or an element.
type writes struct {
	first  map[string]*op // of each, the write that was called first
	failed map[string]*history.Operation
}

// writesOf collects the writes of some kinds.
func writesOf(k *keyHistory, kinds ...history.Kind) writes {
	var wanted [history.Append + 1]bool
	for _, kind := range kinds {
		wanted[kind] = true
	}
	w := writes{first: make(map[string]*op), failed: make(map[string]*history.Operation)}
	for i := range k.ops {
		if o := &k.ops[i]; wanted[o.Kind] {
			if p := w.first[o.Value]; p == nil || o.Call < p.Call {
				w.first[o.Value] = o
			}
		}
	}
	for _, o := range k.failed {
		if wanted[o.Kind] {
			w.failed[o.Value] = o
		}
	}
	return w
}

// unexplained returns why no write can explain that o observed a value: nobody
// wrote it, or only later, or the write was answered with a failure. It returns
// nil if some write can.
func (w writes) unexplained(o *op, value string) *finding {
	first, failed := w.first[value], w.failed[value]
	f := &finding{rule: RuleNeverWritten, ops: []*op{o}, minimal: true}
	switch {
	case first != nil && o.ret >= first.Call:
		return nil
	case failed != nil:
		refused := newOp(failed, failed.Return, absent)
		f.rule, f.ops = RuleFailedVisible, []*op{&refused, o}
		f.sentence = fmt.Sprintf("%s. But the %s was answered with a failure (%s) at %s: what was refused must never take effect.",
			saw(o, value), act(failed.Kind, value, failed.Client), failure(&refused), at(failed.Return))
	case first != nil:
		f.ops = append(f.ops, first)
		f.sentence = fmt.Sprintf("%s. But the %s was not sent before %s.", saw(o, value), act(first.Kind, value, first.Client), at(first.Call))
	default:
		f.sentence = saw(o, value) + ", which nobody ever wrote to this key."
	}
	return f
}

// saw tells how an answered operation observed a value.
func saw(o *op, value string) string {
	switch o.Kind {
	case history.Dequeue:
		return fmt.Sprintf("Client %d took from %s%s at %s the value %s", o.Client, o.Key, via(o), at(o.ret), quote(value))
	case history.Cas:
		return fmt.Sprintf("Client %d's cas of %s%s was acknowledged at %s as if it had found %s", o.Client, o.Key, via(o), at(o.ret), quote(value))
	}
	return fmt.Sprintf("Client %d read %s%s at %s and found %s", o.Client, o.Key, via(o), at(o.ret), quote(value))
}

// act names a write, such as "add of 7 by client 2".
func act(kind history.Kind, value string, client int) string {
	return fmt.Sprintf("%s of %s by client %d", kind, quote(value), client)
}

// worse returns the finding with the worse rule, the first of two that are
// equally bad; either may be nil.
func worse(a, b *finding) *finding {
	if a == nil || b != nil && b.rule.severity() < a.rule.severity() {
		return b
	}
	return a
}

// decider says whether a key is legal; the error is ctx's.
type decider func(ctx context.Context, k *keyHistory) (legal bool, err error)

// reducer returns what remains of operations when some are dropped, given by
// ID: fewer may go than asked for, or more. Dropping must never be what makes
// the rest illegal: if ops are legal, then so is what it returns.
type reducer func(ops []*op, drop map[int64]bool) []*op

// explainBySearch explains a key that only a search could decide: by the
// shortest prefix that is illegal already, without what it does not need.
// suffixes returns, of a prefix, ever longer ends that are legal if all of it
// is; nil if there are none.
func explainBySearch(ctx context.Context, k *keyHistory, legal decider, suffixes func(ops []*op) [][]*op, without reducer, sentence func(ops []*op) string) *finding {
	ops := stillOpen(k, shortestPrefix(ctx, k, legal))
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	if suffixes != nil {
		for _, end := range suffixes(ops) {
			if ok, err := legal(ctx, evidence(k.key, originals(end))); err == nil && !ok {
				ops = end
				break
			}
		}
	}
	ops = shrinkBySearch(ctx, k, ops, legal, without)
	return &finding{rule: RuleNotLinearizable, ops: ops, sentence: sentence(ops)}
}

// stillOpen makes those of a prefix's operations unknown again that take a value
// and were answered only after the prefix: what they took may come from later
// operations, and is no evidence without them.
func stillOpen(k *keyHistory, prefix []*op) []*op {
	inside := make(map[int64]bool, len(prefix))
	for _, o := range prefix {
		inside[o.ID] = true
	}
	next := forever // the first call of a write after the prefix; reads write nothing
	for i := range k.ops {
		if o := &k.ops[i]; !inside[o.ID] && o.Kind != history.Get {
			next = min(next, o.Call)
		}
	}
	out := slices.Clone(prefix)
	for i, o := range out {
		if o.Outcome == history.OK && (o.Kind == history.Cas || o.Kind == history.Dequeue) && o.Return >= next {
			open := *o.Operation
			open.Outcome, open.Return, open.Error = history.Unknown, 0, "not answered yet when these operations were impossible already"
			if open.Kind == history.Dequeue {
				open.Value, open.Present = "", false
			}
			e := newOp(&open, forever, o.value)
			out[i] = &e
		}
	}
	return out
}

// shrinkBySearch drops ever smaller groups of operations as long as the search
// says that the rest is illegal, until ctx is done.
func shrinkBySearch(ctx context.Context, k *keyHistory, ops []*op, legal decider, without reducer) []*op {
	for size := (len(ops) + 1) / 2; size >= 1; size /= 2 {
		for end := len(ops); end > 0 && ctx.Err() == nil; end -= size {
			end = min(end, len(ops))
			drop := make(map[int64]bool, size)
			for _, o := range ops[max(0, end-size):end] {
				drop[o.ID] = true
			}
			rest := without(ops, drop)
			if len(rest) == len(ops) || len(rest) == 0 {
				continue
			}
			if ok, err := legal(ctx, evidence(k.key, originals(rest))); err == nil && !ok {
				ops = rest
			}
		}
	}
	return ops
}

// lacksEvidence asks for an answered read, and for a write that was
// acknowledged or whose effect a read found.
func lacksEvidence(found func(o *op) bool, need string) func(keys []*keyHistory) string {
	return func(keys []*keyHistory) string {
		read, wrote := false, false
		for _, k := range keys {
			for i := range k.ops {
				o := &k.ops[i]
				answered := o.Kind.Reads() && o.Outcome == history.OK
				read = read || answered
				wrote = wrote || o.Kind != history.Dequeue && o.Acknowledged() || answered && o.Present && found(o)
			}
		}
		if read && wrote {
			return ""
		}
		return need
	}
}
