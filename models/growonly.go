package models

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// What only grows, a set or a list, is judged by its reads: they must be one
// another's beginnings, and so put everything into layers. A layer is what
// appeared since the reads of the layer before, and then the reads that found
// all of it and no more.
//
// Within a layer, the writes come in any order, and then the reads in any
// order. So an order that respects real time exists if and only if nothing
// returned before something of an earlier layer, or a write of its own layer
// if it is a read, was called. (Give everything, layer by layer, the latest
// call up to there as its moment: it is too late only for what returned before
// that call.)
type layer struct {
	// elements are the writes of each element that appeared, the one called
	// first in front. That one brings the element; the others change nothing,
	// and so may follow at any later time.
	elements [][]*op
	reads    []*op
}

// inversion returns the first operation, late, that returned before one was
// called, early, which comes before it in every order; nil, nil if there is none.
func inversion(layers []layer) (early, late *op) {
	var latest *op // called latest so far
	precedes := func(o *op) bool { return latest != nil && o.before(latest) }
	call := func(o *op) {
		if latest == nil || o.Call > latest.Call {
			latest = o
		}
	}
	for i := range layers {
		l := &layers[i]
		for _, same := range l.elements {
			for _, o := range same {
				if precedes(o) {
					return latest, o
				}
			}
		}
		for _, same := range l.elements {
			call(same[0])
		}
		for _, o := range l.reads {
			if precedes(o) {
				return latest, o
			}
		}
		for _, o := range l.reads {
			call(o)
		}
	}
	return nil, nil
}

// missed explains that read did not find an element which proof, an operation
// before it, shows to have been there. later is a read that found it all the
// same, or nil.
func missed(read *op, element string, proof, later *op) *finding {
	f := &finding{ops: []*op{read, proof}, from: proof.ret, to: read.Call, minimal: true}
	how := fmt.Sprintf("the %s had been acknowledged", act(proof.Kind, element, proof.Client))
	if proof.Kind == history.Get {
		how = fmt.Sprintf("client %d had found it", proof.Client)
	}
	f.sentence = fmt.Sprintf("Client %d read %s%s at %s and did not find %s. But %s %s before that read was sent",
		read.Client, read.Key, via(read), at(read.ret), quote(element), how, gap(proof.ret, read.Call))
	if later == nil {
		f.rule, f.sentence = RuleLostWrite, f.sentence+", and no later read found it: it is lost."
		return f
	}
	f.ops = append(f.ops, later)
	f.rule = RuleStaleRead
	f.sentence += fmt.Sprintf(", and client %d found it at %s: the read is stale.", later.Client, at(later.ret))
	return f
}

// overtaken explains that read found an element without another one that had
// been acknowledged before the first was sent.
func overtaken(read, found, without *op) *finding {
	return &finding{
		rule: RuleLostWrite, ops: []*op{read, found, without}, from: without.ret, to: found.Call, minimal: true,
		sentence: fmt.Sprintf("Client %d read %s%s at %s and found %s, but not %s. But the %s had been acknowledged %s before the %s was sent: it is lost, or came too late.",
			read.Client, read.Key, via(read), at(read.ret), quote(found.Value), quote(without.Value),
			act(without.Kind, without.Value, without.Client), gap(without.ret, found.Call), act(found.Kind, found.Value, found.Client)),
	}
}

// tornElements explains a read that is no collection at all.
func tornElements(o *op) *finding {
	f := &finding{rule: RuleTornValue, ops: []*op{o}, minimal: true}
	if o.Defect != "" {
		f.sentence = sentenceDefect(o)
		return f
	}
	f.sentence = fmt.Sprintf("%s, which is no JSON array of strings.", saw(o, o.Value))
	return f
}

// withWrites adds to a proof the writes of everything that its reads found, so
// that the proof is illegal for the reason given and for no other. With too
// many of them a person would see nothing any more: then the proof is left as
// it is, with the operations that the sentence is about.
func withWrites(f *finding, found func(read *op) []string, written map[string][]*op) *finding {
	all := slices.Clone(f.ops)
	for _, o := range f.ops {
		if o.Kind != history.Get {
			continue
		}
		for _, element := range found(o) {
			all = append(all, written[element]...)
		}
	}
	if all = sorted(all); len(all) <= confirmed {
		f.ops = all
	}
	return f
}

// elements returns the elements that a read found, appended to buffer; nil if
// the key had no value.
func elements(o *op, buffer []string) ([]string, error) {
	if !o.Present {
		return buffer, nil
	}
	return parseElements(o.Value, buffer)
}

// parseElements is history.ParseElements, fast for the text that
// history.FormatElements writes unless it has escapes.
func parseElements(text string, buffer []string) ([]string, error) {
	if out, ok := splitElements(text, buffer); ok {
		return out, nil
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "[") { // JSON's null would be no error
		return nil, fmt.Errorf("%s is not a JSON array of strings", quote(text))
	}
	list, err := history.ParseElements(text)
	return append(buffer, list...), err
}

// splitElements splits at "," between quotes. Without escapes, a quote cannot
// be anything but the end of an element.
func splitElements(text string, buffer []string) (out []string, ok bool) {
	if text == "[]" {
		return buffer, true
	}
	text, opens := strings.CutPrefix(text, `["`)
	text, closes := strings.CutSuffix(text, `"]`)
	if !opens || !closes || strings.Contains(text, `\`) {
		return nil, false
	}
	for out = buffer; ; {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			return append(out, text), true
		}
		out = append(out, text[:i])
		if text, ok = strings.CutPrefix(text[i:], `","`); !ok {
			return nil, false
		}
	}
}

// writesByElement groups writes of a kind by element, each group by call time.
func writesByElement(k *keyHistory, kind history.Kind) map[string][]*op {
	out := make(map[string][]*op)
	for i := range k.ops {
		if o := &k.ops[i]; o.Kind == kind {
			out[o.Value] = append(out[o.Value], o)
		}
	}
	for _, same := range out {
		slices.SortStableFunc(same, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	}
	return out
}

// firstAfter returns the first of the reads that was called after t and found
// something; nil if none did.
func firstAfter(reads []*op, t time.Duration, found func(read *op) bool) *op {
	var first *op
	for _, r := range reads {
		if r.Call > t && (first == nil || r.Call < first.Call) && found(r) {
			first = r
		}
	}
	return first
}

// foundElements reports whether a read found anything at all.
func foundElements(o *op) bool { return o.Value != "[]" && o.Value != "" }
