package kvnode

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

const (
	memoryOnly  bug = "memory-only"
	mapCopyRace bug = "map-copy-race"
	slowApply   bug = "slow-apply"
)

// memoryStore is correct but for a restart, which it does not survive: bug memory-only.
type memoryStore struct {
	mu     sync.RWMutex
	values map[string]string
}

func newMemoryStore() *memoryStore { return &memoryStore{values: make(map[string]string)} }

func (s *memoryStore) get(key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok := s.values[key]
	return value, ok
}

func (s *memoryStore) write(r record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	apply(s.values, r)
	return nil
}

func (s *memoryStore) close() error { return nil }

// mapCopyStore has bug map-copy-race. Readers never see a map that changes, but two writers that copy the
// same map undo each other's change.
type mapCopyStore struct {
	values atomic.Pointer[map[string]string]
}

func newMapCopyStore() *mapCopyStore {
	s := &mapCopyStore{}
	s.values.Store(&map[string]string{})
	return s
}

func (s *mapCopyStore) get(key string) (string, bool) {
	value, ok := (*s.values.Load())[key]
	return value, ok
}

func (s *mapCopyStore) write(r record) error {
	values := maps.Clone(*s.values.Load())
	time.Sleep(time.Millisecond) // As long as it takes to copy a large map; few keys would hide the race.
	apply(values, r)
	s.values.Store(&values)
	return nil
}

func (s *mapCopyStore) close() error { return nil }

// slowStore has bug slow-apply: the writes wait in a queue after they were acknowledged.
type slowStore struct {
	*memoryStore
	queue chan slowWrite
	done  chan struct{}
}

type slowWrite struct {
	record
	due time.Time
}

// applyDelay leaves room for some reads at any rate of requests that a test has.
const applyDelay = 10 * time.Millisecond

func newSlowStore() *slowStore {
	s := &slowStore{memoryStore: newMemoryStore(), queue: make(chan slowWrite, 1024), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for w := range s.queue {
			time.Sleep(time.Until(w.due))
			_ = s.memoryStore.write(w.record) // memory never fails
		}
	}()
	return s
}

func (s *slowStore) write(r record) error {
	s.queue <- slowWrite{record: r, due: time.Now().Add(applyDelay)}
	return nil
}

func (s *slowStore) close() error {
	close(s.queue)
	<-s.done
	return nil
}
