package kvnode

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Mistakes of nodes about who leads, where leaders are elected, and about writes that one of them did not finish.
const (
	staleLeaderAccepts bug = "stale-leader-accepts"
	retriesProposal    bug = "retries-proposal"
	leaksPendingWrites bug = "leaks-pending-writes"
)

// reads is who answers reads with this bug, where given is what the command line says.
func (b bug) reads(given string) string {
	switch {
	case b == readsGoToLeader:
		return readsLeader
	case b == readsAnyCopy, b == asyncFailover:
		return readsLocal
	case given == "" && (b.stage() == readReplicas || b.spoilsCopies()):
		return readsLocal
	}
	return given
}

// spoilsCopies says that the bug makes copies wrong one by one, behind an elected leader. Reads through the leader see
// that only if the wrong node leads.
func (b bug) spoilsCopies() bool {
	return b == entriesOutOfOrder || b == restoreMerges || b == snapshotMisses
}

// replication is the way to keep copies alike that the bug is a mistake in, "" for a correct node. Mistakes of a node that
// is alone are made in the engine, as those of async are.
func (b bug) replication() string {
	switch b.stage() {
	case "":
		return ""
	case faultTolerance, strongConsistency, sharding:
		return replicationRaft
	}
	return replicationAsync
}

// lookAgain is how long a node with stale-leader-accepts does not look who leads.
const lookAgain = 3 * time.Second

// leader is the leader as the node knows it, "" for none.
func (b *clusterBugs) leader() string {
	leader, _ := b.cluster.election.leader()
	if b.cluster.bug != staleLeaderAccepts || leader == b.cluster.id {
		return leader
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.remembers == "" || time.Since(b.looked) > lookAgain {
		b.remembers, b.looked = leader, time.Now()
	}
	return b.remembers
}

// A write of unknown fate is tried again with retries-proposal, some times, if another node leads then. Until then
// others have written the same key.
const (
	tryAgain = 400 * time.Millisecond
	tries    = 20
)

// pendingPlaces is how many writes of unknown fate leaks-pending-writes has room for.
const pendingPlaces = 8

// unsure is told of writes that may have happened or not, as far as this node knows, and of the leader that was asked.
func (b *clusterBugs) unsure(leader string, r peerRequest) {
	if r.method == http.MethodGet {
		return
	}
	switch b.cluster.bug {
	case leaksPendingWrites:
		b.pending.Add(1)
	case retriesProposal:
		select {
		case b.queue <- queuedRequest{r, leader}:
		default: // It is not needed that all are tried again.
		}
	}
}

// unansweredStatus is the status for what a leader did not answer. With refusal-may-happen it tells of a write that it
// failed, if another node leads by now.
func (b *clusterBugs) unansweredStatus(asked string, r peerRequest) int {
	if b.cluster.bug == refusalMayHappen && r.method != http.MethodGet {
		if leader, _ := b.cluster.election.leader(); leader != "" && leader != asked {
			return http.StatusConflict
		}
	}
	return http.StatusGatewayTimeout
}

// refusesWrite answers a write that leaks-pending-writes has no place for.
func (b *clusterBugs) refusesWrite(w http.ResponseWriter, r *http.Request) bool {
	if b.cluster.bug != leaksPendingWrites || r.Method == http.MethodGet || b.pending.Load() < pendingPlaces {
		return false
	}
	http.Error(w, "too many writes are under way", http.StatusServiceUnavailable)
	return true
}

// retryQueued does the writes again that are queued, until ctx ends.
func (b *clusterBugs) retryQueued(ctx context.Context) {
	var retrying sync.WaitGroup
	defer retrying.Wait()
	for {
		select {
		case r := <-b.queue:
			retrying.Go(func() { b.retry(ctx, r) })
		case <-ctx.Done():
			return
		}
	}
}

func (b *clusterBugs) retry(ctx context.Context, r queuedRequest) {
	for range tries {
		select {
		case <-time.After(tryAgain):
		case <-ctx.Done():
			return
		}
		leader, _ := b.cluster.election.leader()
		switch {
		case leader == r.asked:
		case leader == b.cluster.id:
			if b.store.write(r.record()) == nil {
				return
			}
		case leader != "":
			if got, err := b.cluster.peers[leader].requests.do(ctx, r.peerRequest); err == nil && got.status == http.StatusOK {
				return
			}
		}
	}
}

// record is the change that a client's write asks for.
func (r peerRequest) record() record {
	key := strings.TrimPrefix(r.url.Path, keyPrefix)
	if r.method == http.MethodDelete {
		return record{op: opDelete, key: key}
	}
	return record{op: opPut, key: key, value: r.body}
}

// request is a write as it would be passed on.
func (c *cluster) request(r record) peerRequest {
	method := http.MethodPut
	if r.op == opDelete {
		method = http.MethodDelete
	}
	return peerRequest{method: method, url: keyURL(r.key), body: r.value, from: c.id, limit: passOnTime}
}
