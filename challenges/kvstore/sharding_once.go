package kvstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// checkOnceAcross cuts one group off from the other's leader, whose own group hears it.
func checkOnceAcross(ctx context.Context, e *challenges.Env) error {
	const each = 3
	groups := e.Cluster.Groups()
	from, to := groups[0].Nodes, groups[len(groups)-1]
	leader, _, err := e.LeaderOf(ctx, to)
	if err != nil {
		return err
	}
	keys := make([]string, each*len(from))
	for i := range keys {
		if keys[i], err = e.KeyIn(ctx, to.Shard, fmt.Sprint("once-", i)); err != nil {
			return err
		}
		// So that whoever remembers who leads does.
		if err := e.On(from[i%len(from)]).Absent(ctx, keys[i]); err != nil {
			return err
		}
	}
	heal, err := e.Cut(from, []*cluster.Node{leader})
	if err != nil {
		return err
	}
	defer heal()
	acked := make([]pairs, len(keys))
	if err := inParallel(len(keys), func(i int) error {
		return acked[i].offer(ctx, e.On(from[i%len(from)]), keys[i], e.Value())
	}); err != nil {
		return err
	}
	// Those that were acknowledged, on whatever way, are over. What comes now is the last word.
	last := slices.Concat(acked...)
	for i := range last {
		last[i].value = e.Value()
		if err := e.On(to.Nodes[i%len(to.Nodes)]).Put(ctx, last[i].key, last[i].value); err != nil {
			return err
		}
	}
	heal()
	if err := e.Settle(ctx); err != nil {
		return err
	}
	for range 10 { // what was held by the cut arrives in these moments
		for i := range last {
			if err := last.is(ctx, e.On(to.Nodes[i%len(to.Nodes)]), i); err != nil {
				return err
			}
		}
		if err := challenges.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
