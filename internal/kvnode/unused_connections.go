package kvnode

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// unusedConnections are those on which no request has come yet. An http.Server that shuts down waits up to five
// seconds for the first one, in vain for those that a peer keeps in reserve or that a link holds.
type unusedConnections struct {
	mu     sync.Mutex
	opened map[net.Conn]time.Time
}

// unusedTime is how long a connection may take to send its first request during a shutdown.
const unusedTime = 200 * time.Millisecond

func newUnusedConnections() *unusedConnections {
	return &unusedConnections{opened: make(map[net.Conn]time.Time)}
}

func (u *unusedConnections) connState(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.opened[conn] = time.Now()
	} else {
		delete(u.opened, conn)
	}
}

// closeUntil closes unused connections until done is closed.
func (u *unusedConnections) closeUntil(done <-chan struct{}) {
	ticker := time.NewTicker(unusedTime / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		u.mu.Lock()
		for conn, opened := range u.opened {
			if time.Since(opened) > unusedTime {
				_ = conn.Close() // its reader reports the end
			}
		}
		u.mu.Unlock()
	}
}
