package kvnode

import (
	"sync"
	"time"
)

const (
	staleCache        bug = "stale-cache"
	cacheMissesDelete bug = "cache-misses-delete"
)

// cacheStore is a read cache in front of a store. It would be correct if every write invalidated what it
// changes: with stale-cache none does, and with cache-misses-delete a delete does not.
type cacheStore struct {
	store
	bug bug

	mu     sync.Mutex
	cached map[string]cachedValue
}

type cachedValue struct {
	value  string
	loaded time.Time
}

// cacheTime is how long stale-cache trusts its cache: short enough to look harmless.
const cacheTime = 100 * time.Millisecond

func newCacheStore(s store, b bug) *cacheStore {
	return &cacheStore{store: s, bug: b, cached: make(map[string]cachedValue)}
}

// get keeps the lock while it loads, so that no older value is cached behind an invalidation.
func (s *cacheStore) get(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.cached[key]; ok && (s.bug != staleCache || time.Since(c.loaded) < cacheTime) {
		return c.value, true
	}
	value, ok := s.store.get(key)
	if ok {
		s.cached[key] = cachedValue{value: value, loaded: time.Now()}
	}
	return value, ok
}

func (s *cacheStore) write(r record) error {
	if err := s.store.write(r); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.bug == staleCache:
	case r.op == opPut:
		delete(s.cached, r.key)
	case r.op == opClear:
		clear(s.cached)
	}
	return nil
}
