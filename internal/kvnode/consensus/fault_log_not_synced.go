package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// unsyncedTime is how often LogNotSynced writes its log.
const unsyncedTime = 200 * time.Millisecond

// unsyncedLog keeps the newest entries in memory, as the kernel does with what is written and not synced before the
// power goes. They are lost if the process is killed.
type unsyncedLog struct {
	raft.LogStore
	mu      sync.Mutex
	pending []*raft.Log // without gaps, behind what is written
}

func (l *unsyncedLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

func (l *unsyncedLog) StoreLogs(entries []*raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pending); n > 0 && entries[0].Index != l.pending[n-1].Index+1 {
		if err := l.write(); err != nil {
			return err
		}
	}
	l.pending = append(l.pending, entries...)
	return nil
}

func (l *unsyncedLog) GetLog(index uint64, entry *raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pending); n > 0 && index >= l.pending[0].Index && index <= l.pending[n-1].Index {
		*entry = *l.pending[index-l.pending[0].Index]
		return nil
	}
	return l.LogStore.GetLog(index, entry)
}

func (l *unsyncedLog) FirstIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, err := l.LogStore.FirstIndex()
	if first == 0 && len(l.pending) > 0 {
		first = l.pending[0].Index
	}
	return first, err
}

func (l *unsyncedLog) LastIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pending); n > 0 {
		return l.pending[n-1].Index, nil
	}
	return l.LogStore.LastIndex()
}

func (l *unsyncedLog) DeleteRange(first, last uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.write(); err != nil {
		return err
	}
	return l.LogStore.DeleteRange(first, last)
}

// write writes what is pending. It needs mu.
func (l *unsyncedLog) write() error {
	if len(l.pending) == 0 {
		return nil
	}
	err := l.LogStore.StoreLogs(l.pending)
	if err == nil {
		l.pending = nil
	}
	return err
}

func (l *unsyncedLog) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write()
}

// keepWriting writes now and then, until the node closes.
func (l *unsyncedLog) keepWriting(closing <-chan struct{}, logf func(string, ...any)) {
	for {
		select {
		case <-time.After(unsyncedTime):
			if err := l.flush(); err != nil {
				logf("consensus: write the log: %v", err)
			}
		case <-closing:
			return
		}
	}
}
