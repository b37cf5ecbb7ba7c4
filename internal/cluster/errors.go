package cluster

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// ErrClosed is returned by operations on a cluster that was closed.
var ErrClosed = errors.New("the cluster is closed")

// ErrNotRunning is returned by operations that need a running node. WaitReady
// returns it when the node was stopped or killed while it was starting.
var ErrNotRunning = errors.New("the node is not running")

// Kind says how a node failed.
type Kind string

// The kinds of NodeError.
const (
	NotRunnable Kind = "not runnable" // the command cannot be executed at all
	Exited      Kind = "exited"       // every process ended without being told to
	NotReady    Kind = "not ready"    // it runs, but never answered GET /health
	StopTimeout Kind = "stop timeout" // processes outlived SIGTERM and the grace period
	PortTaken   Kind = "port taken"   // another process listens on the node's port
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{NotRunnable, Exited, NotReady, StopTimeout, PortTaken} }

// A NodeError says that the learner's program failed, or that something on the
// machine is in its way; it is a verdict on the node, not a failure of lsfr.
type NodeError struct {
	Kind Kind
	// Node is the node's ID; empty where no node is concerned, as in New.
	Node string
	// Problem is the sentence that Error returns.
	Problem string
	// ExitCode is the exit code of the first process, or -1 if that process did
	// not exit or was ended by Signal.
	ExitCode int
	// Signal ended the first process; 0 if none did.
	Signal syscall.Signal
	// Processes describes the processes concerned: those that outlived a stop,
	// or the one that holds the port. Problem names them as well.
	Processes []string
	// LogTail holds the last lines that the node printed since its last start,
	// at most 12, without control characters.
	LogTail []string
	// LogPath is the node's log, and empty in an error of New.
	LogPath string
	// RunByHand is a shell command that starts the node as lsfr did.
	RunByHand string
	// Hint says what to look for; it may be empty.
	Hint string
	// Err is the underlying error, if there is one.
	Err error
}

// Error returns one sentence that names the node and what it did.
func (e *NodeError) Error() string { return e.Problem }

// Unwrap returns the underlying error, which may be nil.
func (e *NodeError) Unwrap() error { return e.Err }

// Details returns the lines that belong below Error: hint, end of the log, how to
// repeat it by hand. There may be none.
func (e *NodeError) Details() []string {
	var lines []string
	if e.Hint != "" {
		lines = append(lines, "Hint: "+e.Hint)
	}
	switch {
	case len(e.LogTail) > 0:
		lines = append(lines, fmt.Sprintf("The end of its log (%s):", e.LogPath))
		for _, line := range e.LogTail {
			lines = append(lines, "  | "+line)
		}
	case e.LogPath != "":
		lines = append(lines, fmt.Sprintf("It printed nothing since it was started (log: %s).", e.LogPath))
	}
	if e.RunByHand != "" {
		lines = append(lines, "Run it by hand: "+e.RunByHand)
	}
	return lines
}

// describeEnd tells how a process ended, as in "exited with code 1".
func describeEnd(code int, signal syscall.Signal) string {
	if signal != 0 {
		return fmt.Sprintf("was ended by signal %d (%s)", int(signal), signal)
	}
	return fmt.Sprintf("exited with code %d", code)
}

// joinNames lists process descriptions in one line.
func joinNames(names []string) string { return strings.Join(names, ", ") }
