package kvnode

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// Mistakes of stores that elect their leaders. Those of the consensus itself are in its own package.
const (
	ackBeforeCommit   bug = "ack-before-commit"
	ackAfterOne       bug = "ack-after-one"
	voteForgotten     bug = "vote-forgotten"
	logNotSynced      bug = "log-not-synced"
	snapshotMisses    bug = "snapshot-misses"
	restoreMerges     bug = "restore-merges"
	entriesOutOfOrder bug = "entries-out-of-order"
	splitBrain        bug = "split-brain"

	readsAnyCopy      bug = "reads-any-copy"
	readsUnconfirmed  bug = "reads-unconfirmed"
	leaseReads        bug = "lease-reads"
	servesBeforeApply bug = "serves-before-apply"
	notFoundMeanwhile bug = "not-found-meanwhile"
	deleteResurrects  bug = "delete-resurrects"
	refusalMayHappen  bug = "refusal-may-happen"
	retriesProposal   bug = "retries-proposal"
)

// consensusFaults are the mistakes that the bug makes in the consensus.
func (b bug) consensusFaults() consensus.Faults {
	return consensus.Faults{
		AckBeforeCommit:   b == ackBeforeCommit,
		AckAfterOne:       b == ackAfterOne,
		VoteForgotten:     b == voteForgotten,
		LogNotSynced:      b == logNotSynced,
		SnapshotMisses:    b == snapshotMisses,
		AppliesOutOfOrder: b == entriesOutOfOrder,
		SplitBrain:        b == splitBrain,
		NoReadConfirm:     b == readsUnconfirmed,
		LeaseReads:        b == leaseReads,
		NoBarrier:         b == servesBeforeApply,
	}
}

// raftBugs is what the bugs of a raftStore remember.
type raftBugs struct {
	// deleted are values that deletes have removed, for delete-resurrects.
	deleted map[string]string
}

// apply makes the change that a record describes, or what the bug makes of it.
func (m *raftBugs) apply(b bug, values map[string]string, r record) {
	if b == deleteResurrects && r.op == opDelete {
		if m.deleted == nil {
			m.deleted = make(map[string]string)
		}
		value, there := values[r.key]
		if !there && m.deleted[r.key] != "" { // it undoes the last delete, as one that toggles does
			values[r.key] = m.deleted[r.key]
			return
		}
		m.deleted[r.key] = value
	}
	apply(values, r)
}

// proposeLater makes a proposal again whose fate is unknown, until it succeeds: bug retries-proposal.
func (m *raftBugs) proposeLater(node *consensus.Node, entry []byte) {
	for range 20 {
		time.Sleep(200 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), agreeTime)
		err := node.Propose(ctx, entry)
		cancel()
		if err == nil {
			return
		}
	}
}
