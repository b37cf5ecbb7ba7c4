package consensus

import (
	"io"

	"github.com/hashicorp/raft"
)

// A Machine is what the replicated log changes. Its methods are called one at a
// time, in the order of the log.
type Machine interface {
	// Apply carries out committed entries. index is the last one's place in the log;
	// it grows from call to call, not always by the number of entries. The entries may
	// be kept but not changed. An entry that the machine refuses has changed nothing, on
	// every node. The result is nil, or has for each entry nil or why it is refused, for
	// whoever has proposed it.
	Apply(index uint64, entries [][]byte) (refused []error)
	// Snapshot returns a function that writes the state as it is now. The function
	// is called later, beside calls of Apply, or never.
	Snapshot() (write func(io.Writer) error, err error)
	// Restore replaces the whole state by one that Snapshot has written.
	Restore(snapshot io.Reader) error
}

// fsm is the machine as the library sees it.
type fsm struct {
	machine Machine
	applied *progress
}

var _ raft.BatchingFSM = (*fsm)(nil)

func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	entries := make([][]byte, 0, len(logs))
	places := make([]int, 0, len(logs)) // of the entries among the logs
	for i, log := range logs {
		if log.Type == raft.LogCommand {
			entries = append(entries, log.Data)
			places = append(places, i)
		}
	}
	results := make([]any, len(logs))
	last := logs[len(logs)-1].Index
	if len(entries) > 0 {
		for i, err := range f.machine.Apply(last, entries) {
			if err != nil {
				results[places[i]] = refusal{err}
			}
		}
	}
	f.applied.advance(last)
	return results
}

// refusal is the machine's answer to a proposal.
type refusal struct{ error }

func (f *fsm) Apply(log *raft.Log) any { return f.ApplyBatch([]*raft.Log{log})[0] }

func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	write, err := f.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	return snapshot(write), nil
}

func (f *fsm) Restore(source io.ReadCloser) error { return f.machine.Restore(source) }

// snapshot writes the state; the library ends the file and syncs it.
type snapshot func(io.Writer) error

func (s snapshot) Persist(sink raft.SnapshotSink) error { return s(sink) }

func (s snapshot) Release() {}
