// Package kvnode is the reference node of the kv-store challenge: a correct, durable key-value server
// for the stages built so far, and a list of bugs that can be switched on one at a time. The correct
// node proves that lsfr accuses nobody wrongly, the bugs prove that it lets nothing pass.
//
// A node has three layers, each in files of its own: the process shell (node.go) parses flags, listens
// and shuts down; the HTTP handlers (http.go) speak the client API; a store keeps the data. The correct
// store is the engine: memory (engine.go), log (log.go, record.go), checkpoints (checkpoint.go,
// snapshot.go) and recovery (recovery.go).
//
// With --peers a node is part of a cluster (cluster.go) that stands between the shell and the handlers:
// who is there and who leads (membership.go, liveness.go), what is for the leader to answer (forward.go),
// and how the leader's log reaches the copies of the followers (replicate_leader.go, replicate_follower.go,
// tail.go), which are engines too (engine_copy.go). The leader is fixed, a write is acknowledged when it is durable
// there, and the copies lag behind. Requests to peers go through peerclient.go.
//
// Whatever a bug does is in a file named bug_*.go, or one line at its place.
package kvnode
