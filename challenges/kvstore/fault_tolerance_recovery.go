package kvstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// Stores compact their logs after so many entries or so many bytes: awayKeys and
// awayBytes, in values of 1 MiB, are more than most keep.
const (
	awayKeys  = 3_000
	awayBytes = 10 << 20
)

// writeLarge writes awayBytes through these nodes.
func writeLarge(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, name string) (pairs, error) {
	const size = 1 << 20
	written := make([]pairs, awayBytes/size)
	err := inParallel(len(nodes), func(w int) error {
		for i := w; i < len(written); i += len(nodes) {
			v := largeValue(fmt.Sprint(name, i), size)
			k, err := accepted(ctx, e.On(nodes[w]), e.Key(fmt.Sprint(name, i)), v)
			if err != nil {
				return err
			}
			written[i].add(k, v)
		}
		return nil
	})
	return slices.Concat(written...), err
}

// checkLongAway lets two followers miss much, and then the other two, so that whoever
// leads once the leader is gone has had to catch up.
func checkLongAway(ctx context.Context, e *challenges.Env) error {
	leader, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	const old = 40 // half of them are deleted in each round
	var all pairs
	for i := range old {
		v := e.Value()
		k, err := accepted(ctx, e.On(leader), e.Key(fmt.Sprint("old", i)), v)
		if err != nil {
			return err
		}
		all.add(k, v)
	}
	for round, away := range [][]*cluster.Node{followers[:2], followers[2:]} {
		here := append([]*cluster.Node{leader}, followers[2-2*round:4-2*round]...)
		if err := killAll(ctx, away); err != nil {
			return err
		}
		// The others may have to catch up themselves before they are a majority.
		if _, err := writable(ctx, e, here, fmt.Sprint("away", round)); err != nil {
			return err
		}
		for i := old / 2 * round; i < old/2*(round+1); i++ {
			on := e.On(here[i%len(here)])
			if err := challenges.Eventually(ctx, electTime, func() error { return on.Delete(ctx, all[i].key) }); err != nil {
				return err
			}
			all[i].value = ""
		}
		many, err := writeMany(ctx, e, here, fmt.Sprintf("many%d-", round), awayKeys)
		if err != nil {
			return err
		}
		large, err := writeLarge(ctx, e, here, fmt.Sprintf("large%d-", round))
		if err != nil {
			return err
		}
		all = append(append(all, many...), large...)
		if err := challenges.Steps(
			func() error { return startAll(ctx, e) },
			func() error { return e.Settle(ctx) },
		); err != nil {
			return err
		}
	}
	if err := leader.Kill(ctx); err != nil {
		return err
	}
	if err := led(ctx, e, followers); err != nil {
		return err
	}
	if _, err := writable(ctx, e, followers, "after"); err != nil {
		return err
	}
	if err := caughtUp(ctx, e.On(followers[0]), all, time.Now(), "with a leader that had been away for long"); err != nil {
		return err
	}
	return convergeAll(ctx, e, followers[1:], all[:old])
}

func checkAllCrash(ctx context.Context, e *challenges.Env) error {
	for round := range 2 {
		term, err := highestTerm(ctx, e)
		if err != nil {
			return err
		}
		var written pairs
		for i := range 30 {
			n := e.Cluster.Nodes()[i%len(e.Cluster.Nodes())]
			v := e.Value()
			k, err := accepted(ctx, e.On(n), e.Key(fmt.Sprintf("crash-%d-%d", round, i)), v)
			if err != nil {
				return err
			}
			written.add(k, v)
		}
		if err := challenges.Steps(
			func() error { return killAll(ctx, e.Cluster.Nodes()) },
			func() error { return startAll(ctx, e) },
			func() error { return e.Settle(ctx) },
			func() error { return convergeAll(ctx, e, e.Cluster.Nodes(), written) },
		); err != nil {
			return err
		}
		now, err := highestTerm(ctx, e)
		if err != nil {
			return err
		}
		if now < term {
			return challenges.Failf(challenges.RuleTermWentBack, "before all five crashed they were in term %d, and after it they are in term %d: terms must never go back, or two leaders share one", term, now)
		}
	}
	return nil
}

// highestTerm is the highest one that a node names.
func highestTerm(ctx context.Context, e *challenges.Env) (term int64, err error) {
	for _, n := range e.Cluster.Nodes() {
		info, err := n.Info(ctx)
		if err != nil {
			return 0, err
		}
		term = max(term, info.Term)
	}
	return term, nil
}
