package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// growOnlySet judges each key as a set that elements are only added to. The
// order in which a read lists them, and whether it lists one twice, means nothing.
func growOnlySet() Model {
	return Model{
		Name:  "set",
		Title: "linearizable set that only grows: a read finds everything added before it, and nothing else",
		Kinds: []history.Kind{history.Get, history.Add},
		local: &local{
			rules:  setRules,
			search: searchSet,
			explain: func(ctx context.Context, k *keyHistory) *finding {
				return explainBySearch(ctx, k, searchSet, nil, withoutAdds, func(ops []*op) string {
					return fmt.Sprintf("These %d operations on %s cannot be put into any order that respects real time and in which every read finds exactly what was added before it.", len(ops), ops[0].Key)
				})
			},
		},
		lacks: lacksEvidence(foundElements, "it needs at least one read that was answered and one add that was acknowledged or read"),
	}
}

// setHistory is a key's evidence, its elements numbered.
type setHistory struct {
	k       *keyHistory
	names   []string
	numbers map[string]int32
	adds    [][]*op // by element, the one called first in front
	reads   []setRead
}

// setRead is a read with the distinct elements that it found.
type setRead struct {
	*op
	found []int32
}

// newSetHistory reads the reads. The finding is what no add can explain.
func newSetHistory(k *keyHistory) (*setHistory, *finding) {
	s := &setHistory{k: k, numbers: make(map[string]int32)}
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind != history.Add {
			continue
		}
		n, ok := s.numbers[o.Value]
		if !ok {
			n = int32(len(s.names))
			s.numbers[o.Value] = n
			s.names, s.adds = append(s.names, o.Value), append(s.adds, nil)
		}
		s.adds[n] = append(s.adds[n], o)
	}
	for _, same := range s.adds {
		slices.SortStableFunc(same, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	}
	origin := writesOf(k, history.Add)
	var worst *finding
	var buffer []string
	listed := make([]int, len(s.names)) // by element: the number, from 1, of the last read that listed it
	for i := range k.ops {
		o := &k.ops[i]
		if o.Kind != history.Get {
			continue
		}
		var err error
		buffer, err = elements(o, buffer[:0])
		if err != nil || o.Defect != "" {
			worst = worse(worst, tornElements(o))
			continue
		}
		r := setRead{op: o, found: make([]int32, 0, len(buffer))}
		for _, element := range buffer {
			n, ok := s.numbers[element]
			if !ok || o.ret < s.adds[n][0].Call {
				worst = worse(worst, origin.unexplained(o, element))
				continue
			}
			if listed[n] != i+1 {
				listed[n] = i + 1
				r.found = append(r.found, n)
			}
		}
		s.reads = append(s.reads, r)
	}
	return s, worst
}

// setRules decides always: see layer.
func setRules(k *keyHistory) (*finding, bool) {
	s, f := newSetHistory(k)
	if f != nil {
		return f, true
	}
	slices.SortStableFunc(s.reads, func(a, b setRead) int { return cmp.Compare(len(a.found), len(b.found)) })
	layers := []layer{{}} // the first is the empty set
	size := 0
	const unread = -1
	of := make([]int, len(s.names)) // element to its layer
	for n := range of {
		of[n] = unread
	}
	for i, r := range s.reads {
		inside := 0
		for _, n := range r.found {
			if of[n] != unread {
				inside++
			}
		}
		if inside < size {
			return s.disagreement(s.reads[i-1], r), true
		}
		if len(r.found) > size {
			size = len(r.found)
			layers = append(layers, layer{})
			top := &layers[len(layers)-1]
			for _, n := range r.found {
				if of[n] == unread {
					of[n] = len(layers) - 1
					top.elements = append(top.elements, s.adds[n])
				}
			}
		}
		top := &layers[len(layers)-1]
		top.reads = append(top.reads, r.op)
	}
	// What nobody read was added last, or never.
	layers = append(layers, layer{})
	top := &layers[len(layers)-1]
	for n, same := range s.adds {
		if of[n] == unread {
			top.elements = append(top.elements, same)
		}
	}
	early, late := inversion(layers)
	if early == nil {
		return nil, true
	}
	return s.inverted(early, late, layers, of), true
}

// disagreement explains two reads each of which found what the other did not.
func (s *setHistory) disagreement(a, b setRead) *finding {
	onlyA, onlyB := s.names[difference(a, b)], s.names[difference(b, a)]
	f := &finding{
		rule: RuleStaleRead, ops: []*op{a.op, b.op}, minimal: true,
		sentence: fmt.Sprintf("Client %d read %s%s at %s and found %s, but not %s; client %d read it%s at %s and found %s, but not %s. Nothing is ever removed, so one of the two reads missed what was there already.",
			a.Client, a.Key, via(a.op), at(a.ret), quote(onlyA), quote(onlyB), b.Client, via(b.op), at(b.ret), quote(onlyB), quote(onlyA)),
	}
	return s.complete(f)
}

