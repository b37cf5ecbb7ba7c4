package consensus

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
)

// nobody hears what goroutines say that the library does not wait for.
func nobody(string, ...any) {}

// A peer answers requests that arrive through pipes, once it was dialled in vain a number of times.
type peer struct {
	streams   *streams
	transport *raft.NetworkTransport
	serving   sync.WaitGroup

	meanwhile func() // is called while a request is served

	mu      sync.Mutex
	refuses int
	got     []any
}

func newPeer(t *testing.T) *peer {
	p := &peer{streams: newStreams(Config{ID: "n2"})}
	p.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: p.streams, Logger: newLogger(nobody, nil),
	})
	p.serving.Go(func() {
		for {
			select {
			case rpc := <-p.transport.Consumer():
				p.serve(rpc)
			case <-p.streams.ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = p.transport.Close()
		p.serving.Wait()
	})
	return p
}

func (p *peer) serve(rpc raft.RPC) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, rpc.Command)
	if p.meanwhile != nil {
		p.meanwhile()
	}
	switch rpc.Command.(type) {
	case *raft.InstallSnapshotRequest:
		_, err := io.Copy(io.Discard, rpc.Reader)
		rpc.Respond(&raft.InstallSnapshotResponse{Success: true}, err)
	default:
		rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
	}
}

var errRefused = errors.New("refused")

func (p *peer) dial(context.Context, string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses > 0 {
		p.refuses--
		return nil, errRefused
	}
	here, there := net.Pipe()
	go p.streams.deliver(there)
	return here, nil
}

// refuse makes the next dials fail, and tells how many were still to fail.
func (p *peer) refuse(dials int) (before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.refuses = p.refuses, dials
	return before
}

// received counts the requests of a kind that have entries, or a snapshot.
func (p *peer) received() (withEntries, snapshots int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, command := range p.got {
		switch command := command.(type) {
		case *raft.AppendEntriesRequest:
			if len(command.Entries) > 0 {
				withEntries++
			}
		case *raft.InstallSnapshotRequest:
			snapshots++
		}
	}
	return withEntries, snapshots
}

// sender is a transport of n1 to that peer; it takes itself for the leader.
func (p *peer) sender(t *testing.T, closing <-chan struct{}) *transport {
	cfg := Config{ID: "n1", Dial: p.dial, Timing: Timing{Call: patience}}
	s := newStreams(cfg)
	sender := newTransport(cfg, newLogger(nobody, nil), s, newConfirmations(3), closing)
	t.Cleanup(func() {
		_ = sender.Close()
		sender.CloseStreams()
	})
	return sender
}

func TestEntriesAreSentUntilTheyArrive(t *testing.T) {
	p := newPeer(t)
	closing := make(chan struct{})
	sender := p.sender(t, closing)
	p.refuse(5)
	read := sender.confirmations.ask()
	request := &raft.AppendEntriesRequest{Term: 3, PrevLogEntry: 1, Entries: entries(3, 2, 4)}
	var answer raft.AppendEntriesResponse
	if err := sender.AppendEntries("n2", "n2", request, &answer); err != nil || !answer.Success {
		t.Errorf("a follower that was away has answered %t, %v", answer.Success, err)
	}
	if n, _ := p.received(); n != 1 {
		t.Errorf("it got the entries %d times", n)
	}
	if !sender.confirmations.since(3, read) {
		t.Error("its answer does not confirm reads")
	}
	sender.CloseStreams()
	p.refuse(1)
	heartbeat := &raft.AppendEntriesRequest{Term: 3}
	if err := sender.AppendEntries("n2", "n2", heartbeat, &answer); !errors.Is(err, errRefused) {
		t.Errorf("a heartbeat is sent again: %v", err)
	}
	p.refuse(1000)
	close(closing)
	if err := sender.AppendEntries("n2", "n2", request, &answer); !errors.Is(err, errRefused) {
		t.Errorf("a closing node goes on: %v", err)
	}
}

