package models

import (
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// valueRules finds reads of values that no write can explain. They hold under
// every model.
func valueRules(k *keyHistory) *finding {
	puts := make(map[string]*op)
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Put {
			if p := puts[o.Value]; p == nil || o.Call < p.Call {
				puts[o.Value] = o
			}
		}
	}
	var worst *finding
	consider := func(f *finding) {
		if worst == nil || f.rule.severity() < worst.rule.severity() {
			worst = f
		}
	}
	for i := range k.ops {
		o := &k.ops[i]
		if !o.isRead() {
			continue
		}
		put := puts[o.Value]
		switch {
		case o.Defect != "":
			consider(&finding{rule: RuleTornValue, ops: []*op{o}, sentence: sentenceDefect(o)})
		case put != nil && o.ret < put.Call:
			consider(&finding{rule: RuleNeverWritten, ops: []*op{o, put}, sentence: sentenceFuture(o, put)})
		case put != nil:
		default:
			if f := failedWrite(k, o); f != nil {
				consider(f)
			} else if whole := cutOff(puts, o); whole != nil {
				consider(&finding{rule: RuleTornValue, ops: []*op{whole, o}, sentence: sentenceCutOff(o, whole)})
			} else {
				consider(&finding{rule: RuleNeverWritten, ops: []*op{o}, sentence: sentenceNeverWritten(o)})
			}
		}
	}
	return worst
}

// failedWrite finds the put that was answered with a failure and was read all the same.
func failedWrite(k *keyHistory, read *op) *finding {
	for _, w := range k.failed {
		if w.Kind == history.Put && w.Value == read.Value {
			failed := &op{Operation: w, ret: w.Return}
			return &finding{rule: RuleFailedVisible, ops: []*op{failed, read}, sentence: sentenceFailedVisible(read, failed)}
		}
	}
	return nil
}

// cutOff finds a put of which the read returned only the beginning.
func cutOff(puts map[string]*op, read *op) *op {
	var found *op
	for value, p := range puts {
		if len(value) > len(read.Value) && strings.HasPrefix(value, read.Value) && (found == nil || p.Call < found.Call) {
			found = p
		}
	}
	return found
}

// zoneRules applies the conditions for a register with unique values that need
// no search (shared design, "Checking one key", conditions 2 to 4, and 5 where
// no delete at all can explain an absent read). Every finding is exact; no
// finding decides nothing.
func zoneRules(k *keyHistory) *finding {
	all := clusters(k)
	z, older, newer := forwardZones(all)
	if older != nil {
		return staleOrLost(older, newer)
	}
	for _, c := range all {
		if c.forward() {
			continue
		}
		if zone := z.around(c.max(), c.min()); zone != nil {
			return staleOrLost(zone, c)
		}
	}
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind != history.Delete || o.Outcome != history.OK {
			continue
		}
		if zone := z.around(o.Call, o.ret); zone != nil {
			return &finding{
				rule: RuleDeletedCameBack, ops: []*op{zone.put, zone.first, o, zone.last},
				from: o.ret, to: zone.last.Call, sentence: sentenceCameBack(o, zone.last),
			}
		}
	}
	return absentRule(k, all, z)
}

// staleOrLost explains that old was current before and after newer was.
func staleOrLost(old, newer *cluster) *finding {
	f := &finding{
		ops:  []*op{old.put, old.first, old.last, newer.put, newer.first, newer.last},
		from: newer.min(), to: old.max(),
	}
	for _, r := range newer.reads {
		if r.Call > old.max() {
			// The newer value was seen again later: it was not lost, only not seen.
			f.rule, f.sentence = RuleStaleRead, sentenceStale(old, newer)
			return f
		}
	}
	f.rule, f.sentence = RuleLostWrite, sentenceLost(old, newer)
	return f
}

// absentRule finds a read that found nothing although a value was current and
// no delete, acknowledged or unknown, could have removed it in between.
func absentRule(k *keyHistory, all []*cluster, z zones) *finding {
	var deletes []*op
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Delete {
			deletes = append(deletes, o)
		}
	}
	latest := latestBefore(all)
	for i := range k.ops {
		o := &k.ops[i]
		if !o.isAbsentRead() {
			continue
		}
		c := latest(o.Call)
		if c == nil {
			continue
		}
		until := o.ret
		zone := z.around(until, until)
		if zone != nil {
			// Nothing can be deleted inside the zone, so a delete before it must do.
			until = zone.min()
		}
		explained := func(d *op) bool { return d.Call <= until && d.ret >= c.max() }
		if c.max() <= until && slices.ContainsFunc(deletes, explained) {
			continue
		}
		return absentFinding(o, c, zone, deletes)
	}
	return nil
}

// absentFinding proves that read must have found a value: c's, with the zone
// around the read's return, if there is one, and with every delete that looks
// as if it could explain the absence.
func absentFinding(read *op, c, zone *cluster, deletes []*op) *finding {
	f := &finding{
		rule: RuleLostWrite, ops: []*op{c.put, c.first, c.last, read},
		from: c.min(), to: read.Call, sentence: sentenceAbsent(read, c),
	}
	if zone != nil {
		f.ops = append(f.ops, zone.put, zone.first, zone.last)
	}
	if read.before(c.last) {
		f.rule = RuleStaleRead // the value is seen again later: it was not lost, only not found
	}
	for _, d := range deletes {
		if d.Call <= read.ret && d.ret >= c.put.Call {
			f.ops = append(f.ops, d)
		}
	}
	return f
}
