// Package kvnode is the reference node of the kv-store challenge: a correct, durable key-value server
// for all stages, and a list of bugs that can be switched on one at a time. The correct
// node proves that lsfr accuses nobody wrongly, the bugs prove that it lets nothing pass.
//
// A node has three layers, each in files of its own: the process shell (node.go) parses flags, listens
// and shuts down; the HTTP handlers (http.go) speak the client API; a store keeps the data. The store
// of a node that is alone is the engine: memory (engine.go), log (log.go, record.go), checkpoints
// (checkpoint.go, snapshot.go) and recovery (recovery.go).
//
// Files are written so that a loss of power, a full disk or one that fails takes nothing back that was acknowledged
// (package durable). A failed sync leaves in doubt what is durable: a node that is alone or ships its log then refuses
// writes until it is restarted, one that takes part in a consensus ends. What a restart finds and builds upon is written again.
//
// With --peers a node is part of a cluster (cluster.go, cluster_config.go) that stands between the
// shell and the handlers: who is there (membership.go, liveness.go), and what is for the leader to answer
// (forward.go). Requests to peers go through peerclient.go. Copies of the data are kept alike in one of
// two ways.
//
// With Raft, the default, the store is a replicated log (raft_store.go, package consensus) that is
// applied to memory (raft_machine.go). Its streams come through the node's one port
// (raft_replication.go). A majority elects the leader, a write is acknowledged when a majority has it,
// and a leader answers a read when a majority has confirmed that it still leads.
//
// With --replication async the leader is fixed, and its log is shipped to the copies of the followers
// (replicate_leader.go, replicate_follower.go, tail.go), which are engines too (engine_copy.go). A write
// is acknowledged when it is durable at the leader, and the copies lag behind.
//
// With --shard a node shares the keys with other groups (shards.go). A group keeps its own with Raft as above; which group
// has a key is a hash (placement.go), and requests for the keys of others are passed on or redirected (shard_forward.go).
// A new group can join while clients go on (shard_join.go): the others hand keys over to it (shard_move.go), and who has
// which is in the groups' logs (ownership.go). What a node was told, and the shards that there were at its first start, are
// in a file of their own (shard_file.go).
//
// Whatever a bug does is in a file named bug_*.go, or one line at its place.
package kvnode
