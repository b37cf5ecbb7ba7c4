package consensus

// Faults are mistakes that a node can make on purpose, so that tests can be tested
// with it. The zero value is a correct node. Each is implemented in a file fault_*.go.
type Faults struct {
	// AckBeforeCommit: Propose returns as soon as the leader has the entry itself.
	AckBeforeCommit bool
	// AckAfterOne: Propose returns as soon as the leader and one follower have the
	// entry. With three nodes that is a majority, and only comes too early for reads.
	AckAfterOne bool
	// VoteForgotten: term and vote are kept in memory only.
	VoteForgotten bool
	// LogNotSynced: what the log has taken in the last 200 ms is lost in a crash.
	LogNotSynced bool
	// NothingSynced: log, term and vote are written and never synced.
	NothingSynced bool
	// SnapshotNotSynced: snapshots are never synced, and the log before them is dropped
	// all the same. There is one after 100 entries.
	SnapshotNotSynced bool
	// IgnoresErrors: what log, term and vote answer to a write is taken for success.
	IgnoresErrors bool
	// DiskFailed: from the second start on nothing of log, term and vote gets to the
	// disk, and the node goes on in memory.
	DiskFailed bool
	// SnapshotMisses: a snapshot lacks up to 100 entries before the index that it
	// claims.
	SnapshotMisses bool
	// AppliesOutOfOrder: a follower applies the entries that it gets together in the
	// wrong order, the last one first.
	AppliesOutOfOrder bool
	// NoReadConfirm: ReadIndex takes this node's own word that it leads. And so it
	// believes, also for Leader and State, until it has heard of another leader, for
	// which it looks every 200 ms.
	NoReadConfirm bool
	// LeaseReads: ReadIndex relies on a majority's last word for 2 s more, and so do
	// Leader and State. The time is measured by counting ticks, so that none passes while the
	// process is stopped.
	LeaseReads bool
	// NoBarrier: ReadIndex does not wait until a new leader knows what is committed,
	// nor until it is applied, which takes a new leader a second. A leader tells what is
	// committed 100 ms late, so that the next one has something to apply.
	NoBarrier bool
	// SplitBrain: a leader takes a follower that it does not reach for one that
	// agrees. So it goes on leading, and commits.
	SplitBrain bool
}
