package consensus

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// A Node takes part in a cluster. Its methods may be called concurrently.
type Node struct {
	cfg           Config
	raft          *raft.Raft
	bolt          *raftboltdb.BoltStore
	disk          *disk // bolt, and the end of the node if it fails
	recent        *recentLog
	logs          *logStore
	streams       *streams
	transport     *transport
	applied       *progress
	confirmations *confirmations
	reads         reads

	// Those of faults are nil without them.
	early    *earlyAcks
	unsynced *unsyncedLog
	failed   *failedDisk
	belief   *belief

	mu       sync.Mutex
	refusing bool           // no proposals any more
	asking   sync.WaitGroup // what waits for the library's answer

	closing chan struct{}  // closed when the library is told to end
	running sync.WaitGroup // this node's own goroutines
	closed  sync.Once
	err     error // of Close
}

// The roles of a node, as State returns them.
const (
	Leader    = "leader"
	Follower  = "follower"
	Candidate = "candidate"
)

// lockTime is how long Open waits for a process that has the folder still open.
const lockTime = 5 * time.Second

// Open starts a node with what it finds in its folder. When it returns the machine
// is restored from the last snapshot; the rest of the log follows when the cluster
// has a leader. ctx bounds Open only.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("consensus: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg:           cfg,
		streams:       newStreams(cfg),
		applied:       &progress{},
		confirmations: newConfirmations(len(cfg.Members)),
		early:         newEarlyAcks(cfg.Faults),
		closing:       make(chan struct{}),
	}
	n.reads.wanted = make(chan struct{}, 1)
	if err := n.start(); err != nil {
		_ = n.end() // The first error says more.
		return nil, fmt.Errorf("consensus in %s: %w", cfg.Dir, err)
	}
	return n, nil
}

func (n *Node) start() error {
	logger := newLogger(n.cfg.Logf, n.closing)
	snapshots, err := n.openFiles()
	if err != nil {
		return err
	}
	n.transport = newTransport(n.cfg, logger, n.streams, n.confirmations, n.closing)
	n.transport.early = n.early
	stable := n.stableStore()
	cfg := n.cfg.library(logger)
	if err := n.cfg.bootstrap(cfg, n.logs, stable, snapshots, n.transport); err != nil {
		return fmt.Errorf("write the first entry: %w", err)
	}
	n.raft, err = raft.NewRaft(cfg, &fsm{machine: n.machine(), applied: n.applied}, n.logs, stable, snapshots, n.transport)
	if err != nil {
		return err
	}
	n.transport.raft.Store(n.raft)
	n.running.Go(func() {
		if err := n.transport.passOn(n.raft, n.logs); err != nil {
			n.cfg.Logf("consensus: this node takes no part any more: %v", err)
		}
	})
	n.running.Go(n.watchLeadership)
	n.running.Go(n.askFollowers)
	n.running.Go(n.keepCompacting)
	if n.belief = n.newBelief(); n.belief != nil {
		n.running.Go(n.belief.keepTicking)
	}
	return n.checkMembers()
}

// openFiles opens term, vote and log, which share a file, and the snapshots.
func (n *Node) openFiles() (*snapshotStore, error) {
	if err := n.cfg.openFolder(); err != nil {
		return nil, err
	}
	snapshots := &snapshotStore{dir: filepath.Join(n.cfg.Dir, snapshotsName), failed: n.fail, synced: !n.cfg.Faults.SnapshotNotSynced}
	if err := durable.RemoveTemps(snapshots.dir); err != nil {
		return nil, fmt.Errorf("remove unfinished snapshots: %w", err)
	}
	var err error
	n.bolt, err = raftboltdb.New(n.cfg.bolt(filepath.Join(n.cfg.Dir, "log.db")))
	if err != nil {
		return nil, fmt.Errorf("open log.db (is another process using it?): %w", err)
	}
	n.disk = &disk{BoltStore: n.bolt, written: n.written}
	logs, err := n.openLog()
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	n.logs = &logStore{LogStore: logs}
	return snapshots, n.logs.continueSnapshot(snapshots)
}

// openLog opens the log in the file, with the mistakes that concern it.
func (n *Node) openLog() (raft.LogStore, error) {
	var logs raft.LogStore = n.disk
	if n.cfg.Faults.LogNotSynced {
		unsynced := &unsyncedLog{LogStore: logs}
		n.running.Go(func() { unsynced.keepWriting(n.closing, n.cfg.Logf) })
		n.unsynced, logs = unsynced, unsynced
	}
	if n.cfg.Faults.DiskFailed {
		var err error
		if n.failed, err = newFailedDisk(n.bolt); err != nil {
			return nil, err
		}
		if n.failed != nil {
			logs = n.failed.logs
		}
	}
	recent, err := newRecentLog(logs)
	if err != nil {
		return nil, err
	}
	n.recent = recent
	if n.cfg.Faults.AckBeforeCommit {
		return &earlyLog{LogStore: recent, acks: n.early}, nil
	}
	return recent, nil
}

// stableStore is where term and vote are, with the mistakes that concern it.
func (n *Node) stableStore() raft.StableStore {
	switch {
	case n.cfg.Faults.VoteForgotten:
		return raft.NewInmemStore()
	case n.failed != nil:
		return n.failed
	}
	return n.disk
}

// checkMembers finds a folder that belongs to another cluster.
func (n *Node) checkMembers() error {
	future := n.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	var found []string
	for _, server := range future.Configuration().Servers {
		found = append(found, string(server.ID))
	}
	if strings.Join(found, " ") != strings.Join(n.cfg.Members, " ") {
		return fmt.Errorf("the folder belongs to a cluster of %q, not of %q", found, n.cfg.Members)
	}
	return nil
}

// Accept takes over a stream that a peer's Dial has opened. What was read of it
// already, as by an HTTP server before it was hijacked, conn must still return.
func (n *Node) Accept(conn net.Conn) { n.streams.deliver(conn) }

// Leader returns the leader's ID as far as this node knows, "" for none, and this
// node's term, which grows with each election.
func (n *Node) Leader() (id string, term uint64) {
	if n.belief != nil {
		id, term, _, _ = n.belief.get()
		return id, term
	}
	return n.knownLeader()
}

func (n *Node) knownLeader() (id string, term uint64) {
	for {
		term := n.raft.CurrentTerm()
		_, leader := n.raft.LeaderWithID()
		if n.raft.CurrentTerm() == term {
			return string(leader), term
		}
	}
}

// State returns this node's role as it believes.
func (n *Node) State() string {
	if n.belief != nil {
		_, _, state, _ := n.belief.get()
		return state
	}
	return n.knownState()
}

func (n *Node) knownState() string {
	switch n.raft.State() {
	case raft.Leader:
		return Leader
	case raft.Candidate:
		return Candidate
	}
	return Follower
}

// leads returns the term that this node believes to lead in.
func (n *Node) leads() (term uint64, ok bool) {
	leads := n.raft.State() == raft.Leader
	return n.raft.CurrentTerm(), leads
}
