package consensus

import (
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// cachedBytes bounds the entries in memory. Those that followers are about to be sent are the newest.
const cachedBytes = 16 << 20

// entryBytes is about what an entry takes besides its data.
const entryBytes = 64

// recentLog knows the size of each entry of a log, and keeps the newest in memory.
type recentLog struct {
	raft.LogStore

	mu      sync.RWMutex
	first   uint64 // the index of entries[0]
	entries []recentEntry
	bytes   int // of all entries
	only    int // so many of the first entries are only in the log
	cached  int // bytes of the others
}

type recentEntry struct {
	size int
	log  *raft.Log // nil if it is only in the log
}

// newRecentLog reads what is in the log already.
func newRecentLog(logs raft.LogStore) (*recentLog, error) {
	l := &recentLog{LogStore: logs}
	first, err := logs.FirstIndex()
	if err != nil {
		return nil, err
	}
	last, err := logs.LastIndex()
	if err != nil {
		return nil, err
	}
	for index := first; index <= last && index > 0; index++ {
		entry := new(raft.Log)
		if err := logs.GetLog(index, entry); err != nil {
			return nil, fmt.Errorf("read entry %d of %d to %d: %w", index, first, last, err)
		}
		l.add(entry)
	}
	return l, nil
}

func (l *recentLog) GetLog(index uint64, log *raft.Log) error {
	l.mu.RLock()
	var found *raft.Log
	if index >= l.first && index-l.first < uint64(len(l.entries)) {
		found = l.entries[index-l.first].log
	}
	l.mu.RUnlock()
	if found == nil {
		return l.LogStore.GetLog(index, log)
	}
	*log = *found
	return nil
}

func (l *recentLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *recentLog) StoreLogs(logs []*raft.Log) error {
	if err := l.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, log := range logs {
		l.add(log)
	}
	return nil
}

// DeleteRange drops the beginning or the end of the log; the library asks for nothing else.
func (l *recentLog) DeleteRange(from, to uint64) error {
	l.mu.Lock()
	kept, first := l.entries, l.first
	l.entries, l.bytes, l.only, l.cached = nil, 0, 0, 0
	for i, entry := range kept {
		if index := first + uint64(i); index < from || index > to {
			l.append(index, entry)
		}
	}
	l.mu.Unlock()
	return l.LogStore.DeleteRange(from, to)
}

// add needs mu.
func (l *recentLog) add(log *raft.Log) {
	l.append(log.Index, recentEntry{size: len(log.Data) + len(log.Extensions) + entryBytes, log: log})
}

// append needs mu. Entries that do not follow the others begin anew, as those behind an installed snapshot do.
func (l *recentLog) append(index uint64, entry recentEntry) {
	if index != l.first+uint64(len(l.entries)) {
		l.first, l.entries, l.bytes, l.only, l.cached = index, nil, 0, 0, 0
	}
	l.entries = append(l.entries, entry)
	l.bytes += entry.size
	if entry.log == nil {
		l.only++
		return
	}
	for l.cached += entry.size; l.cached > cachedBytes; l.only++ {
		oldest := &l.entries[l.only]
		oldest.log = nil
		l.cached -= oldest.size
	}
}

// size is how many entries there are, and their size.
func (l *recentLog) size() (entries uint64, bytes int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint64(len(l.entries)), l.bytes
}

// newest is how many of the last entries, but at most so many, have at most that size together.
func (l *recentLog) newest(most uint64, bytes int) uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var count uint64
	for i := len(l.entries) - 1; i >= 0 && count < most; i-- {
		if bytes -= l.entries[i].size; bytes < 0 {
			break
		}
		count++
	}
	return count
}
