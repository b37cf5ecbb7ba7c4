package consensus

import (
	"io"

	"github.com/hashicorp/raft"
)

// Consumer is where the library takes requests from.
func (t *transport) Consumer() <-chan raft.RPC { return t.incoming }

// SetHeartbeatHandler does nothing, so that heartbeats take their turn.
func (t *transport) SetHeartbeatHandler(func(raft.RPC)) {}

// passOn gives the library the requests of peers, until the node closes.
func (t *transport) passOn(r *raft.Raft, logs *logStore) error {
	for {
		select {
		case rpc := <-t.NetworkTransport.Consumer():
			if err := t.passOnOne(rpc, r, logs); err != nil {
				return err
			}
		case <-t.closing:
			return nil
		}
	}
}

func (t *transport) passOnOne(rpc raft.RPC, r *raft.Raft, logs *logStore) error {
	if t.faults.SplitBrain && deafTo(rpc, r) {
		return nil
	}
	if request, ok := rpc.Command.(*raft.InstallSnapshotRequest); ok {
		return t.install(rpc, request, r, logs)
	}
	select {
	case t.incoming <- rpc:
	case <-t.closing:
	}
	return nil
}

// install lets the library install a snapshot, and drops the log before it. A link may deliver such a request long
// after it was sent, and twice. What this node has applied or has in its log it does not need, as figure 5.3 of the
// dissertation says too. After an error the log is not what the library takes it for.
func (t *transport) install(rpc raft.RPC, request *raft.InstallSnapshotRequest, r *raft.Raft, logs *logStore) error {
	end := logBegin{index: request.LastLogIndex, term: request.LastLogTerm}
	if request.Term >= r.CurrentTerm() && (r.AppliedIndex() >= end.index || logs.has(end.index, end.term)) {
		_, err := io.Copy(io.Discard, rpc.Reader) // the next request begins behind it
		rpc.Respond(&raft.InstallSnapshotResponse{Term: request.Term, Success: err == nil}, err)
		return nil
	}
	answers := make(chan raft.RPCResponse, 1)
	select {
	case t.incoming <- raft.RPC{Command: request, Reader: rpc.Reader, RespChan: answers}:
	case <-t.closing:
		return nil
	}
	answer := <-answers // What the library has taken it also answers.
	if installed, ok := answer.Response.(*raft.InstallSnapshotResponse); ok && installed.Success && answer.Error == nil {
		if err := logs.beginAfter(end); err != nil {
			return err
		}
		t.logf("consensus: this node was behind, and has got a snapshot of everything up to entry %d", end.index)
	}
	rpc.RespChan <- answer
	return nil
}
