package consensus

import (
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// failedDisk reads what is on the disk, and keeps in memory what is written. Snapshots have a file of their own, which
// is well.
type failedDisk struct {
	raft.StableStore
	logs *raft.InmemStore // the whole log

	mu      sync.Mutex
	values  map[string][]byte
	numbers map[string]uint64
}

// newFailedDisk returns nil at the first start.
func newFailedDisk(disk *raftboltdb.BoltStore) (*failedDisk, error) {
	first, err := disk.FirstIndex()
	if err != nil || first == 0 {
		return nil, err
	}
	last, err := disk.LastIndex()
	if err != nil {
		return nil, err
	}
	f := &failedDisk{
		StableStore: disk, logs: raft.NewInmemStore(),
		values: make(map[string][]byte), numbers: make(map[string]uint64),
	}
	for index := first; index <= last; index++ {
		entry := new(raft.Log)
		if err := disk.GetLog(index, entry); err != nil {
			return nil, fmt.Errorf("read entry %d: %w", index, err)
		}
		if err := f.logs.StoreLog(entry); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *failedDisk) Set(key, value []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values[string(key)] = value
	return nil
}

func (f *failedDisk) Get(key []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if value, ok := f.values[string(key)]; ok {
		return value, nil
	}
	return f.StableStore.Get(key)
}

func (f *failedDisk) SetUint64(key []byte, number uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbers[string(key)] = number
	return nil
}

func (f *failedDisk) GetUint64(key []byte) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number, ok := f.numbers[string(key)]; ok {
		return number, nil
	}
	return f.StableStore.GetUint64(key)
}
