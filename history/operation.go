// Package history records what clients did to a cluster and what came back,
// and reads and writes such recordings as history.json
// (docs/history-format.md). Beside the standard
// library it imports the coming encoding/json/jsontext only.
package history

import (
	"fmt"
	"strings"
	"time"
)

// Kind says what an operation asked for.
type Kind uint8

// The kinds of operations on a key. What lsfr's own clients do is get, put and
// delete; the others come with histories from elsewhere (docs/foreign-histories.md).
const (
	// Get reads the key: a value, or all elements of a set or a list.
	Get Kind = iota
	// Put writes a value.
	Put
	// Delete removes the key, and does not say whether it existed.
	Delete
	// Cas writes Value if the key holds Expected. One that found something else is failed.
	Cas
	// Enqueue adds a value at the tail of a queue.
	Enqueue
	// Dequeue takes the value at the head of a queue, or finds the queue empty.
	Dequeue
	// Add puts an element into a set.
	Add
	// Append adds an element at the end of a list.
	Append
)

var kindNames = [...]string{
	Get: "get", Put: "put", Delete: "delete", Cas: "cas", Enqueue: "enqueue", Dequeue: "dequeue", Add: "add", Append: "append",
}

// String returns the name used in history.json, such as get.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Reads reports whether the answer to such an operation holds a value.
func (k Kind) Reads() bool { return k == Get || k == Dequeue }

// Writes reports whether such an operation changes the key.
func (k Kind) Writes() bool { return k != Get }

// ParseKind is the inverse of Kind.String.
func ParseKind(name string) (Kind, error) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("unknown kind %q (want %s)", name, strings.Join(kindNames[:], ", "))
}

// Outcome says what is known of an operation's effect. The zero value is
// Unknown, so that an operation nobody answered can never count as done.
type Outcome uint8

// The outcomes of an operation.
const (
	// Unknown: the operation may have taken effect, may still, may never.
	Unknown Outcome = iota
	// OK: the operation took effect between its call and its return.
	OK
	// Failed: the operation never took and never will take effect.
	Failed
)

var outcomeNames = [...]string{Unknown: "unknown", OK: "ok", Failed: "failed"}

// String returns the name used in history.json: ok, failed or unknown.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// ParseOutcome is the inverse of Outcome.String.
func ParseOutcome(name string) (Outcome, error) {
	for o, n := range outcomeNames {
		if n == name {
			return Outcome(o), nil
		}
	}
	return 0, fmt.Errorf("unknown outcome %q (want ok, failed or unknown)", name)
}

// Operation is one invocation on one key and, if there was one, its answer.
type Operation struct {
	// ID is unique within a history.
	ID int64
	// Client issued the operation. A client's operations never overlap: after
	// an unknown outcome its worker goes on under a new client number.
	Client int
	// Node is the ID of the node that the request was sent to.
	Node string
	Key  string
	// Value is what was written or read. Reads of sets and lists hold all
	// elements, see FormatElements.
	Value string
	// Expected is what a cas wanted to replace.
	Expected string
	// Call is read before the request was sent, as an offset from the run's start.
	Call time.Duration
	// Return is read after the answer was complete, as an offset from the
	// run's start. It means nothing when the outcome is Unknown.
	Return time.Duration
	// Error says why an operation is failed or unknown.
	Error string
	// Defect says how the body that a get read differs from every value that
	// was ever sent: cut off, mixed, too long. Empty for an intact body.
	Defect string
	// Status is the HTTP status code, 0 if there was no answer.
	Status int
	Kind   Kind
	// Present is false for a get or a dequeue that found no value; those only.
	Present bool
	Outcome Outcome
	// Final marks a read made after all faults were healed.
	Final bool
}

// Acknowledged reports whether the operation is a write that was answered ok.
func (o *Operation) Acknowledged() bool { return o.Kind.Writes() && o.Outcome == OK }

// FaultEvent is one injected fault and what it hit.
type FaultEvent struct {
	// Fault is the fault's name, such as kill or stop.
	Fault string
	// Targets are the IDs of the nodes it was aimed at.
	Targets []string
	Detail  string
	// Start and End are offsets from the run's start; End is when it had healed.
	Start, End time.Duration
	// Hits counts what the fault met, such as writes in flight at a kill. A
	// fault without hits proves nothing.
	Hits int
}

// LeaderEvent says who led from a moment on, as far as clients could see it.
type LeaderEvent struct {
	// At is an offset from the run's start: when a majority was seen to name the leader.
	At time.Duration
	// Shard is the group that the leader leads; empty where there are no shards.
	Shard string
	// Leader is the ID of the node that a majority of all nodes, or of the shard's
	// group, named; empty if from then on a majority named nobody.
	Leader string
	// Term is what the leader's reign was numbered with; it means nothing without one.
	Term int64
}

// Group is a shard and the nodes that hold it.
type Group struct {
	Shard string
	Nodes []string
}

// Header describes the run that a history was recorded in.
type Header struct {
	Challenge, Stage, Scenario string
	// Model names the consistency model that the history is to be judged by.
	Model string
	// Seed is the seed of the run, from 0 to 2^53-1 so that every JSON reader keeps it.
	Seed  int64
	Nodes []string
	// Groups are the shards that the nodes are divided into, also those that joined
	// later; nil if every node holds every key.
	Groups  []Group
	Started time.Time
}

// History is a recorded run.
type History struct {
	Header
	Operations []Operation
	Faults     []FaultEvent
	// Leaders are the changes of leadership, in the order of their times; empty if
	// nobody watched. The last one before a moment says who led then.
	Leaders []LeaderEvent
	// Shards is where each key lived in the end, as the nodes themselves told; nil if
	// nobody asked. A history that lsfr wrote and that breaks off has none.
	Shards map[string]string
	// Truncated is set when the history was read from a file that breaks off.
	Truncated bool
	// Settled is an offset from the run's start: every operation called before
	// it is part of Operations. It matters only if the history is truncated.
	Settled time.Duration
}

// Group returns the nodes that hold a shard, nil if there is no such group.
func (h *History) Group(shard string) []string {
	for _, g := range h.Groups {
		if g.Shard == shard {
			return g.Nodes
		}
	}
	return nil
}

// Count returns the number of operations by outcome.
func (h *History) Count() (ok, failed, unknown int) {
	for i := range h.Operations {
		switch h.Operations[i].Outcome {
		case OK:
			ok++
		case Failed:
			failed++
		default:
			unknown++
		}
	}
	return ok, failed, unknown
}
