package runner

import (
	"context"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// leaderEvery is how often a cluster is asked who leads while clients run.
const leaderEvery = 250 * time.Millisecond

// leaders notes who led when.
type leaders struct {
	mu   sync.Mutex
	last map[string]history.LeaderEvent // of each shard
}

// leader asks the nodes of a group who leads it, and records the answer if it is new.
// Faults ask as well, so that whom one was aimed at is on record.
func (l *live) leader(ctx context.Context, g cluster.Group) string {
	l.leaders.mu.Lock() // also while asking: answers are recorded in the order of their times
	defer l.leaders.mu.Unlock()
	id, term := g.Leader(ctx)
	if ctx.Err() != nil {
		return id
	}
	if last := l.leaders.last[g.Shard]; id != last.Leader || id != "" && term != last.Term {
		now := history.LeaderEvent{At: l.rec.Now(), Shard: g.Shard, Leader: id, Term: term}
		if l.leaders.last == nil {
			l.leaders.last = make(map[string]history.LeaderEvent)
		}
		l.leaders.last[g.Shard] = now
		l.rec.Leader(now)
		l.run.tell(Event{Leader: &now})
	}
	return id
}

// leaderOf is leader for whoever knows the group by the name of its shard only.
func (l *live) leaderOf(ctx context.Context, named history.Group) string {
	for _, g := range l.cluster.Groups() {
		if g.Shard == named.Shard {
			return l.leader(ctx, g)
		}
	}
	return ""
}

// watchLeaders samples who leads until ctx ends.
func (l *live) watchLeaders(ctx context.Context) {
	if len(l.cluster.Nodes()) == 1 {
		return
	}
	tick := time.NewTicker(leaderEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, g := range l.cluster.Groups() {
			l.leader(ctx, g)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
