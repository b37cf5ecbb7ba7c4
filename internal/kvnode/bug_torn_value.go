package kvnode

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const tornValue bug = "torn-value"

// chunkStore has bug torn-value: the chunks of a value are replaced one by one, each under the lock.
type chunkStore struct {
	mu     sync.RWMutex
	values map[string][]string // slices are replaced, never changed
}

const (
	minChunkBytes = 4 << 10
	maxChunks     = 8
	// chunkPause is per chunk: large values are few, and their readers must have time to come.
	chunkPause = 3 * time.Millisecond
)

func newChunkStore() *chunkStore { return &chunkStore{values: make(map[string][]string)} }

func (s *chunkStore) get(key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	chunks, ok := s.values[key]
	return strings.Join(chunks, ""), ok
}

func (s *chunkStore) write(r record) error {
	switch r.op {
	case opPut:
		s.put(r.key, r.value)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.op == opDelete {
		delete(s.values, r.key)
	} else {
		clear(s.values)
	}
	return nil
}

func (s *chunkStore) put(key, value string) {
	size := max(minChunkBytes, (len(value)+maxChunks-1)/maxChunks)
	for i := 0; i*size < len(value); i++ {
		start := i * size
		last := start+size >= len(value)
		s.putChunk(key, i, value[start:min(start+size, len(value))], last)
		if !last {
			time.Sleep(chunkPause)
		}
	}
}

func (s *chunkStore) putChunk(key string, i int, chunk string, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chunks := slices.Clone(s.values[key])
	if i < len(chunks) {
		chunks[i] = chunk
	} else {
		chunks = append(chunks, chunk)
	}
	if last {
		chunks = chunks[:min(i+1, len(chunks))]
	}
	s.values[key] = chunks
}

func (s *chunkStore) close() error { return nil }
