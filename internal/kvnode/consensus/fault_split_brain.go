package consensus

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

// callTime is how long a request may take. With SplitBrain a follower has to be given up before the library does,
// which looks for a majority once in the lease.
func (c Config) callTime() time.Duration {
	if c.Faults.SplitBrain {
		return min(c.Timing.Call, c.Timing.Lease/2)
	}
	return c.Timing.Call
}

// pretend makes an answer of a follower that gave none.
func pretend(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) {
	*resp = raft.AppendEntriesResponse{
		RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}, Term: args.Term, Success: true,
	}
}

var errDeaf = errors.New("this node leads")

// deafTo refuses what another leader sends to one that goes on leading.
func deafTo(rpc raft.RPC, r *raft.Raft) bool {
	if r.State() != raft.Leader {
		return false
	}
	switch rpc.Command.(type) {
	case *raft.AppendEntriesRequest, *raft.RequestVoteRequest:
		rpc.Respond(nil, errDeaf)
		return true
	}
	return false
}
