package kvnode

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	pingPath     = "/internal/ping"
	pingInterval = 300 * time.Millisecond
	pingTime     = 700 * time.Millisecond
	// aliveTime is how long an answer proves that a peer is alive: a few pings, so that one that is lost proves
	// nothing.
	aliveTime = 2 * time.Second
)

// liveness is what pings have shown of a peer.
type liveness struct {
	bug bug

	mu       sync.Mutex
	answered time.Time // zero before the first answer
	missed   int       // pings since the last answer, for accepts-when-alone and reads-need-leader
	gone     bool      // it was dead once, for never-returns
	failing  bool      // its last answer, to whatever it was, did not come
	leader   string    // whom it named as its group's leader when it last named one, and the term
	term     uint64
}

// alive tells whether a ping was answered lately.
func (l *liveness) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.answered.IsZero() && !l.gone && (time.Since(l.answered) < aliveTime || l.bug == staleMembership)
}

func (l *liveness) pinged(ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bug == neverReturns && !l.answered.IsZero() && time.Since(l.answered) >= aliveTime {
		l.gone = true
	}
	if ok {
		l.answered, l.missed, l.failing = time.Now(), 0, false
	} else {
		l.missed++
		l.failing = true
	}
}

// failed notes that the peer did not answer a request.
func (l *liveness) failed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing = true
}

// seems tells whether the peer is believed alive, and whether its last answer did not come.
func (l *liveness) seems() (alive, failing bool) {
	alive = l.alive()
	l.mu.Lock()
	defer l.mu.Unlock()
	return alive, l.failing
}

// Headers of the answer to a ping, where there are shards: the leader of the peer's group and its term.
const (
	leaderHeader = "Kvnode-Leader"
	termHeader   = "Kvnode-Term"
)

func (c *cluster) tellLeader(header http.Header) {
	if c.shards == nil {
		return
	}
	if leader, term := c.election.leader(); leader != "" {
		header.Set(leaderHeader, leader)
		header.Set(termHeader, strconv.FormatUint(term, 10))
	}
}

// hear notes whom the peer names as its leader.
func (l *liveness) hear(header http.Header) {
	leader := header.Get(leaderHeader)
	term, err := strconv.ParseUint(header.Get(termHeader), 10, 64)
	if leader == "" || err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leader, l.term = leader, term
}

// heard returns whom the peer has named as its leader, and the term.
func (l *liveness) heard() (leader string, term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leader, l.term
}

// keepPinging asks a peer again and again whether it is there, until ctx ends.
func (p *peer) keepPinging(ctx context.Context) {
	pings := newPeerClient(p.address, 1)
	defer pings.close()
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	if p.liveness.bug == leadsWhileAlone {
		<-ticker.C
	}
	for {
		got, err := pings.do(ctx, peerRequest{method: http.MethodGet, url: url.URL{Path: pingPath}, limit: p.liveness.bug.pingTime()})
		if ctx.Err() != nil {
			return
		}
		// Its name is asked for because an address may belong to somebody else by now.
		ok := err == nil && got.status == http.StatusOK && string(got.body) == p.id
		if ok {
			p.liveness.hear(got.header)
		}
		p.liveness.pinged(ok)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
