// Package cluster runs the learner's node processes: it starts, stops, kills,
// pauses and watches them as the node contract says, and it leaves none behind.
//
// Two kinds of failure are kept apart. A *NodeError is the learner's: the node
// exited, never answered, did not stop. Any other error means that lsfr itself
// could not do its work.
//
// A node is more than the process that was started: it is every process which
// came from it. These are recognised by their process group, by descent, and by
// a marker in their environment, so that a node which daemonizes, changes its
// group or session, or ignores SIGTERM is found and ended all the same. On Linux
// lsfr also adopts orphans, which finds the ones that cleared their environment.
//
// When lsfr dies, its nodes die too: at once through the parent-death signal
// where there is one, and through the guard, a process that outlives lsfr just
// long enough to end what is left.
package cluster
