package kvnode

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Mistakes of a follower with what is for the leader to answer.
const (
	ackWithoutForwarding   bug = "ack-without-forwarding"
	ackBeforeForwarding    bug = "ack-before-forwarding"
	redirectToWrongNode    bug = "redirect-to-wrong-node"
	wrongSlot              bug = "wrong-slot"
	localReads             bug = "local-reads"
	cachesForwardedReads   bug = "caches-forwarded-reads"
	retriesForwarding      bug = "retries-forwarding"
	timeoutMeansNotWritten bug = "timeout-means-not-written"
	forwardCutsBody        bug = "forward-cuts-body"
	forwardLosesStatus     bug = "forward-loses-status"

	readsNeedLeader  bug = "reads-need-leader"
	readsGoToLeader  bug = "reads-go-to-leader"
	acceptsWhenAlone bug = "accepts-when-alone"
)

const (
	forwardedBytes  = 64 << 10
	impatientTime   = 100 * time.Millisecond
	impatientLimit  = 500 * time.Millisecond // leaks-pending-writes: clients that wait for a lost leader soon try again
	lateAnswerTime  = 150 * time.Millisecond // more than an impatient follower waits
	slowAnswerTime  = 40 * time.Millisecond  // so long writes are under way that will be lost with their leader
	lateAnswerEvery = 25                     // one in so many of the writes that come through followers is answered late
	slotTime        = 2 * time.Millisecond   // between an answer's way into the slot and out of it
	queueTime       = 20 * time.Millisecond  // a queued write waits that long
	cacheReadTime   = 100 * time.Millisecond
)

// clusterBugs is what the cluster's bugs remember. Without a bug nothing in it is used.
type clusterBugs struct {
	cluster   *cluster
	store     store
	logf      logFunc
	firstLook firstLook               // waits-for-order
	queue     chan queuedRequest      // ack-before-forwarding, retries-proposal
	passed    atomic.Int64            // retries-forwarding, timeout-means-not-written: writes that came through followers
	pending   atomic.Int64            // leaks-pending-writes: writes of unknown fate
	mu        sync.Mutex              // guards what follows
	slot      answer                  // wrong-slot: the last answer, for whoever waits for one
	cached    map[string]cachedAnswer // caches-forwarded-reads
	remembers string                  // stale-leader-accepts: the leader when this node last looked
	looked    time.Time
}

// queuedRequest is one that has been answered already.
type queuedRequest struct {
	peerRequest
	asked string // the leader that it was sent to in vain, "" if it was not sent yet
}

type cachedAnswer struct {
	answer
	loaded time.Time
}

func (b *clusterBugs) open(c *cluster, st store, logf logFunc) {
	b.cluster, b.store, b.logf = c, st, logf
	b.queue = make(chan queuedRequest, 1024)
	b.cached = make(map[string]cachedAnswer)
	if c.bug == redirectToWrongNode {
		c.forward = forwardRedirect
	}
}

// run does what a bug does in the background.
func (b *clusterBugs) run(ctx context.Context) {
	leader := b.cluster.peers[leastID(b.cluster.clusterConfig)]
	switch {
	case b.cluster.bug == retriesProposal:
		b.retryQueued(ctx)
	case leader == nil: // this node leads
	case b.cluster.bug == waitsForOrder:
		b.firstLook.look(ctx, leader, b.logf)
	case b.cluster.bug == ackBeforeForwarding:
		b.sendQueued(ctx, leader)
	}
}

// sendQueued passes on in order what was acknowledged before. An error has nobody left to be told to.
func (b *clusterBugs) sendQueued(ctx context.Context, leader *peer) {
	for {
		select {
		case request := <-b.queue:
			time.Sleep(queueTime)
			_, _ = leader.requests.do(ctx, request.peerRequest)
			for range len(b.queue) {
				_, _ = leader.requests.do(ctx, (<-b.queue).peerRequest)
			}
		case <-ctx.Done():
			return
		}
	}
}

// keepsHere says that a follower answers the request itself, though it is for the leader.
func (b *clusterBugs) keepsHere(r *http.Request, leader string) bool {
	read := r.Method == http.MethodGet
	switch b.cluster.bug {
	case ackWithoutForwarding:
		return !read
	case localReads:
		return read
	case acceptsWhenAlone:
		return !read && b.cluster.peers[leader].liveness.seemsDead()
	case staleLeaderAccepts:
		return !read && r.Header.Get(passedOnHeader) != ""
	}
	return false
}

