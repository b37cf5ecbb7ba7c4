package consensus

import (
	"sync"
	"time"
)

// wordTime is how late a leader with NoBarrier tells its followers what is committed: later than it tells its clients.
const wordTime = 100 * time.Millisecond

// lateWord is what a leader tells about what is committed. It may be late as it likes, only then the next leader has
// more to apply.
type lateWord struct {
	mu    sync.Mutex
	known []commitment // the first is what is told; the others are too new
}

type commitment struct {
	index uint64
	at    time.Time
}

func newLateWord(f Faults) *lateWord {
	if !f.NoBarrier {
		return nil
	}
	return &lateWord{known: make([]commitment, 1)}
}

// of returns what to tell when everything up to the index is committed.
func (l *lateWord) of(index uint64, now time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index > l.known[len(l.known)-1].index {
		l.known = append(l.known, commitment{index, now})
	}
	for len(l.known) > 1 && now.Sub(l.known[1].at) >= wordTime {
		l.known = l.known[1:]
	}
	return l.known[0].index
}
