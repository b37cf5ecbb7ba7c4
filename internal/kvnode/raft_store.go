package kvnode

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// agreeTime bounds how long a client's request waits for a majority: less than a node that passes it on waits.
const agreeTime = 1300 * time.Millisecond

// raftStore keeps the data of a replicated log. What consensus commits is applied to memory; a restart finds it in
// the last snapshot and the log behind it.
type raftStore struct {
	id   string
	bug  bug
	logf logFunc
	node *consensus.Node // set before the first request

	mu     sync.RWMutex
	values map[string]string
	keys   *ownership // nil if all keys are here
	bugs   raftBugs
}

// errNoMajority says that nobody has confirmed in time what was asked: a write may have happened or not.
var errNoMajority = errors.New("no majority has confirmed it")

// openRaftStore begins to take part in the consensus. The data in dir is there when there is a leader, at the latest.
func openRaftStore(ctx context.Context, dir string, b bug, cfg clusterConfig, logf logFunc) (*raftStore, error) {
	s := &raftStore{id: cfg.id, bug: b, logf: logf, values: make(map[string]string)}
	if cfg.shard != "" {
		s.keys = newOwnership(cfg)
	}
	members := []string{cfg.id}
	addresses := make(map[string]string)
	for _, m := range cfg.group() {
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
	if b == asyncFailover {
		s.openAhead()
	}
	return s, nil
}

func (s *raftStore) get(key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok := s.values[key]
	return value, ok
}

// find returns the key's value, and whether it has one, or errLeft.
func (s *raftStore) find(key string) (value string, ok bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.keys != nil && !s.keys.has(key) {
		return "", false, errLeft
	}
	value, ok = s.values[key]
	return value, ok, nil
}

// owner names the key's shard, where told is the group that has joined as far as the node knows from elsewhere.
func (s *raftStore) owner(key, told string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.owner(key, told)
}

// write returns when a majority has the record and it is visible here.
func (s *raftStore) write(r record) error {
	if s.bug == asyncFailover {
		return s.writeAhead(r)
	}
	err := s.propose(context.Background(), binaryFormat{}.encode(nil, r))
	if s.bug == staleLeaderAccepts && errors.Is(err, consensus.ErrNotLeader) {
		s.mu.Lock()
		defer s.mu.Unlock()
		apply(s.values, r)
		return nil
	}
	return err
}

// propose returns when a majority has the entry and it is applied here.
func (s *raftStore) propose(ctx context.Context, entry []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, agreeTime, errNoMajority)
	defer cancel()
	return s.node.Propose(ctx, entry)
}

// confirm returns nil when a read from now on sees everything that was acknowledged before.
func (s *raftStore) confirm(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, agreeTime, errNoMajority)
	defer cancel()
	return s.node.ReadIndex(ctx)
}

// close lets another node lead, if this one does, and ends within a few seconds.
func (s *raftStore) close() error {
	if s.bug == asyncFailover {
		s.bugs.ahead.stop()
		s.bugs.ahead.running.Wait()
	}
	return s.node.Close()
}

// leader is the election's outcome as this node knows it.
func (s *raftStore) leader() (id string, term uint64) { return s.node.Leader() }
