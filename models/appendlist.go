package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// appendList judges each key as a list that elements are appended to, or as a
// text that texts are appended to, see textOf. A put replaces all of it.
func appendList() Model {
	return Model{
		Name:  "append",
		Title: "linearizable list: a read finds everything appended before it, in that order, and nothing else",
		Kinds: []history.Kind{history.Get, history.Put, history.Append},
		local: &local{
			rules:   appendRules,
			search:  func(ctx context.Context, k *keyHistory) (bool, error) { return searchText(ctx, textOf(k)) },
			explain: explainText,
			shrinks: true, // proofs by the rules of a register; the others are minimal
		},
		lacks: lacksEvidence(foundElements, "it needs at least one read that was answered and one append or put that was acknowledged or read"),
	}
}

// holdsLists says whether the reads of a key hold JSON arrays. Otherwise they
// hold plain texts: then append concatenates, as in the key-value stores that
// porcupine's examples judge. A key that holds nothing may read as the empty
// text, or as no value, either way; if that is all that was read, only what was
// appended tells the two apart: an empty text may be there unseen.
func holdsLists(k *keyHistory) bool {
	var buffer []string
	lists, emptyRead, emptyAppend := false, false, false
	for i := range k.ops {
		o := &k.ops[i]
		switch {
		case o.Kind == history.Append:
			emptyAppend = emptyAppend || o.Value == ""
		case o.Defect != "":
		case o.isAbsentRead() || o.Value == "":
			emptyRead = true
		default:
			var err error
			if buffer, err = parseElements(o.Value, buffer[:0]); err != nil {
				return false
			}
			lists = true
		}
	}
	return lists || !emptyRead || !emptyAppend
}

// appendRules decides lists whose elements are unique and that no put replaced,
// see layer, and keys without appends, as registers. On lists with repeated
// elements it finds those that no append can explain.
func appendRules(k *keyHistory) (*finding, bool) {
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == history.Get && o.Defect != "" {
			return tornElements(o), true
		}
	}
	puts, appends, repeated := 0, make(map[string]*op), false
	for i := range k.ops {
		switch o := &k.ops[i]; o.Kind {
		case history.Put:
			puts++
		case history.Append:
			repeated = repeated || appends[o.Value] != nil
			appends[o.Value] = o
		}
	}
	if !holdsLists(k) {
		// A register, unless the empty text matters, which is the same as none.
		if _, empty := k.numbers.find(""); len(appends) == 0 && !empty {
			return linearizable().local.rules(k)
		}
		return nil, false
	}
	if puts > 0 {
		return nil, false
	}
	l := newListHistory(k, appends)
	if f := l.unexplained(); f != nil {
		return f, true
	}
	if repeated {
		return nil, false
	}
	return l.decide(), true
}

// listHistory is a key that holds lists and was never put.
type listHistory struct {
	k       *keyHistory
	appends map[string]*op
	reads   []listRead // the shortest first
	longest []string   // what the longest read found
}

type listRead struct {
	*op
	// open is the text of the list without its closing bracket: it is the
	// beginning of another's if and only if the one list is the beginning of the other.
	open   string
	length int // elements
}

func newListHistory(k *keyHistory, appends map[string]*op) *listHistory {
	l := &listHistory{k: k, appends: appends}
	var buffer []string
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind != history.Get {
			continue
		}
		buffer, _ = elements(o, buffer[:0]) // holdsLists has read it before
		open := "["
		if text := strings.TrimSpace(o.Value); o.Present && text != "" {
			open = text[:len(text)-1]
		}
		l.reads = append(l.reads, listRead{o, open, len(buffer)})
	}
	slices.SortStableFunc(l.reads, func(a, b listRead) int { return cmp.Compare(a.length, b.length) })
	if n := len(l.reads); n > 0 {
		l.longest = l.found(l.reads[n-1].op)
	}
	return l
}

func (l *listHistory) found(o *op) []string {
	list, _ := elements(o, nil)
	return list
}

// unexplained finds an element that no append can explain.
func (l *listHistory) unexplained() *finding {
	if len(l.reads) == 0 {
		return nil
	}
	origin := writesOf(l.k, history.Append)
	var worst *finding
	explain := func(r *op) {
		for _, element := range l.found(r) {
			worst = worse(worst, origin.unexplained(r, element))
		}
	}
	// In the beginning of the longest read, only the time can be wrong.
	last := l.reads[len(l.reads)-1]
	explain(last.op)
	called := make([]time.Duration, 1, len(l.longest)+1) // by length: the latest of the first calls
	for i, element := range l.longest {
		latest := called[i]
		if w := origin.first[element]; w != nil {
			latest = max(latest, w.Call)
		}
		called = append(called, latest)
	}
	for _, r := range l.reads[:len(l.reads)-1] {
		if !strings.HasPrefix(last.open, r.open) || r.ret < called[r.length] {
			explain(r.op)
		}
	}
	return worst
}

