package runner

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

const (
	// recoverTime is how long clients go on after the last fault for a node that
	// acknowledges nothing: so long that an outage of models.OutageLimit lies between
	// the first and the last of its writes, with clients that wait two seconds for each.
	recoverTime = models.OutageLimit + 6*time.Second
	servedEvery = 25 * time.Millisecond
)

// served waits until a write that is called from now on is acknowledged.
func (l *live) served(ctx context.Context) {
	from := l.rec.Now()
	l.until(ctx, func() bool {
		for _, call := range l.rec.Acknowledged() {
			if call >= from {
				return true
			}
		}
		return false
	})
}

// recovered lets clients go on until every node has acknowledged a write that was
// called from now on, or the time for it is over. What that means is judged in the
// history. It begins when all faults have healed.
func (l *live) recovered(ctx context.Context) {
	l.active("recovering", true)
	defer l.active("recovering", false)
	ctx, cancel := context.WithTimeout(ctx, recoverTime)
	defer cancel()
	from := l.rec.Now()
	l.until(ctx, func() bool {
		acknowledged := l.rec.Acknowledged()
		for _, n := range l.cluster.Nodes() {
			if acknowledged[n.ID()] < from {
				return false
			}
		}
		return true
	})
}

// until looks again and again whether done, or ctx has ended.
func (l *live) until(ctx context.Context, done func() bool) {
	tick := time.NewTicker(servedEvery)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
