package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// leg is a part of an explanation: events of which each follows from the one
// before, by session or by reading, and what that shows.
type leg struct {
	nodes []int32
	// shows is set if it shows that the write to came after the write from.
	shows    bool
	from, to int32
}

// nodes returns the events along a path, without those in the middle of a session.
func (s *sessions) nodes(path []arc) []int32 {
	out := []int32{path[0].from}
	for i, a := range path {
		if i+1 < len(path) && !s.sees(a) && !s.sees(path[i+1]) {
			continue
		}
		out = append(out, a.to)
	}
	return out
}

// sees reports whether an arc leads from a write to a read that saw it.
func (s *sessions) sees(a arc) bool {
	e := &s.events[a.to]
	return !e.isWrite() && e.from == a.from
}

// tell makes a finding of an explanation. A read from fromAny comes with a delete
// that it may have seen: the explanation holds in spite of it.
func (s *sessions) tell(key int32, rule Rule, legs []leg, conclusion string) *finding {
	f := &finding{key: s.names[key], rule: rule, minimal: true}
	var sentences []string
	for _, l := range legs {
		for _, n := range l.nodes {
			f.ops = append(f.ops, s.events[n].op)
			if e := &s.events[n]; !e.isWrite() && e.from == fromAny {
				f.ops = append(f.ops, s.events[s.candidates(n)[0]].op)
			}
		}
		text := s.narrate(l.nodes)
		if l.shows {
			f.ops = append(f.ops, s.events[l.from].op, s.events[l.to].op)
			text += fmt.Sprintf(", so %s came after %s", s.effect(l.to, true), s.effect(l.from, false))
		}
		sentences = append(sentences, text+".")
	}
	f.ops = sorted(f.ops)
	f.sentence = strings.Join(sentences, " ") + " " + conclusion
	return f
}

// narrate tells what clients did, one after the other.
func (s *sessions) narrate(nodes []int32) string {
	var b strings.Builder
	for i, n := range nodes {
		e := &s.events[n]
		switch {
		case i == 0:
			fmt.Fprintf(&b, "Client %d ", e.Client)
		case e.Client == s.events[nodes[i-1]].Client:
			b.WriteString(" and then ")
		default:
			fmt.Fprintf(&b, "; client %d ", e.Client)
		}
		switch {
		case e.Kind == history.Put:
			fmt.Fprintf(&b, "wrote %s = %s", e.Key, quote(e.Value))
		case e.Kind == history.Delete:
			fmt.Fprintf(&b, "deleted %s", e.Key)
		case e.Present:
			fmt.Fprintf(&b, "read %s = %s", e.Key, quote(e.Value))
		default:
			fmt.Fprintf(&b, "found no value for %s", e.Key)
		}
		if i == len(nodes)-1 && !e.isWrite() {
			fmt.Fprintf(&b, "%s at %s", via(e.op), at(e.ret))
		}
	}
	return b.String()
}

// effect names what a write left behind; or, given a read that found nothing, what it saw.
func (s *sessions) effect(w int32, key bool) string {
	e := &s.events[w]
	switch {
	case e.isAbsentRead():
		return fmt.Sprintf("the delete that client %d saw", e.Client)
	case e.Kind == history.Delete:
		return fmt.Sprintf("client %d's delete of %s", e.Client, e.Key)
	case key:
		return fmt.Sprintf("%s = %s", e.Key, quote(e.Value))
	}
	return quote(e.Value)
}

// hadToSee concludes that read r missed write w.
func (s *sessions) hadToSee(r, w int32) string {
	text := fmt.Sprintf("By then client %d had to see %s, or something newer", s.events[r].Client, s.effect(w, false))
	if s.events[r].Present {
		text += ", and not " + state(s.events[r].op)
	}
	return text + "."
}

// cycleSteps bounds the search for short cycles; the first is always found.
const cycleSteps = 2_000_000

// cycleTries is how many arcs of a key a short cycle is looked for through.
const cycleTries = 4

// cycles explains why no order of the events fits: at most one cycle per key,
// none that depends on keys in judged. explain tells the events that an inferred
// arc was inferred from.
func (s *sessions) cycles(g *graph, rule Rule, judged map[int32]bool, explain func(a arc) []int32) []*finding {
	component := g.components()
	inCycle := func(a *arc) bool { return component[a.from] == component[a.to] }
	candidates := make(map[int32][]arc) // by key
	for _, a := range g.arcs {
		key := s.events[a.to].key
		if a.inferred && inCycle(&a) && !judged[key] && len(candidates[key]) < cycleTries {
			candidates[key] = append(candidates[key], a)
		}
	}
	var findings []*finding
	steps := 0
	for key := range s.names {
		var shortest []arc
		for _, a := range candidates[int32(key)] {
			if steps > cycleSteps && (len(findings) > 0 || shortest != nil) {
				break
			}
			back := g.path([]int32{a.from}, func(n int32) bool { return n == a.to }, func(a *arc) bool { steps++; return inCycle(a) })
			if shortest == nil || len(back)+1 < len(shortest) {
				shortest = append([]arc{a}, back...)
			}
		}
		if shortest == nil || slices.ContainsFunc(shortest, func(a arc) bool { return a.inferred && judged[s.events[a.to].key] }) {
			continue
		}
		findings = append(findings, s.tell(int32(key), rule, s.legs(shortest, explain), "That cannot all be."))
		for _, a := range shortest {
			if a.inferred {
				judged[s.events[a.to].key] = true
			}
		}
	}
	return findings
}

// legs explains the arcs of a cycle that begins with an inferred one.
func (s *sessions) legs(cycle []arc, explain func(a arc) []int32) []leg {
	var legs []leg
	for i := 0; i < len(cycle); {
		if a := cycle[i]; a.inferred {
			legs = append(legs, leg{nodes: explain(a), shows: true, from: a.from, to: a.to})
			i++
			continue
		}
		from := i
		for i < len(cycle) && !cycle[i].inferred {
			i++
		}
		legs = append(legs, leg{nodes: s.nodes(cycle[from:i])})
	}
	return legs
}
