// Package consensus replicates a log among the nodes of a fixed cluster, with the
// Raft library github.com/hashicorp/raft: Ongaro and Ousterhout, "In Search of an
// Understandable Consensus Algorithm", USENIX ATC 2014; sections numbered below are
// those of Ongaro's dissertation, "Consensus: Bridging Theory and Practice", 2014.
//
// Nodes are known by their IDs, also in the replicated configuration. How a node
// reaches another is its own business.
//
// # What is added to the library, and why
//
// Reads (readindex.go, confirmations.go). The library's VerifyLeader counts every
// answer that comes after the call, also one that a follower gave long before and
// that a link has held or a paused leader has not read. Here a read counts only
// answers to requests that were sent after it began.
//
// Heartbeats are handled in turn with all other requests. The library would handle
// them beside those, and then one that has passed the comparison of terms can set a
// term back that a vote has raised meanwhile.
//
// One request at a time goes to each follower, because the library's pipeline can
// wait for itself forever after a refusal. Requests carry many entries instead.
//
// Lost followers are tried again at once (transport.go); the library would wait up
// to 10 s when a follower was away for long.
//
// A node whose file with log, term and vote cannot be written ends (disk.go). The library would go on, and after a
// failed sync nobody knows what a restart will find. Snapshots are files of their own, whose names are durable too
// (snapshots.go), and the folder is there wholly or not at all.
//
// Snapshots that arrive late (incoming.go) are not installed when the node has all
// that is in them: the library would go back in time. And what was in the log before
// an installed snapshot is dropped (log.go): the library would keep entries that were
// never committed, and might pass them on as leader.
package consensus
