package models

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Every history of up to so many operations on one key, with every order of
// calls and returns, every kind and value, and every write's outcome unknown or
// not. Two moments that coincide count as overlap, as a call before a return
// does: so distinct moments cover all.
func everyHistory(n int, visit func(ops []history.Operation)) {
	ops := make([]history.Operation, n)
	var kinds func(i int)
	kinds = func(i int) {
		if i == n {
			values(ops, 0, visit)
			return
		}
		for _, kind := range []history.Kind{history.Get, history.Put, history.Delete} {
			if kind == history.Get && ops[i].Outcome == history.Unknown {
				continue // a read without an answer says nothing
			}
			ops[i].Kind, ops[i].Value = kind, ""
			if kind == history.Put {
				ops[i].Value = fmt.Sprint("v", i)
			}
			kinds(i + 1)
		}
	}
	// events lays out calls, in the order of the operations, and returns.
	var events func(called int, open uint, at time.Duration)
	events = func(called int, open uint, at time.Duration) {
		if called == n && open == 0 {
			kinds(0)
			return
		}
		if called < n {
			o := &ops[called]
			*o = history.Operation{ID: int64(called), Client: called, Key: "x", Call: at}
			events(called+1, open, at+1) // it never returns
			o.Outcome = history.OK
			events(called+1, open|1<<called, at+1)
		}
		for i := range called {
			if open&(1<<i) != 0 {
				ops[i].Outcome, ops[i].Return = history.OK, at
				events(called, open&^(1<<i), at+1)
			}
		}
	}
	events(0, 0, 0)
}

// values gives every read each value that is put, and none.
func values(ops []history.Operation, i int, visit func([]history.Operation)) {
	if i == len(ops) {
		visit(ops)
		return
	}
	o := &ops[i]
	if o.Kind != history.Get {
		o.Present = false
		values(ops, i+1, visit)
		return
	}
	o.Present, o.Value = false, ""
	values(ops, i+1, visit)
	for j := range ops {
		if ops[j].Kind == history.Put {
			o.Present, o.Value = true, ops[j].Value
			values(ops, i+1, visit)
		}
	}
	o.Present, o.Value = false, ""
}

// agree compares the rules with a plain search on one history.
func agree(ops []history.Operation) error {
	refs := make([]*history.Operation, len(ops))
	for i := range ops {
		refs[i] = &ops[i]
	}
	f, decided := linearizable().local.rules(evidence("x", refs))
	if !decided {
		return fmt.Errorf("the rules do not decide\n%+v", ops)
	}
	if legal := plainly(&history.History{Operations: ops}); legal != (f == nil) {
		return fmt.Errorf("porcupine says legal=%v, the rules say %+v\n%+v", legal, f, ops)
	}
	return nil
}

func exhaustively(t *testing.T, n int) (count int64) {
	work := make(chan []history.Operation, 64)
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for batch := range work {
				for ; len(batch) > 0; batch = batch[n:] {
					if err := agree(batch[:n]); err != nil {
						failed.CompareAndSwap(nil, &err)
					}
				}
			}
		})
	}
	var batch []history.Operation
	everyHistory(n, func(ops []history.Operation) {
		count++
		batch = append(batch, ops...)
		if len(batch) >= 4096*n {
			work <- batch
			batch = nil
		}
	})
	work <- batch
	close(work)
	wg.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
	return count
}

func TestRulesAgreeWithPorcupineOnEveryHistoryOfUpToFourOperations(t *testing.T) {
	most := 4
	if testing.Short() {
		most = 3
	}
	for n := 1; n <= most; n++ {
		t.Logf("%d operations: %d histories", n, exhaustively(t, n))
	}
}
