package models

import (
	"hash/maphash"
	"iter"
)

// numbering gives texts consecutive numbers from 1. It is a hash table with linear
// probing that never forgets: half the time of a map, for the one thing that
// deciding a large history spends most on.
type numbering struct {
	seed maphash.Seed
	// slots hold a number in the lower half and, to spare comparing texts, the
	// upper half of the hash; 0 is free. A power of two, at most half full.
	slots []uint64
	texts []string // by number
}

// newNumbering makes room for so many texts.
func newNumbering(room int) *numbering {
	size := 16
	for size < 2*room {
		size *= 2
	}
	return &numbering{seed: maphash.MakeSeed(), slots: make([]uint64, size), texts: append(make([]string, 0, room+1), "")}
}

// find returns the number of a text; ok is false if it has none.
func (n *numbering) find(text string) (number int32, ok bool) {
	slot, _ := n.slot(text)
	return int32(uint32(*slot)), *slot != 0
}

// number returns the number of a text, a new one if it has none.
func (n *numbering) number(text string) int32 {
	slot, tag := n.slot(text)
	if *slot != 0 {
		return int32(uint32(*slot))
	}
	number := len(n.texts)
	*slot = tag | uint64(number)
	n.texts = append(n.texts, text)
	if 2*number > len(n.slots) {
		n.grow()
	}
	return int32(number)
}

// slot returns where a text's number is or belongs, and its tag.
func (n *numbering) slot(text string) (slot *uint64, tag uint64) {
	hash := maphash.String(n.seed, text)
	tag = hash &^ (1<<32 - 1)
	mask := uint64(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if *s == 0 || *s&^(1<<32-1) == tag && n.texts[uint32(*s)] == text {
			return s, tag
		}
	}
}

func (n *numbering) grow() {
	n.slots = make([]uint64, 2*len(n.slots))
	for text, number := range n.all() {
		slot, tag := n.slot(text)
		*slot = tag | uint64(number)
	}
}

// all yields the texts in the order of their numbers.
func (n *numbering) all() iter.Seq2[string, int32] {
	return func(yield func(string, int32) bool) {
		for i, text := range n.texts[1:] {
			if !yield(text, int32(i+1)) {
				return
			}
		}
	}
}