// refusesRead answers a read that the follower could answer from its own copy: bug reads-need-leader.
func (b *clusterBugs) refusesRead(w http.ResponseWriter, leader string) bool {
	if b.cluster.bug != readsNeedLeader || !b.cluster.peers[leader].liveness.seemsDead() {
		return false
	}
	http.Error(w, "there is no leader", http.StatusServiceUnavailable)
	return true
}

// mistakeLeader is the node that the bug takes for the leader when it redirects: another follower.
func (b *clusterBugs) mistakeLeader(leader string) string {
	if b.cluster.bug == redirectToWrongNode {
		for id := range b.cluster.peers {
			if id != leader {
				return id
			}
		}
	}
	return leader
}

// ask sends the request to the leader.
func (b *clusterBugs) ask(ctx context.Context, leader *peer, r peerRequest) (answer, error) {
	read := r.method == http.MethodGet
	switch b.cluster.bug {
	case ackBeforeForwarding:
		if !read {
			b.queue <- queuedRequest{peerRequest: r}
			return answer{status: http.StatusOK}, nil
		}
	case wrongSlot:
		return b.askThroughSlot(ctx, leader, r)
	case cachesForwardedReads:
		return b.askThroughCache(ctx, leader, r)
	case retriesForwarding, timeoutMeansNotWritten:
		if !read {
			return b.askImpatiently(ctx, leader, r)
		}
	case leaksPendingWrites:
		r.limit = impatientLimit
	case acceptsWhenAlone:
		r.limit = hastyPingTime // so that its clients do not spend the time of a cut in waiting
	case forwardCutsBody:
		r.body = r.body[:min(len(r.body), forwardedBytes)]
	case forwardLosesStatus:
		got, err := leader.requests.do(ctx, r)
		got.status = http.StatusOK
		return got, err
	}
	return leader.requests.do(ctx, r)
}

func (b *clusterBugs) askThroughSlot(ctx context.Context, leader *peer, r peerRequest) (answer, error) {
	got, err := leader.requests.do(ctx, r)
	if err != nil {
		return answer{}, err
	}
	b.mu.Lock()
	b.slot = got
	b.mu.Unlock()
	time.Sleep(slotTime)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slot, nil
}

// askThroughCache trusts its cache for a moment; only what is written through this node invalidates it.
func (b *clusterBugs) askThroughCache(ctx context.Context, leader *peer, r peerRequest) (answer, error) {
	read, path := r.method == http.MethodGet, r.url.Path
	b.mu.Lock()
	c, ok := b.cached[path]
	b.mu.Unlock()
	if read && ok && time.Since(c.loaded) < cacheReadTime {
		return c.answer, nil
	}
	got, err := leader.requests.do(ctx, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if read && err == nil {
		b.cached[path] = cachedAnswer{answer: got, loaded: time.Now()}
	} else {
		delete(b.cached, path)
	}
	return got, err
}

// askImpatiently does not wait long for an answer, and then sends the request again, or says that it failed.
func (b *clusterBugs) askImpatiently(ctx context.Context, leader *peer, r peerRequest) (answer, error) {
	patient := r
	r.limit = impatientTime
	got, err := leader.requests.do(ctx, r)
	switch {
	case !errors.Is(err, errLate):
		return got, err
	case b.cluster.bug == timeoutMeansNotWritten:
		return answer{status: http.StatusConflict, body: []byte("the leader has not taken it\n")}, nil
	}
	return leader.requests.do(ctx, patient)
}

// answerLate has the leader answer some writes late that an impatient follower has passed on, and a few more
// milliseconds than it needs those that may be lost with it: a busy leader is as slow, but not as reliably.
func (b *clusterBugs) answerLate(r *http.Request) {
	if r.Method == http.MethodGet || r.Header.Get(passedOnHeader) == "" || !strings.HasPrefix(r.URL.Path, keyPrefix) {
		return
	}
	switch b.cluster.bug {
	case retriesForwarding, timeoutMeansNotWritten:
		if b.passed.Add(1)%lateAnswerEvery == 0 {
			time.Sleep(lateAnswerTime)
		}
	case retriesProposal, refusalMayHappen:
		time.Sleep(slowAnswerTime)
	}
}