func TestAnAnswerDoesNotConfirmReadsThatCameAfterItsRequest(t *testing.T) {
	p := newPeer(t)
	sender := p.sender(t, make(chan struct{}))
	before := sender.confirmations.ask()
	var during uint64
	p.meanwhile = func() { during = sender.confirmations.ask() }
	if err := sender.AppendEntries("n2", "n2", &raft.AppendEntriesRequest{Term: 3}, new(raft.AppendEntriesResponse)); err != nil {
		t.Fatal(err)
	}
	if !sender.confirmations.since(3, before) || sender.confirmations.since(3, during) {
		t.Errorf("confirms a read from before the request: %t, from after it: %t",
			sender.confirmations.since(3, before), sender.confirmations.since(3, during))
	}
}

func TestASnapshotIsSentToAFollowerThatAnswers(t *testing.T) {
	p := newPeer(t)
	sender := p.sender(t, make(chan struct{}))
	const state = "the state"
	send := func() (rest int, err error) {
		data := strings.NewReader(state)
		request := &raft.InstallSnapshotRequest{Term: 3, LastLogIndex: 9, LastLogTerm: 2, Size: int64(len(state))}
		err = sender.InstallSnapshot("n2", "n2", request, new(raft.InstallSnapshotResponse), data)
		return data.Len(), err
	}
	p.refuse(3)
	if rest, err := send(); !errors.Is(err, errWasAway) || rest != len(state) || p.refuse(0) != 0 {
		t.Errorf("to a follower that was away: %v, %d bytes are left", err, rest)
	}
	if rest, err := send(); err != nil || rest != 0 {
		t.Errorf("to a follower that answers: %v, %d bytes are left", err, rest)
	}
	if _, n := p.received(); n != 1 {
		t.Errorf("it got %d snapshots", n)
	}
}

func TestASnapshotThatComesLateIsNotInstalled(t *testing.T) {
	c := newCluster(t, 1)
	c.put("a", "1", "n1")
	n := c.node("n1")
	last := n.raft.LastIndex()
	// Raft counts an entry as applied a moment after whoever proposed it has heard so.
	c.eventually("count the write as applied", func() bool { return n.raft.AppliedIndex() == last })
	var log raft.Log
	if err := n.logs.GetLog(last, &log); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name                   string
		term, index, indexTerm uint64
		installed, refused     bool
	}{
		{name: "what is applied", term: 9, index: last - 1, indexTerm: log.Term},
		{name: "what is applied, just so", term: 9, index: last, indexTerm: log.Term},
		{name: "of an old leader", term: 0, index: last - 1, indexTerm: log.Term, refused: true},
		{name: "what is new to this node", term: 9, index: last + 5, indexTerm: 9, installed: true},
		{name: "the same again", term: 9, index: last + 5, indexTerm: 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers := make(chan raft.RPCResponse, 1)
			state := strings.NewReader(`{"a":"old"}`)
			before := c.members["n1"].machine.restored()
			err := n.transport.install(raft.RPC{Reader: state, RespChan: answers}, &raft.InstallSnapshotRequest{
				SnapshotVersion: 1, Term: test.term, LastLogIndex: test.index, LastLogTerm: test.indexTerm, Size: int64(state.Len()),
				Configuration: raft.EncodeConfiguration(n.cfg.configuration()), ConfigurationIndex: 1,
				RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("n2"), Addr: []byte("n2")},
			}, n.raft, n.logs)
			if err != nil {
				t.Fatal(err)
			}
			answer := <-answers
			success := answer.Error == nil && answer.Response.(*raft.InstallSnapshotResponse).Success
			if success == test.refused {
				t.Errorf("answered %+v, %v", answer.Response, answer.Error)
			}
			if got := c.members["n1"].machine.restored() > before; got != test.installed {
				t.Errorf("installed: %t", got)
			}
			if left := n.logs.LogStore.GetLog(last, new(raft.Log)) == nil; test.installed && left {
				t.Error("the log from before the snapshot is still there")
			}
			if state.Len() > 0 {
				t.Errorf("%d bytes are left in the stream", state.Len())
			}
		})
	}
}
