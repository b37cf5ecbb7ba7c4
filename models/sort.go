package models

import (
	"cmp"
	"slices"
	"time"
)

// sortByTime sorts by a time. A history stands nearly in the order of its times,
// since operations overlap only so many others: then an insertion sort is several
// times faster than any other. It gives up when that turns out not to be so.
func sortByTime[T any](s []T, at func(T) time.Duration) {
	const distance = 32 // by how many places an element may be off, on average
	budget := distance * len(s)
	for i := 1; i < len(s); i++ {
		x := s[i]
		t := at(x)
		j := i
		for ; j > 0 && at(s[j-1]) > t; j-- {
			s[j] = s[j-1]
		}
		s[j] = x
		if budget -= i - j; budget < 0 {
			slices.SortFunc(s, func(a, b T) int { return cmp.Compare(at(a), at(b)) })
			return
		}
	}
}
