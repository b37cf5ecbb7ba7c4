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
	// SnapshotMisses: a snapshot lacks up to 100 entries before the index that it
	// claims.
	SnapshotMisses bool
	// AppliesOutOfOrder: a follower now and then swaps two neighbouring entries.
	AppliesOutOfOrder bool
	// NoReadConfirm: ReadIndex takes this node's own word that it leads. And so it
	// believes, also for Leader and State, until it has heard of another leader, for
	// which it looks every 200 ms.
	NoReadConfirm bool
	// LeaseReads: ReadIndex relies on a majority's word for 2 s more, and so do Leader
	// and State. The time is measured by counting ticks, so that none passes while the
	// process is stopped.
	LeaseReads bool
	// NoBarrier: ReadIndex does not wait until a new leader knows what is committed,
	// nor until it is applied, which takes a new leader a moment.
	NoBarrier bool
	// SplitBrain: a leader takes a follower that it does not reach for one that
	// agrees. So it goes on leading, and commits.
	SplitBrain bool
}