// decide judges a list with unique elements, all of them appended.
func (l *listHistory) decide() *finding {
	position := make(map[string]int, len(l.longest))
	for i, element := range l.longest {
		if first, twice := position[element]; twice {
			return l.twice(element, first, i)
		}
		position[element] = i
	}
	for canonical := false; ; canonical = true {
		i := l.contradiction()
		if i < 0 {
			break
		}
		if canonical {
			return l.disagreement(l.reads[i], l.reads[i+1])
		}
		// One list can be written in more than one way.
		for i := range l.reads {
			text := history.FormatElements(l.found(l.reads[i].op))
			l.reads[i].open = text[:len(text)-1]
		}
	}
	layers := make([]layer, len(l.longest)+2)
	for i, element := range l.longest {
		layers[i+1].elements = [][]*op{{l.appends[element]}}
	}
	for _, r := range l.reads {
		layers[r.length].reads = append(layers[r.length].reads, r.op)
	}
	// What nobody read was appended last, or never.
	last := &layers[len(layers)-1]
	for i := range l.k.ops {
		o := &l.k.ops[i]
		if _, read := position[o.Value]; o.Kind == history.Append && !read {
			last.elements = append(last.elements, []*op{o})
		}
	}
	if early, late := inversion(layers); early != nil {
		return l.inverted(early, late, position)
	}
	return nil
}

// contradiction returns the first read that is not the beginning of the next
// longer one, or -1.
func (l *listHistory) contradiction() int {
	for i := 1; i < len(l.reads); i++ {
		if !strings.HasPrefix(l.reads[i].open, l.reads[i-1].open) {
			return i - 1
		}
	}
	return -1
}

func (l *listHistory) twice(element string, first, second int) *finding {
	r, w := l.reads[len(l.reads)-1].op, l.appends[element]
	return l.complete(&finding{
		rule: RuleDuplicate, ops: []*op{r, w}, minimal: true,
		sentence: fmt.Sprintf("Client %d read %s%s at %s and found %s twice, as element %d and as element %d. But it was appended only once, by client %d.",
			r.Client, r.Key, via(r), at(r.ret), quote(element), first+1, second+1, w.Client),
	})
}

func (l *listHistory) disagreement(a, b listRead) *finding {
	left, right := l.found(a.op), l.found(b.op)
	i := 0
	for i < len(left) && i < len(right) && left[i] == right[i] {
		i++
	}
	if i == len(left) { // not reached: then a is the beginning of b
		i--
	}
	f := &finding{rule: RuleWritesReordered, ops: []*op{a.op, b.op}, minimal: true}
	f.sentence = fmt.Sprintf("Client %d read %s%s at %s and found %s as element %d; client %d read it%s at %s and found %s there. A list only grows at its end, so that both cannot be.",
		a.Client, a.Key, via(a.op), at(a.ret), quote(left[i]), i+1, b.Client, via(b.op), at(b.ret), quote(right[i]))
	return l.complete(f)
}

// inverted explains that late belongs after early in every order, and yet
// returned before early was called.
func (l *listHistory) inverted(early, late *op, position map[string]int) *finding {
	if early.Kind == history.Get {
		element := late.Value
		if late.Kind == history.Get {
			element = l.longest[len(l.found(early))]
		}
		var reads []*op
		if i, read := position[element]; read {
			reads = l.longerThan(i)
		}
		return l.complete(missed(early, element, late, firstAfter(reads, early.Call, func(*op) bool { return true })))
	}
	if i, read := position[late.Value]; read {
		r := l.longerThan(i)[0]
		return l.complete(&finding{
			rule: RuleWritesReordered, ops: []*op{early, late, r}, from: late.ret, to: early.Call, minimal: true,
			sentence: fmt.Sprintf("Client %d read %s%s at %s and found %s before %s. But the %s had been acknowledged %s before the %s was sent: they are in the wrong order.",
				r.Client, r.Key, via(r), at(r.ret), quote(early.Value), quote(late.Value),
				act(late.Kind, late.Value, late.Client), gap(late.ret, early.Call), act(early.Kind, early.Value, early.Client)),
		})
	}
	return l.complete(overtaken(l.longerThan(position[early.Value])[0], early, late))
}

// longerThan returns the reads that found more than n elements, the shortest first.
func (l *listHistory) longerThan(n int) []*op {
	var out []*op
	for _, r := range l.reads {
		if r.length > n {
			out = append(out, r.op)
		}
	}
	return out
}

// complete adds to a proof what shows that it is about a list, see holdsLists,
// and where its elements come from.
func (l *listHistory) complete(f *finding) *finding {
	isList := func(o *op) bool { return o.isRead() && o.Value != "" }
	if !slices.ContainsFunc(f.ops, isList) && slices.ContainsFunc(f.ops, func(o *op) bool { return o.Value == "" }) {
		if i := slices.IndexFunc(l.reads, func(r listRead) bool { return isList(r.op) }); i >= 0 {
			f.ops = append(f.ops, l.reads[i].op)
		}
	}
	return withWrites(f, l.found, writesByElement(l.k, history.Append))
}
