package consensus

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// logStore is the log behind a snapshot. Where a snapshot of another node was installed, nothing before it is left,
// and the entry that it ends with is known by its term only.
//
// That one is there so that a leader that repeats a request can go on from it. It is never sent to a follower: an
// entry is sent together with the term of the one before it, and that one is not there.
type logStore struct {
	raft.LogStore
	begin atomic.Pointer[logBegin]
}

// logBegin is the last entry of the snapshot that a log continues.
type logBegin struct{ index, term uint64 }

func (s *logStore) GetLog(index uint64, log *raft.Log) error {
	begin := s.begin.Load()
	switch {
	case begin == nil || index > begin.index:
		return s.LogStore.GetLog(index, log)
	case index == begin.index:
		*log = raft.Log{Index: begin.index, Term: begin.term, Type: raft.LogNoop}
		return nil
	}
	return raft.ErrLogNotFound
}

// beginAfter drops all entries that the snapshot with this last entry replaces. They may be other ones than those
// in the snapshot: what a leader wrote that could not commit it.
func (s *logStore) beginAfter(begin logBegin) error {
	s.begin.Store(&begin)
	first, err := s.FirstIndex()
	if err != nil {
		return fmt.Errorf("find the first entry of the log: %w", err)
	}
	if first == 0 || first > begin.index {
		return nil
	}
	if err := s.DeleteRange(first, begin.index); err != nil {
		return fmt.Errorf("drop log entries %d to %d: %w", first, begin.index, err)
	}
	return nil
}

// has tells whether the entry at the index is there and has this term; then all before it are the same too.
func (s *logStore) has(index, term uint64) bool {
	var log raft.Log
	return s.GetLog(index, &log) == nil && log.Term == term
}

// continueSnapshot drops what a crash has left in the log just after a snapshot was installed.
func (s *logStore) continueSnapshot(snapshots *snapshotStore) error {
	list, err := snapshots.List()
	if err != nil {
		return fmt.Errorf("list the snapshots: %w", err)
	}
	if len(list) == 0 || s.has(list[0].Index, list[0].Term) {
		return nil
	}
	if err := snapshots.renew(list[0].ID); err != nil {
		return fmt.Errorf("make the snapshot durable that replaces the log: %w", err)
	}
	return s.beginAfter(logBegin{index: list[0].Index, term: list[0].Term})
}

// bootstrap writes the first entry, the configuration. It is the same on every node, so it is committed from the
// beginning.
func (c Config) bootstrap(cfg *raft.Config, logs raft.LogStore, stable raft.StableStore, snapshots raft.SnapshotStore, trans raft.Transport) error {
	err := raft.BootstrapCluster(cfg, logs, stable, snapshots, trans, c.configuration())
	if err == nil || !errors.Is(err, raft.ErrCantBootstrap) {
		return err
	}
	// A crash between the term and the entry leaves a node that would belong to no cluster.
	last, err := logs.LastIndex()
	if err != nil {
		return err
	}
	list, err := snapshots.List()
	if err != nil || last > 0 || len(list) > 0 {
		return err
	}
	return logs.StoreLog(&raft.Log{
		Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(c.configuration()),
	})
}
