package consensus

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// retryTime is how soon a request to a follower that did not answer is sent again.
const retryTime = 100 * time.Millisecond

// transport is how the library's requests go out; incoming.go has those that come in.
type transport struct {
	*raft.NetworkTransport
	confirmations *confirmations
	raft          atomic.Pointer[raft.Raft] // nil until it runs
	incoming      chan raft.RPC
	closing       <-chan struct{}
	logf          func(string, ...any)
	faults        Faults
	early         *earlyAcks // nil without a fault
	late          *lateWord  // nil without a fault
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

func newTransport(cfg Config, logger hclog.Logger, s *streams, c *confirmations, closing <-chan struct{}) *transport {
	return &transport{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Logger:          logger,
			Stream:          s,
			MaxPool:         2, // one for entries and one for heartbeats
			MaxRPCsInFlight: 1, // no pipeline
			Timeout:         cfg.callTime(),
		}),
		confirmations: c,
		incoming:      make(chan raft.RPC),
		closing:       closing,
		logf:          cfg.Logf,
		faults:        cfg.Faults,
		late:          newLateWord(cfg.Faults),
	}
}

// AppendEntries sends entries until they have arrived or this node leads no more: after a failure the library would
// wait ever longer until it tries again. Sending them twice does no harm. Heartbeats have their own pace.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	args.Entries = within(args.Entries, maxRequestBytes)
	heartbeat := isHeartbeat(args)
	if t.late != nil {
		args.LeaderCommitIndex = t.late.of(args.LeaderCommitIndex, time.Now())
	}
	for {
		err := t.appendEntries(id, target, args, resp)
		if err == nil || heartbeat || !t.pauseInTerm(args.Term) {
			return err
		}
	}
}

func (t *transport) appendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	*resp = raft.AppendEntriesResponse{}
	moment := t.confirmations.now()
	err := t.NetworkTransport.AppendEntries(id, target, args, resp)
	if err != nil && t.faults.SplitBrain {
		pretend(args, resp)
		err = nil
	}
	if err != nil || !resp.Success {
		return err
	}
	t.confirmations.confirm(id, args.Term, moment)
	if t.faults.AckAfterOne {
		t.early.acknowledge(args.Entries, nil)
	}
	return nil
}

// InstallSnapshot sends nothing until the follower answers. If it had to wait it fails, because there may be a
// newer snapshot now.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	probe := raft.AppendEntriesRequest{RPCHeader: args.RPCHeader, Term: args.Term}
	var answer raft.AppendEntriesResponse
	for waited := false; ; waited = true {
		err := t.appendEntries(id, target, &probe, &answer)
		switch {
		case err == nil && waited:
			return errWasAway
		case err == nil:
			return t.NetworkTransport.InstallSnapshot(id, target, args, resp, data)
		case !t.pauseInTerm(args.Term):
			return err
		}
	}
}

var errWasAway = errors.New("the follower was away")

// pauseInTerm waits a moment and tells whether this node still leads in the term.
func (t *transport) pauseInTerm(term uint64) bool {
	select {
	case <-time.After(retryTime):
	case <-t.closing:
		return false
	}
	r := t.raft.Load()
	return r == nil || r.State() == raft.Leader && r.CurrentTerm() == term
}

// isHeartbeat tells heartbeats from requests that say what is committed, as the library does.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return args.PrevLogEntry == 0 && len(args.Entries) == 0 && args.LeaderCommitIndex == 0
}

// within returns the first entries, as many as have that size together, but at least one. The library goes on behind
// what was sent.
func within(entries []*raft.Log, size int) []*raft.Log {
	for i, entry := range entries {
		size -= len(entry.Data)
		if size < 0 && i > 0 {
			return entries[:i]
		}
	}
	return entries
}
