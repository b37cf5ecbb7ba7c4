package consensus

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// logBytes of entries make a new snapshot, however few they are. Whoever reads the log, as for a follower that is
	// behind, has all of it in memory at most.
	logBytes = 32 << 20
	// trailingBytes bounds what stays in the log when a snapshot has it already.
	trailingBytes = 8 << 20
)

// keepCompacting takes a snapshot when the log has become long, and drops what is in it from the log. The library
// would count entries only, whatever their size.
func (n *Node) keepCompacting() {
	ticker := time.NewTicker(n.cfg.Timing.SnapshotCheck)
	defer ticker.Stop()
	var taken uint64
	for {
		select {
		case <-ticker.C:
		case <-n.closing:
			return
		}
		applied := n.raft.AppliedIndex()
		if entries, bytes := n.recent.size(); applied == taken || entries < n.cfg.Timing.SnapshotEntries && bytes < logBytes {
			continue
		}
		taken = applied // Another one is of use only when there is more in it.
		if err := n.compact(); err != nil && !errors.Is(err, raft.ErrRaftShutdown) {
			n.cfg.Logf("consensus: take a snapshot: %v", err)
		}
	}
}

func (n *Node) compact() error {
	reloadable := n.raft.ReloadableConfig()
	reloadable.TrailingLogs = n.recent.newest(n.cfg.Timing.TrailingEntries, trailingBytes)
	if err := n.raft.ReloadConfig(reloadable); err != nil {
		return err
	}
	return n.raft.Snapshot().Error()
}
