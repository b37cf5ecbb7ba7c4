package models

import (
	"cmp"
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// eventual judges copies of a register that may lag behind while clients write:
// what is read must have been written, and once faults have healed and writes
// have ended, all copies agree on a state that no acknowledged write is missing
// from (shared design, "The eventual model, directly"). Writes take effect in
// an order that respects real time; reads need not follow it.
func eventual() Model {
	return Model{
		Name:  "eventual",
		Title: "reads may return old values, but once writes have ended all copies agree, and no acknowledged write is missing",
		Kinds: registerKinds(),
		local: &local{
			rules: func(k *keyHistory) (*finding, bool) {
				if f := valueRules(k); f != nil {
					return f, true
				}
				if f := copiesRule(k); f != nil {
					return f, true
				}
				if !k.unique {
					return nil, false
				}
				return finalRule(k), true
			},
			search:  searchFinal,
			explain: explainFinal,
		},
		lacks: lacksFinalReads,
	}
}

// finals returns the reads made after all faults were healed.
func finals(k *keyHistory) []*op {
	var out []*op
	for i := range k.ops {
		if o := &k.ops[i]; o.Final && o.Kind == history.Get {
			out = append(out, o)
		}
	}
	return out
}

// copiesRule finds two final reads that differ.
func copiesRule(k *keyHistory) *finding {
	reads := finals(k)
	for _, r := range reads {
		if first := reads[0]; r.value != first.value {
			ops := []*op{first, r}
			for _, read := range ops {
				if put := k.put(read.value); read.isRead() && put != nil {
					ops = append(ops, put)
				}
			}
			return &finding{
				rule: RuleCopiesDisagree, ops: ops, minimal: true,
				from: first.Call, to: r.ret, sentence: sentenceCopies(first, r),
			}
		}
	}
	return nil
}

// finalRule decides whether the value on which all final reads agree can be the
// last one written; values are unique.
func finalRule(k *keyHistory) *finding {
	reads := finals(k)
	if len(reads) == 0 {
		return nil
	}
	all := clusters(k)
	if final := reads[0]; final.isRead() {
		return overwritten(k, all, final)
	}
	return neverDeleted(k, all, reads[0])
}

// overwritten finds a write that began when the final value was certainly there.
func overwritten(k *keyHistory, all []cluster, final *op) *finding {
	var last *cluster
	for i := range all {
		if k.ops[all[i].put].value == final.value {
			last = &all[i]
		}
	}
	var missing *op
	for i := range k.ops {
		o := &k.ops[i]
		if o.value == final.value || !o.Kind.Writes() || !tookEffect(o) || o.Call <= last.min {
			continue
		}
		if missing == nil || cmp.Compare(o.Call, missing.Call) > 0 {
			missing = o
		}
	}
	if missing == nil {
		return nil
	}
	rule := RuleLostWrite
	if missing.Kind == history.Delete {
		rule = RuleDeletedCameBack
	}
	ops := append(last.ops(k), missing, final)
	if saw := firstSight(k, all, missing); saw != nil {
		ops = append(ops, saw)
	}
	return &finding{rule: rule, ops: ops, from: missing.Call, to: final.ret, sentence: sentenceFinalOld(k, last, missing, final)}
}

// neverDeleted finds a put that no delete can have followed, though the key is absent in the end.
func neverDeleted(k *keyHistory, all []cluster, final *op) *finding {
	lastDelete := time.Duration(-1)
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Delete {
			lastDelete = max(lastDelete, o.ret)
		}
	}
	var missing *op
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind == history.Put && tookEffect(o) && o.Call > lastDelete && (missing == nil || o.Call > missing.Call) {
			missing = o
		}
	}
	if missing == nil {
		return nil
	}
	ops := []*op{missing, final}
	if saw := firstSight(k, all, missing); saw != nil {
		ops = append(ops, saw)
	}
	return &finding{rule: RuleLostWrite, ops: ops, from: missing.Call, to: final.ret, sentence: sentenceFinalAbsent(missing, final)}
}

// tookEffect reports whether a write was acknowledged, or its value was read.
func tookEffect(o *op) bool { return o.ret != forever }

// firstSight returns the read that proves that an unknown put took effect; nil
// if it was acknowledged.
func firstSight(k *keyHistory, all []cluster, put *op) *op {
	if put.Outcome == history.OK {
		return nil
	}
	for i := range all {
		if c := &all[i]; &k.ops[c.put] == put {
			return &k.ops[c.first]
		}
	}
	return nil
}

// searchFinal says the same by search, also where values repeat: all writes,
// followed by the final reads, are linearizable. With unique values, a put has
// returned by the first read of its value.
func searchFinal(ctx context.Context, k *keyHistory) (bool, error) {
	if valueRules(k) != nil || copiesRule(k) != nil {
		return false, ctx.Err()
	}
	reads := finals(k)
	if len(reads) == 0 {
		return true, ctx.Err()
	}
	seen := make(map[int32]time.Duration)
	end := time.Duration(0)
	for i := range k.ops {
		o := &k.ops[i]
		end = max(end, o.Call)
		if o.ret != forever {
			end = max(end, o.ret)
		}
		if first, ok := seen[o.value]; o.isRead() && (!ok || o.ret < first) {
			seen[o.value] = o.ret
		}
	}
	var ops []*op
	for i := range k.ops {
		o := k.ops[i]
		if o.Kind == history.Get {
			continue
		}
		if first, ok := seen[o.value]; ok && k.unique && o.Kind == history.Put {
			o.ret = min(o.ret, max(first, o.Call))
		}
		ops = append(ops, &o)
	}
	// They agree, so that one stands for all, after everything else.
	last := *reads[0].Operation
	last.Call, last.Return = end+1, end+2
	theLast := newOp(&last, last.Return, reads[0].value)
	ops = append(ops, &theLast)
	return search(ctx, registerModel(ctx), registerOperations(ops))
}

// explainFinal explains a final state that only the search could rule out.
func explainFinal(_ context.Context, k *keyHistory) *finding {
	final := finals(k)[0]
	f := &finding{rule: RuleLostWrite, sentence: sentenceFinalImpossible(final)}
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind.Writes() {
			f.ops = append(f.ops, o)
		}
	}
	f.ops = append(f.ops, final)
	return f
}

// lacksFinalReads asks for a write and for a final read: reads while clients
// write hardly prove anything under this model.
func lacksFinalReads(keys []*keyHistory) string {
	final, wrote := false, false
	for _, k := range keys {
		for i := range k.ops {
			o := &k.ops[i]
			final = final || o.Final
			wrote = wrote || o.Kind.Writes() && tookEffect(o)
		}
	}
	switch {
	case !wrote:
		return "it needs at least one write that was acknowledged or read"
	case !final:
		return `it needs at least one read that is marked "final", made after writes had ended`
	}
	return ""
}
