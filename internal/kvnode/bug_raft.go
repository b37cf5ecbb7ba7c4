package kvnode

import "github.com/st3v3nmw/lsfr/internal/kvnode/consensus"

// Mistakes of stores that elect their leaders. Those of the consensus itself are in its own package, those in files of
// their own are in bug_async_failover.go and bug_elected_leader.go.
const (
	ackBeforeCommit   bug = "ack-before-commit"
	ackAfterOne       bug = "ack-after-one"
	voteForgotten     bug = "vote-forgotten"
	logNotSynced      bug = "log-not-synced"
	diskFailed        bug = "disk-failed"
	snapshotMisses    bug = "snapshot-misses"
	restoreMerges     bug = "restore-merges"
	entriesOutOfOrder bug = "entries-out-of-order"
	splitBrain        bug = "split-brain"
	deleteResurrects  bug = "delete-resurrects"
	refusalMayHappen  bug = "refusal-may-happen"

	raftLogNotSynced      bug = "raft-log-not-synced"
	raftSnapshotNotSynced bug = "raft-snapshot-not-synced"
	raftIgnoresErrors     bug = "raft-ignores-fsync-error"

	readsAnyCopy      bug = "reads-any-copy"
	readsUnconfirmed  bug = "reads-unconfirmed"
	leaseReads        bug = "lease-reads"
	servesBeforeApply bug = "serves-before-apply"
	notFoundMeanwhile bug = "not-found-meanwhile"
)

// consensusFaults are the mistakes that the bug makes in the consensus.
func (b bug) consensusFaults() consensus.Faults {
	return consensus.Faults{
		AckBeforeCommit:   b == ackBeforeCommit,
		AckAfterOne:       b == ackAfterOne,
		VoteForgotten:     b == voteForgotten,
		LogNotSynced:      b == logNotSynced,
		NothingSynced:     b == raftLogNotSynced,
		SnapshotNotSynced: b == raftSnapshotNotSynced,
		IgnoresErrors:     b == raftIgnoresErrors,
		DiskFailed:        b == diskFailed,
		SnapshotMisses:    b == snapshotMisses,
		AppliesOutOfOrder: b == entriesOutOfOrder,
		SplitBrain:        b == splitBrain,
		NoReadConfirm:     b == readsUnconfirmed,
		LeaseReads:        b == leaseReads,
		NoBarrier:         b == servesBeforeApply,
	}
}

// raftBugs is what the bugs of a raftStore remember. Without a bug nothing in it is used.
type raftBugs struct {
	// deleted are values that deletes have removed, for delete-resurrects.
	deleted map[string]string
	ahead   aheadOfLog // async-failover
}

// apply makes the change that a record describes, or what the bug makes of it.
func (m *raftBugs) apply(b bug, values map[string]string, r record) {
	switch {
	case b == deleteResurrects && r.op == opDelete:
		if m.deleted == nil {
			m.deleted = make(map[string]string)
		}
		value, there := values[r.key]
		if !there && m.deleted[r.key] != "" { // it undoes the last delete, as one that toggles does
			values[r.key] = m.deleted[r.key]
			return
		}
		m.deleted[r.key] = value
	case b == asyncFailover && m.ahead.has(r):
		return
	}
	apply(values, r)
}
