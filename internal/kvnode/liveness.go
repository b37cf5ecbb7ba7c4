package kvnode

import (
	"context"
	"net/http"
	"net/url"
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
		l.answered, l.missed = time.Now(), 0
	} else {
		l.missed++
	}
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
		p.liveness.pinged(err == nil && got.status == http.StatusOK && string(got.body) == p.id)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
