package consensus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Config says how a node takes part.
type Config struct {
	// ID is this node's name, and Members are the names of all nodes, this one
	// included. The set is the same on every node and never changes.
	ID      string
	Members []string
	// Dir is a folder of the node's own. It is created if it is missing.
	Dir string
	// Dial opens a stream to a peer, which must hand its end to Accept.
	Dial func(ctx context.Context, peer string) (net.Conn, error)
	// Machine is what the log is for.
	Machine Machine
	// Logf is told what an operator should know. nil for nobody.
	Logf func(format string, args ...any)
	// Fatal is told that the folder cannot be relied on any more: a write has failed, of
	// which nobody knows what a restart will find. It should end the process; if it
	// returns, the node stands still until it is closed. nil tells Logf and exits with
	// code 1.
	Fatal func(error)
	// Timing is for tests: zero fields have good defaults.
	Timing Timing
	// Faults are mistakes to make on purpose.
	Faults Faults
}

// Timing is how long things take. Zero fields have defaults, which suit five
// processes on a busy machine with two cores.
type Timing struct {
	// Heartbeat is the least time without a word from the leader after which a
	// follower stands for election. Another node leads about twice that after a leader
	// is gone. Default 800 ms.
	Heartbeat time.Duration
	// Lease is how long a leader that hears from no majority goes on trying. It is
	// at most Heartbeat. Default 700 ms.
	Lease time.Duration
	// Commit is how soon an idle leader tells what is committed. Default 20 ms.
	Commit time.Duration
	// Call bounds a dial, and a request with its answer; large snapshots have more.
	// Default 1 s.
	Call time.Duration
	// SnapshotEntries in the log make a new snapshot, and so do fewer that are large.
	// SnapshotCheck is how often that is looked at. Defaults 1000 and 200 ms.
	SnapshotEntries uint64
	SnapshotCheck   time.Duration
	// TrailingEntries, or fewer if they are large, stay in the log for followers that
	// are a little behind, when a snapshot has them already. Less than SnapshotEntries.
	// Default 200.
	TrailingEntries uint64
}

const (
	// With SnapshotNotSynced, snapshots are as frequent as losses of power need it, and hardly anything stays in the log.
	unsyncedSnapshotEntries = 100
	unsyncedTrailingEntries = 10
)

const (
	// maxEntries is the most entries in a request and in a group that shares an fsync.
	maxEntries = 512
	// maxRequestBytes bounds the entries of a request, which has to arrive within
	// Timing.Call. A single larger entry goes alone.
	maxRequestBytes = 1 << 20
)

// complete checks the configuration and fills in what is not given.
func (c Config) complete() (Config, error) {
	members := slices.Sorted(slices.Values(c.Members)) // in the same order on every node
	switch {
	case !slices.Contains(members, c.ID):
		return c, fmt.Errorf("this node, %q, is not among the members %q", c.ID, members)
	case slices.Contains(members, ""):
		return c, errors.New("a member has no name")
	case len(slices.Compact(slices.Clone(members))) < len(members):
		return c, fmt.Errorf("a member is there twice: %q", members)
	case c.Dir == "" || c.Dial == nil || c.Machine == nil:
		return c, errors.New("a node needs a folder, a way to dial and a machine")
	}
	c.Members = members
	if c.Logf == nil {
		c.Logf = func(string, ...any) {}
	}
	if c.Fatal == nil {
		logf := c.Logf
		c.Fatal = func(err error) {
			logf("consensus: this node ends: %v", err)
			os.Exit(1)
		}
	}
	t := &c.Timing
	if c.Faults.SnapshotNotSynced {
		t.SnapshotEntries, t.TrailingEntries = unsyncedSnapshotEntries, unsyncedTrailingEntries
	}
	t.Heartbeat = cmp.Or(t.Heartbeat, 800*time.Millisecond)
	t.Lease = cmp.Or(t.Lease, min(700*time.Millisecond, t.Heartbeat))
	t.Commit = cmp.Or(t.Commit, 20*time.Millisecond)
	t.Call = cmp.Or(t.Call, time.Second)
	t.SnapshotEntries = cmp.Or(t.SnapshotEntries, 1000)
	t.SnapshotCheck = cmp.Or(t.SnapshotCheck, 200*time.Millisecond)
	t.TrailingEntries = cmp.Or(t.TrailingEntries, 200)
	return c, nil
}

// library is the configuration in the library's terms.
func (c Config) library(logger hclog.Logger) *raft.Config {
	cfg := raft.DefaultConfig()
	cfg.LocalID = raft.ServerID(c.ID)
	cfg.HeartbeatTimeout = c.Timing.Heartbeat
	cfg.ElectionTimeout = c.Timing.Heartbeat
	cfg.LeaderLeaseTimeout = c.Timing.Lease
	cfg.CommitTimeout = c.Timing.Commit
	cfg.MaxAppendEntries = maxEntries
	cfg.SnapshotThreshold = math.MaxUint64 // compaction.go asks for snapshots
	cfg.Logger = logger
	cfg.NoLegacyTelemetry = true
	return cfg
}

// configuration is the first entry of every log. A node's address is its ID.
func (c Config) configuration() raft.Configuration {
	var cfg raft.Configuration
	for _, id := range c.Members {
		cfg.Servers = append(cfg.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	return cfg
}
