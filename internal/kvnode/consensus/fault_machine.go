package consensus

import (
	"io"
	"slices"
	"time"
)

// machine is the machine with the mistakes that concern it.
func (n *Node) machine() Machine {
	m := n.cfg.Machine
	if n.cfg.Faults.SnapshotMisses {
		m = &oldSnapshots{Machine: m}
	}
	if n.cfg.Faults.AppliesOutOfOrder {
		m = &reversing{Machine: m, leadsIn: n.leadsIn}
	}
	if n.cfg.Faults.NoBarrier {
		m = &slowToLead{Machine: m, leadsIn: n.leadsIn}
	}
	return m
}

// leadsIn is the term that this node leads in, 0 if it does not. Unlike leads it may be asked while Open is at work.
func (n *Node) leadsIn() uint64 {
	if n.transport.raft.Load() == nil {
		return 0
	}
	if term, leads := n.leads(); leads {
		return term
	}
	return 0
}

// copiedEvery is how many entries the copy that SnapshotMisses writes may lack.
const copiedEvery = 100

// oldSnapshots writes snapshots from a copy that was made a moment before.
type oldSnapshots struct {
	Machine
	since int
	write func(io.Writer) error // the copy
}

func (o *oldSnapshots) Apply(index uint64, entries [][]byte) []error {
	refused := make([]error, 0, len(entries))
	// Each part of a large batch is a call of its own, so that the copy is never too old.
	for part := range slices.Chunk(entries, copiedEvery) {
		if o.since += len(part); o.since >= copiedEvery {
			o.since = 0
			if write, err := o.Machine.Snapshot(); err == nil {
				o.write = write
			}
		}
		results := make([]error, len(part))
		copy(results, o.Machine.Apply(index, part))
		refused = append(refused, results...)
	}
	return refused
}

func (o *oldSnapshots) Snapshot() (func(io.Writer) error, error) {
	if o.write != nil {
		return o.write, nil
	}
	return o.Machine.Snapshot()
}

func (o *oldSnapshots) Restore(snapshot io.Reader) error {
	o.since, o.write = 0, nil
	return o.Machine.Restore(snapshot)
}

// reversing applies the entries that come together from the last to the first, but not on the leader.
type reversing struct {
	Machine
	leadsIn func() uint64
}

func (r *reversing) Apply(index uint64, entries [][]byte) []error {
	if r.leadsIn() != 0 {
		return r.Machine.Apply(index, entries)
	}
	entries = slices.Clone(entries)
	slices.Reverse(entries)
	r.Machine.Apply(index, entries) // Nobody has proposed them here.
	return nil
}

// catchUpTime is how long a leader is behind at first with NoBarrier, as if it had much to apply: longer than clients
// wait for the answer of the one before.
const catchUpTime = time.Second

// slowToLead takes a moment before it applies the first entries of a term as leader.
type slowToLead struct {
	Machine
	leadsIn func() uint64
	term    uint64
}

func (s *slowToLead) Apply(index uint64, entries [][]byte) []error {
	if term := s.leadsIn(); term > s.term {
		s.term = term
		time.Sleep(catchUpTime)
	}
	return s.Machine.Apply(index, entries)
}
