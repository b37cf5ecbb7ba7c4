package history

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestOverlappingOperationsOfOneClientAreFound(t *testing.T) {
	t.Parallel()
	op := func(id int64, client int, call, ret time.Duration) Operation {
		return Operation{ID: id, Client: client, Call: call, Return: ret, Outcome: OK}
	}
	open := func(id int64, client int, call time.Duration) Operation {
		return Operation{ID: id, Client: client, Call: call}
	}
	failed := op(3, 1, 25, 30)
	failed.Outcome = Failed
	tests := []struct {
		name          string
		ops           []Operation
		first, second int64
		count         int
	}{
		{"none at all", nil, 0, 0, 0},
		{"one after the other", []Operation{op(1, 1, 0, 9), op(2, 1, 10, 20)}, 0, 0, 0},
		{"a call at the time of the return", []Operation{op(1, 1, 0, 10), op(2, 1, 10, 20)}, 0, 0, 0},
		{"a call before the return", []Operation{op(1, 1, 0, 11), op(2, 1, 10, 20)}, 1, 2, 1},
		{"the same of two clients", []Operation{op(1, 1, 0, 11), op(2, 2, 10, 20)}, 0, 0, 0},
		{"one after the other, the later one first in the file", []Operation{op(2, 1, 10, 20), op(1, 1, 0, 9)}, 0, 0, 0},
		{"an overlap, the later one first in the file", []Operation{op(2, 1, 10, 20), op(1, 1, 0, 11)}, 1, 2, 1},
		{"another client's operation between the two", []Operation{op(1, 1, 0, 11), op(3, 2, 5, 6), op(2, 1, 10, 20)}, 1, 2, 1},
		{"an operation within a longer one", []Operation{op(1, 1, 0, 100), op(2, 1, 10, 20), op(3, 1, 30, 40)}, 1, 2, 2},
		{"a failed one that overlaps", []Operation{op(1, 1, 0, 9), op(2, 1, 20, 28), failed}, 2, 3, 1},
		{"two at the same time", []Operation{op(1, 1, 5, 5), op(2, 1, 5, 5)}, 0, 0, 0},
		{"one of no length before the next", []Operation{op(1, 1, 5, 5), op(2, 1, 6, 6)}, 0, 0, 0},
		{"an unknown one at the end", []Operation{op(1, 1, 0, 9), open(2, 1, 10)}, 0, 0, 0},
		{"what follows an unknown one", []Operation{open(1, 1, 0), op(2, 1, 10, 20), op(3, 1, 30, 40)}, 1, 2, 2},
		{"a new number after an unknown one", []Operation{open(1, 1, 0), op(2, 2, 10, 20)}, 0, 0, 0},
		{"the earliest second call of several", []Operation{op(1, 1, 50, 60), op(2, 1, 55, 70), op(3, 2, 0, 9), op(4, 2, 8, 10)}, 3, 4, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &History{Operations: tt.ops}
			first, second, count := h.Overlaps()
			var ids [2]int64
			if first != nil {
				ids = [2]int64{first.ID, second.ID}
			}
			if count != tt.count || ids != [2]int64{tt.first, tt.second} {
				t.Errorf("got %d: %v, want %d: [%d %d]", count, ids, tt.count, tt.first, tt.second)
			}
		})
	}
}

func TestOverlapsAgreesWithComparingAllPairs(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	none := 0
	for range 20_000 {
		h := &History{Operations: make([]Operation, rng.IntN(7))}
		for i := range h.Operations {
			call := time.Duration(rng.IntN(20))
			h.Operations[i] = Operation{Client: rng.IntN(3), Call: call, Return: call + time.Duration(rng.IntN(4)), Outcome: OK}
			if rng.IntN(9) == 0 {
				h.Operations[i].Outcome = Unknown
			}
		}
		want := 0
		for j := range h.Operations {
			for i := range h.Operations {
				a, b := &h.Operations[i], &h.Operations[j]
				earlier := a.Call < b.Call || a.Call == b.Call && (end(a) < end(b) || end(a) == end(b) && i < j)
				if a.Client == b.Client && earlier && end(a) > b.Call {
					want++
					break
				}
			}
		}
		first, second, count := h.Overlaps()
		if count != want {
			t.Fatalf("got %d, want %d in %+v", count, want, h.Operations)
		}
		if count == 0 {
			none++
			continue
		}
		if first.Client != second.Client || first.Call > second.Call || end(first) < second.Call {
			t.Fatalf("%+v and %+v do not overlap", first, second)
		}
	}
	if none < 1000 || none > 19_000 {
		t.Errorf("%d of 20000 had no overlap: there is nothing to tell apart", none)
	}
}