// difference returns an element that a found and b did not.
func difference(a, b setRead) int32 {
	for _, n := range a.found {
		if !slices.Contains(b.found, n) {
			return n
		}
	}
	return 0 // not reached: the caller knows that there is one
}

// inverted explains that late belongs after early in every order, and yet
// returned before early was called.
func (s *setHistory) inverted(early, late *op, layers []layer, of []int) *finding {
	var f *finding
	switch {
	case early.Kind == history.Get && late.Kind == history.Get:
		n := difference(*s.read(late), *s.read(early))
		f = missed(early, s.names[n], late, s.later(n, early))
	case early.Kind == history.Get:
		n := s.numbers[late.Value]
		f = missed(early, late.Value, late, s.later(n, early))
	default:
		// An element appeared before another one whose add had returned: the
		// reads of its layer found the one and not the other.
		f = overtaken(layers[of[s.numbers[early.Value]]].reads[0], early, late)
	}
	return s.complete(f)
}

func (s *setHistory) read(o *op) *setRead {
	for i := range s.reads {
		if s.reads[i].op == o {
			return &s.reads[i]
		}
	}
	return &setRead{op: o}
}

// later returns a read that found an element and was called after another.
func (s *setHistory) later(n int32, read *op) *op {
	var reads []*op
	for i := range s.reads {
		if s.reads[i].Call > read.Call && slices.Contains(s.reads[i].found, n) {
			reads = append(reads, s.reads[i].op)
		}
	}
	return firstAfter(reads, read.Call, func(*op) bool { return true })
}

func (s *setHistory) complete(f *finding) *finding {
	written := writesByElement(s.k, history.Add)
	return withWrites(f, func(read *op) []string {
		var names []string
		for _, n := range s.read(read).found {
			names = append(names, s.names[n])
		}
		return names
	}, written)
}

// members is a set of element numbers, a bit for each.
type members []uint64

func (m members) has(n int32) bool { return m[n/64]&(1<<(n%64)) != 0 }
func (m members) add(n int32)      { m[n/64] |= 1 << (n % 64) }

// setInput is an add, or a read if found is set.
type setInput struct {
	element int32
	found   members
}

// setModel is a set that only grows. It needs no Hash: what is in the set
// follows from which operations are linearized, and those the search hashes.
func setModel(ctx context.Context, size int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return make(members, size/64+1) },
		Step: func(state, input, _ any) (bool, any) {
			if ctx.Err() != nil {
				return false, state
			}
			set, in := state.(members), input.(setInput)
			switch {
			case in.found != nil:
				return slices.Equal(set, in.found), state
			case set.has(in.element):
				return true, state
			}
			next := slices.Clone(set)
			next.add(in.element)
			return true, next
		},
		Equal: func(a, b any) bool { return slices.Equal(a.(members), b.(members)) },
	}
}

func searchSet(ctx context.Context, k *keyHistory) (bool, error) {
	s, f := newSetHistory(k)
	if f != nil {
		return false, nil
	}
	read := make(members, len(s.names)/64+1)
	var ops []porcupine.Operation
	for _, r := range s.reads {
		found := make(members, len(s.names)/64+1)
		for _, n := range r.found {
			found.add(n)
			read.add(n)
		}
		ops = append(ops, porcupine.Operation{ClientId: r.Client, Input: setInput{found: found}, Call: int64(r.Call), Return: int64(r.ret)})
	}
	for n, same := range s.adds {
		for _, o := range same {
			if o.Outcome == history.Unknown && !read.has(int32(n)) {
				continue // nobody saw it: it may as well never take effect
			}
			ops = append(ops, porcupine.Operation{ClientId: o.Client, Input: setInput{element: int32(n)}, Call: int64(o.Call), Return: int64(o.ret)})
		}
	}
	return search(ctx, setModel(ctx, len(s.names)), ops)
}

// withoutAdds keeps the adds of what a remaining read found.
func withoutAdds(ops []*op, drop map[int64]bool) []*op {
	found := make(map[string]bool)
	var buffer []string
	for _, o := range ops {
		if o.Kind == history.Get && !drop[o.ID] {
			buffer, _ = elements(o, buffer[:0]) // what is no set finds nothing
			for _, element := range buffer {
				found[element] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(ops), func(o *op) bool {
		return drop[o.ID] && !(o.Kind == history.Add && found[o.Value])
	})
}
