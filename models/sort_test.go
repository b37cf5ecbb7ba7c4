package models

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTimesAreSortedHoweverFarTheyAreOff(t *testing.T) {
	type item struct {
		at time.Duration
		id int
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, off := range []int64{0, 1, 10, 100, 1000, 100_000} {
		for n := range 300 {
			s := make([]item, n)
			for i := range s {
				s[i] = item{time.Duration(int64(i) + r.Int64N(off+1)), i}
			}
			want := slices.Clone(s)
			slices.SortFunc(want, func(a, b item) int { return cmp.Or(int(a.at-b.at), a.id-b.id) })
			sortByTime(s, func(x item) time.Duration { return x.at })
			if !slices.IsSortedFunc(s, func(a, b item) int { return int(a.at - b.at) }) {
				t.Fatalf("%d times that are off by up to %d: got %v", n, off, s)
			}
			slices.SortFunc(s, func(a, b item) int { return cmp.Or(int(a.at-b.at), a.id-b.id) })
			if !slices.Equal(s, want) {
				t.Fatalf("%d times that are off by up to %d: got %v, want %v", n, off, s, want)
			}
		}
	}
}
