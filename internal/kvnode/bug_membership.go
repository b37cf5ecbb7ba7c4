package kvnode

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Mistakes about who is there and who leads. Those that are not here are a line at their place in cluster.go
// and liveness.go.
const (
	twoLeaders      bug = "two-leaders"
	waitsForOrder   bug = "waits-for-order"
	leadsWhileAlone bug = "leads-while-alone"
	staleMembership bug = "stale-membership"
	neverReturns    bug = "never-returns"
	infoOmitsItself bug = "info-omits-itself"
)

// aloneTime without an answer makes a node with leads-while-alone believe that it is alone. It also waits for a
// moment before its first ping; so it leads for a moment after each start and after each pause.
const aloneTime = 2 * pingInterval

// election is the election that the bug has in place of the right one.
func (b *clusterBugs) election(right fixedLeader) election {
	c := b.cluster
	switch {
	case c.bug == twoLeaders && compareIDs(string(right), c.id) != 0 && b.isSecond(string(right)):
		return fixedLeader(c.id)
	case c.bug == waitsForOrder && string(right) != c.id:
		return &b.firstLook
	case c.bug == leadsWhileAlone && string(right) != c.id:
		return aloneElection{fixedLeader: right, cluster: c}
	}
	return right
}

// isSecond says that of all nodes but the first this one has the least ID.
func (b *clusterBugs) isSecond(first string) bool {
	for id := range b.cluster.peers {
		if id != first && compareIDs(id, b.cluster.id) < 0 {
			return false
		}
	}
	return true
}

// firstLook has bug waits-for-order: the leader is looked for at the start only.
type firstLook struct{ found atomic.Pointer[string] }

// lookTime is long enough for nodes that are started together.
const lookTime = 2 * time.Second

func (f *firstLook) leader() (string, uint64) {
	if id := f.found.Load(); id != nil {
		return *id, 0
	}
	return "", 0
}

func (f *firstLook) look(ctx context.Context, leader *peer, logf logFunc) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for ctx.Err() == nil {
		got, err := leader.requests.do(ctx, peerRequest{method: http.MethodGet, url: url.URL{Path: pingPath}, limit: pingTime})
		if err == nil && got.status == http.StatusOK {
			f.found.Store(&leader.id)
			return
		}
		select {
		case <-time.After(fetchAgain):
		case <-ctx.Done():
		}
	}
	logf("no leader found")
}

// aloneElection has bug leads-while-alone: no peer to be seen is taken for no peer there.
type aloneElection struct {
	fixedLeader
	cluster *cluster
}

func (a aloneElection) leader() (string, uint64) {
	for _, p := range a.cluster.peers {
		if p.liveness.answeredWithin(aloneTime) {
			return a.fixedLeader.leader()
		}
	}
	return a.cluster.id, 0
}

func (l *liveness) answeredWithin(limit time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.answered.IsZero() && time.Since(l.answered) < limit
}

// hastyPingTime is how long accepts-when-alone and reads-need-leader wait for an answer to a ping, so that most cuts are
// long enough to be noticed.
const hastyPingTime = 250 * time.Millisecond

func (b bug) pingTime() time.Duration {
	if b == acceptsWhenAlone || b == readsNeedLeader {
		return hastyPingTime
	}
	return pingTime
}

// seemsDead says that the last pings were not answered; one alone may be due to a pause of this node.
func (l *liveness) seemsDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missed >= 2
}
