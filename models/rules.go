package models

import (
	"strings"
	"sync"

	"github.com/st3v3nmw/lsfr/history"
)

// valueRules finds reads of values that no write can explain. They hold under
// every model of a register, also when values repeat.
func valueRules(k *keyHistory) *finding {
	var worst *finding
	consider := func(f *finding) {
		if worst == nil || f.rule.severity() < worst.rule.severity() {
			worst = f
		}
	}
	var missing []*op
	for i := range k.ops {
		o := &k.ops[i]
		if !o.isRead() {
			continue
		}
		put := k.put(o.value)
		switch {
		case o.Defect != "":
			consider(&finding{rule: RuleTornValue, ops: []*op{o}, sentence: sentenceDefect(o)})
		case put == nil:
			missing = append(missing, o)
		case o.ret < put.Call:
			consider(&finding{rule: RuleNeverWritten, ops: []*op{o, put}, sentence: sentenceFuture(o, put)})
		}
	}
	if len(missing) > 0 {
		consider(worstMissing(k, missing))
	}
	if worst != nil {
		worst.minimal = true
	}
	return worst
}

// explained is how many reads without a put are looked at closely: each costs a
// pass over all values, and the worst is most likely among the first.
const explained = 100

// worstMissing explains the reads whose value nobody put.
func worstMissing(k *keyHistory, missing []*op) *finding {
	failed := make(map[string]*history.Operation)
	for _, w := range k.failed {
		if w.Kind == history.Put {
			failed[w.Value] = w
		}
	}
	var worst *finding
	for i, read := range missing {
		f := &finding{rule: RuleNeverWritten, ops: []*op{read}, sentence: sentenceNeverWritten(read)}
		if w := failed[read.Value]; w != nil {
			failedPut := newOp(w, w.Return, absent)
			put := &failedPut
			f = &finding{rule: RuleFailedVisible, ops: []*op{put, read}, sentence: sentenceFailedVisible(read, put)}
		} else if i < explained {
			if whole := cutOff(k, read); whole != nil {
				f = &finding{rule: RuleTornValue, ops: []*op{whole, read}, sentence: sentenceCutOff(read, whole)}
			}
		}
		if worst == nil || f.rule.severity() < worst.rule.severity() {
			worst = f
		}
	}
	return worst
}

// cutOff finds the first put of which the read returned only the beginning.
func cutOff(k *keyHistory, read *op) *op {
	var found *op
	for _, i := range k.firstPut {
		if i < 0 {
			continue
		}
		p := &k.ops[i]
		if len(p.Value) > len(read.Value) && strings.HasPrefix(p.Value, read.Value) && (found == nil || p.Call < found.Call) {
			found = p
		}
	}
	return found
}

// zoneRules decides whether a register with unique values, all of whose reads
// have their put, is linearizable: conditions 2 to 5 of "Checking one key in
// O(n log n), exactly" (shared design). The first two are Gibbons & Korach,
// Testing Shared Memories, SIAM J. Comput. 1997.
func zoneRules(k *keyHistory) *finding {
	all, absent := gather(k)
	z, older, newer := forwardZones(all)
	if older != nil {
		return staleOrLost(k, older, newer)
	}
	finder := zoneFinder{zones: z}
	for i := range all {
		c := &all[i]
		if c.forward() {
			continue
		}
		if zone := finder.around(c.max, c.min); zone != nil {
			return staleOrLost(k, zone, c)
		}
	}
	for _, o := range absent.deletes {
		if zone := finder.around(o.Call, o.ret); zone != nil {
			last := &k.ops[zone.last]
			return &finding{
				rule: RuleDeletedCameBack, ops: append(zone.ops(k), o.op),
				from: o.ret, to: zone.max, sentence: sentenceCameBack(o.op, last),
			}
		}
	}
	return absentRule(k, all, z, absent)
}

// severalCores is the size, in operations, from which on a single key is worth
// a second goroutine.
const severalCores = 50_000

// gather collects what the conditions are about.
func gather(k *keyHistory) (all []cluster, a absence) {
	if len(k.ops) < severalCores {
		return clusters(k), absences(k)
	}
	var wg sync.WaitGroup
	wg.Go(func() { a = absences(k) })
	all = clusters(k)
	wg.Wait()
	return all, a
}

// ops returns what makes a cluster the interval that it is.
func (c *cluster) ops(k *keyHistory) []*op {
	return []*op{&k.ops[c.put], &k.ops[c.first], &k.ops[c.last]}
}

// staleOrLost explains that old was current before and after newer was.
func staleOrLost(k *keyHistory, old, newer *cluster) *finding {
	f := &finding{
		ops:  append(old.ops(k), newer.ops(k)...),
		from: newer.min, to: old.max, rule: RuleStaleRead,
	}
	if newer.last != newer.put && newer.max > old.max {
		// The newer value was seen again later: it was not lost, only not seen.
		f.sentence = sentenceStale(k, old, newer)
		return f
	}
	lost := isLost(k, newer, &k.ops[old.last])
	if lost {
		f.rule = RuleLostWrite
	}
	f.sentence = sentenceLost(k, old, newer, lost)
	return f
}
