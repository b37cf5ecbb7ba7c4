package runner

import (
	"context"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// recoverTime is how long clients go on after the last fault for a node that
	// acknowledges nothing: so long that an outage of models.OutageLimit lies between
	// the first and the last of its writes, with clients that wait two seconds for each.
	recoverTime = models.OutageLimit + 6*time.Second
	servedEvery = 25 * time.Millisecond
)

// served waits until a write that is called from now on is acknowledged; in a sharded
// cluster one in each shard.
func (l *live) served(ctx context.Context) {
	groups := l.founders()
	l.acknowledged(ctx, func(where map[service]bool) bool {
		served := make(map[string]bool)
		for s := range where {
			served[s.shard] = true
		}
		return !slices.ContainsFunc(groups, func(g cluster.Group) bool { return !served[g.Shard] })
	})
}

// recovered lets clients go on until every node has acknowledged a write that was
// called from now on, in every shard, or the time for it is over. What that means is
// judged in the history. It begins when all faults have healed.
func (l *live) recovered(ctx context.Context) {
	l.active("recovering", true)
	defer l.active("recovering", false)
	ctx, cancel := context.WithTimeout(ctx, recoverTime)
	defer cancel()
	nodes, groups := l.nodes(), l.founders()
	l.acknowledged(ctx, func(where map[service]bool) bool {
		for _, n := range nodes {
			for _, g := range groups {
				if !where[service{n.ID, g.Shard}] {
					return false
				}
			}
		}
		return true
	})
}

// founders are the groups that were there from the beginning. Keys move to the others,
// so that it is not known from when on those have to serve them.
func (l *live) founders() []cluster.Group {
	return slices.DeleteFunc(l.cluster.Groups(), func(g cluster.Group) bool { return g.Nodes[0].Shard().Joins })
}

// service is what a write shows that a node has acknowledged: the node does, for keys of
// this shard.
type service struct{ node, shard string }

// acknowledged waits until the writes that are called from now on and acknowledged are
// enough, or ctx ends.
func (l *live) acknowledged(ctx context.Context, enough func(where map[service]bool) bool) {
	from, seen := l.rec.Now(), len(l.rec.Snapshot().Operations)
	where := make(map[service]bool)
	l.until(ctx, func() bool {
		operations := l.rec.Snapshot().Operations
		for i := range operations[seen:] {
			if o := &operations[seen+i]; o.Acknowledged() && o.Call >= from {
				if shard, ok := l.shards.of(ctx, o.Key); ok {
					where[service{o.Node, shard}] = true
				}
			}
		}
		seen = len(operations)
		return enough(where)
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
