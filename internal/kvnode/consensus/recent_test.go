package consensus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func sized(index uint64, size int) *raft.Log {
	return &raft.Log{Index: index, Term: index, Data: []byte(strings.Repeat("x", size))}
}

// A recent log answers as the log below it does, and knows all sizes.
func TestARecentLogIsTheLog(t *testing.T) {
	below := raft.NewInmemStore()
	if err := below.StoreLogs(entries(1, 5, 9)); err != nil {
		t.Fatal(err)
	}
	l, err := newRecentLog(below)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for step := range 2000 {
		first, _ := below.FirstIndex()
		last, _ := below.LastIndex()
		var err error
		stored := last == 0
		switch {
		case last == 0: // nothing is left: what follows an installed snapshot comes next
			err = l.StoreLogs([]*raft.Log{sized(uint64(10*step+1), 10)})
		case rng.IntN(2) == 0:
			stored = true
			err = l.StoreLogs([]*raft.Log{sized(last+1, rng.IntN(cachedBytes/4)), sized(last+2, 10)})
		case rng.IntN(2) == 0:
			err = l.DeleteRange(first, first+rng.Uint64N(last-first+1))
		case rng.IntN(5) == 0:
			err = l.DeleteRange(first, last)
		default:
			err = l.DeleteRange(first+rng.Uint64N(last-first+1), last)
		}
		if err != nil {
			t.Fatal(err)
		}
		first, _ = below.FirstIndex()
		last, _ = below.LastIndex()
		count, bytes, inMemory := uint64(0), 0, 0
		for index := max(first, 2) - 1; index <= last+1; index++ {
			var got, want raft.Log
			err := l.GetLog(index, &got)
			if werr := below.GetLog(index, &want); !errors.Is(err, werr) || got.Term != want.Term || len(got.Data) != len(want.Data) {
				t.Fatalf("step %d: entry %d of %d to %d: %v, %v", step, index, first, last, err, werr)
			}
			if err == nil {
				count, bytes = count+1, bytes+len(want.Data)+entryBytes
			}
		}
		for _, entry := range l.entries {
			if entry.log != nil {
				inMemory += entry.size
			}
		}
		gotCount, gotBytes := l.size()
		if gotCount != count || gotBytes != bytes {
			t.Fatalf("step %d: %d entries of %d bytes, want %d of %d", step, gotCount, gotBytes, count, bytes)
		}
		if inMemory > cachedBytes || inMemory != l.cached || stored && l.entries[count-1].log == nil {
			t.Fatalf("step %d: %d bytes are in memory, it says %d", step, inMemory, l.cached)
		}
	}
}

func TestTheNewestEntriesAreCountedByNumberAndSize(t *testing.T) {
	l, err := newRecentLog(raft.NewInmemStore())
	if err != nil {
		t.Fatal(err)
	}
	for i, size := range []int{1000, 2000, 100, 200} {
		if err := l.StoreLog(sized(uint64(i+1), size)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		most  uint64
		bytes int
		want  uint64
	}{
		{10, 1 << 20, 4}, {3, 1 << 20, 3}, {0, 1 << 20, 0}, {10, 0, 0},
		{10, 200 + entryBytes, 1}, {10, 199 + entryBytes, 0}, {10, 2300 + 3*entryBytes, 3},
	} {
		if got := l.newest(c.most, c.bytes); got != c.want {
			t.Errorf("at most %d with %d bytes: %d, want %d", c.most, c.bytes, got, c.want)
		}
	}
}

type brokenLog struct{ raft.LogStore }

func (brokenLog) StoreLogs([]*raft.Log) error { return errRefused }

func TestWhatCouldNotBeStoredIsNotThere(t *testing.T) {
	l, err := newRecentLog(brokenLog{raft.NewInmemStore()})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.StoreLog(sized(1, 1)); !errors.Is(err, errRefused) {
		t.Errorf("error %v", err)
	}
	if err := l.GetLog(1, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("the entry is there: %v", err)
	}
}

// A few large entries are compacted as many small ones are, and the log stays short.
func TestLargeEntriesMakeASnapshot(t *testing.T) {
	c := newCluster(t, 1, func(c *cluster) { c.timing = Timing{} })
	c.leader("n1")
	const size, count = 1 << 20, 3 * logBytes / (1 << 20) / 2
	value := strings.Repeat("x", size)
	for i := range count {
		c.put(fmt.Sprint("k", i), value, "n1")
	}
	log := c.node("n1").recent
	c.eventually("compact the log", func() bool {
		first, err := c.node("n1").logs.FirstIndex()
		_, bytes := log.size()
		return err == nil && first > 10 && bytes < logBytes
	})
	if log.cached > cachedBytes {
		t.Errorf("%d bytes are in memory", log.cached)
	}
	c.crash("n1")
	c.start("n1")
	c.agree(map[string]string{"k0": value, fmt.Sprint("k", count-1): value}, "n1")
	if c.members["n1"].machine.restored() == 0 || c.members["n1"].machine.size() != count {
		t.Errorf("it has %d of %d keys, and %d snapshots restored", c.members["n1"].machine.size(), count, c.members["n1"].machine.restored())
	}
}
