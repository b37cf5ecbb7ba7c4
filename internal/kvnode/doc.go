// Package kvnode is the reference node of the kv-store challenge: a correct, durable key-value server
// for the stages built so far, and a list of bugs that can be switched on one at a time. The correct
// node proves that lsfr accuses nobody wrongly, the bugs prove that it lets nothing pass.
//
// A node has three layers, each in files of its own: the process shell (node.go) parses flags, listens
// and shuts down; the HTTP handlers (http.go) speak the client API; a store keeps the data. The correct
// store is the engine: memory (engine.go), log (log.go, record.go), checkpoints (checkpoint.go,
// snapshot.go) and recovery (recovery.go). Whatever a bug does is in a file named bug_*.go.
package kvnode
