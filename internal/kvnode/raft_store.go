package kvnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// agreeTime bounds how long a client's request waits for a majority: less than a node that passes it on waits.
const agreeTime = 1300 * time.Millisecond

// raftStore keeps the data of a replicated log. What consensus commits is applied to memory; a restart finds it in
// the last snapshot and the log behind it.
type raftStore struct {
	bug  bug
	node *consensus.Node // set before the first request

	mu     sync.RWMutex
	values map[string]string
	bugs   raftBugs
}

// errNoMajority says that a write may have happened or not: nobody has confirmed it.
var errNoMajority = errors.New("no majority has confirmed it")

func openRaftStore(ctx context.Context, dir string, b bug, cfg clusterConfig, logf logFunc) (*raftStore, error) {
	s := &raftStore{bug: b, values: make(map[string]string)}
	members := []string{cfg.id}
	addresses := make(map[string]string)
	for _, m := range cfg.members {
		members = append(members, m.id)
		addresses[m.id] = m.address
	}
	var err error
	s.node, err = consensus.Open(ctx, consensus.Config{
		ID: cfg.id, Members: members, Dir: filepath.Join(dir, "consensus"),
		Dial:    dialConsensus(addresses),
		Machine: (*machine)(s), Logf: logf, Faults: b.consensusFaults(),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *raftStore) get(key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok := s.values[key]
	return value, ok
}

// write returns when a majority has the record and it is visible here.
func (s *raftStore) write(r record) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), agreeTime, errNoMajority)
	defer cancel()
	entry := binaryFormat{}.encode(nil, r)
	err := s.node.Propose(ctx, entry)
	if err != nil && s.bug == retriesProposal {
		go s.bugs.proposeLater(s.node, entry)
	}
	return err
}

// confirm returns nil when a read from now on sees everything that was acknowledged before.
func (s *raftStore) confirm(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, agreeTime, errNoMajority)
	defer cancel()
	return s.node.ReadIndex(ctx)
}

func (s *raftStore) close() error { return s.node.Close() }

// leader is the election's outcome as this node knows it.
func (s *raftStore) leader() (id string, term uint64) { return s.node.Leader() }

// machine is the data as consensus changes it.
type machine raftStore

func (m *machine) Apply(_ uint64, entries [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range entries {
		// It was encoded by a node of this cluster, and the log has checksums of its own.
		if r, _, err := (binaryFormat{}).decode(entry); err == nil {
			m.bugs.apply(m.bug, m.values, r)
		}
	}
}

// Snapshot writes the values as records, and at the end how many there are.
func (m *machine) Snapshot() (func(io.Writer) error, error) {
	m.mu.RLock()
	values := maps.Clone(m.values)
	m.mu.RUnlock()
	return func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, 256<<10)
		var buffer []byte
		for key, value := range values {
			buffer = binaryFormat{}.encode(buffer[:0], record{op: opPut, key: key, value: value})
			_, _ = buffered.Write(buffer) // A bufio.Writer keeps its error for Flush.
		}
		end := record{op: opSnapshotEnd, value: strconv.Itoa(len(values))}
		_, _ = buffered.Write(binaryFormat{}.encode(buffer[:0], end))
		return buffered.Flush()
	}, nil
}

func (m *machine) Restore(source io.Reader) error {
	data, err := io.ReadAll(source)
	if err != nil {
		return fmt.Errorf("read the snapshot: %w", err)
	}
	found := scan(data, binaryFormat{})
	last := len(found.records) - 1
	if found.torn || last < 0 || found.records[last].op != opSnapshotEnd || found.records[last].value != strconv.Itoa(last) {
		return errors.New("the snapshot is not complete")
	}
	values := make(map[string]string, last)
	for _, r := range found.records[:last] {
		values[r.key] = r.value
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bug == restoreMerges {
		maps.Copy(m.values, values)
		return nil
	}
	m.values = values
	return nil
}
