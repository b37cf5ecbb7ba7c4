package runner

import (
	"context"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// leaderEvery is how often a cluster is asked who leads while clients run.
const leaderEvery = 250 * time.Millisecond

// leaders notes who led when.
type leaders struct {
	mu   sync.Mutex
	last history.LeaderEvent
}

// leader asks the cluster who leads, and records the answer if it is new. Faults ask
// as well, so that whom one was aimed at is on record.
func (l *live) leader(ctx context.Context) string {
	l.leaders.mu.Lock() // also while asking: answers are recorded in the order of their times
	defer l.leaders.mu.Unlock()
	id, term := l.cluster.Leader(ctx)
	if ctx.Err() != nil {
		return id
	}
	if last := l.leaders.last; id != last.Leader || id != "" && term != last.Term {
		l.leaders.last = history.LeaderEvent{At: l.rec.Now(), Leader: id, Term: term}
		l.rec.Leader(l.leaders.last)
	}
	return id
}

// watchLeader samples who leads until ctx ends.
func (l *live) watchLeader(ctx context.Context) {
	if len(l.cluster.Nodes()) == 1 {
		return
	}
	tick := time.NewTicker(leaderEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		l.leader(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
