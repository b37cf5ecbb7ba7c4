package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

const (
	// rereadAfter is the pause before copies that do not agree yet are read again.
	rereadAfter = 100 * time.Millisecond
	// copiesTime bounds the check between two readings.
	copiesTime = 5 * time.Second
)

// final reads every key on every one of these nodes. Where copies may lag behind,
// keys that have not converged are read again until the time for it is over; only
// the last reading of each key is recorded. It reports whether all have converged
// in time.
//
// If another final reading is to follow, those that have converged are not recorded
// either: a write of unknown outcome may still take effect between the two.
func (l *live) final(ctx context.Context, nodes []workload.Node, keys []string, another bool) (converged bool) {
	l.active("final reads", true)
	defer l.active("final reads", false)
	l.finalReads += len(keys) * len(nodes)
	for began := time.Now(); ; {
		last := time.Since(began) >= l.scenario.Converge
		reads, unanswered := workload.ReadCopies(ctx, l.rec, nodes, routes(l.cluster), keys)
		again := make(map[string]bool)
		if !last {
			again = l.unconverged(ctx, nodes, reads, keys)
		}
		done := slices.DeleteFunc(reads, func(o history.Operation) bool { return again[o.Key] || another && !last })
		for i := range done {
			done[i].Final = true
		}
		l.rec.Record(done)
		if len(again) == 0 || ctx.Err() != nil {
			l.unanswered += unanswered
			return !last
		}
		keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !again[k] })
		pause := time.NewTimer(rereadAfter)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// unconverged returns the keys whose copies do not agree, miss an acknowledged
// write, or could not be read: what time may heal.
func (l *live) unconverged(ctx context.Context, nodes []workload.Node, reads []history.Operation, keys []string) map[string]bool {
	type reading struct{ key, node string }
	answered := make(map[reading]bool)
	so := l.rec.Snapshot()
	now := &history.History{Header: so.Header, Operations: slices.Clone(so.Operations)}
	for _, r := range reads {
		r.Final = true
		now.Operations = append(now.Operations, r)
		answered[reading{r.Key, r.Node}] = answered[reading{r.Key, r.Node}] || r.Outcome == history.OK
	}
	again := make(map[string]bool)
	for _, k := range keys {
		for _, n := range nodes {
			if !answered[reading{k, n.ID}] {
				again[k] = true
			}
		}
	}
	v, err := models.Check(ctx, now, models.Options{Keys: keys, Timeout: copiesTime})
	if err != nil {
		return nil // the judgement in the end will meet it, too
	}
	for _, violation := range v.Violations {
		switch violation.Rule {
		case models.RuleCopiesDisagree, models.RuleLostWrite, models.RuleDeletedCameBack:
			again[violation.Key] = true
		}
	}
	return again
}

// leaderless kills the leader, reads everything on the other nodes, and starts the
// leader again.
func (l *live) leaderless(ctx context.Context, keys []string) error {
	leader := l.cluster.Node(l.leader(ctx, l.cluster.Groups()[0]))
	if leader == nil {
		return ctx.Err() // the cluster was settled a moment ago; what became of it is not for here
	}
	event := history.FaultEvent{Fault: faults.Kill().Name, Targets: []string{leader.ID()}, Start: l.rec.Now()}
	if err := leader.Kill(ctx); err != nil {
		return fmt.Errorf("kill the leader: %w", err)
	}
	if l.scenario.Available { // the others elect a new one, and it is its copy that answers
		alive := slices.DeleteFunc(l.cluster.Nodes(), func(n *cluster.Node) bool { return n == leader })
		l.active("electing", true)
		err := l.cluster.WaitSettled(ctx, challenges.SettleTime, alive...)
		l.active("electing", false)
		if err != nil {
			return err
		}
	}
	others := slices.DeleteFunc(l.nodes(), func(n workload.Node) bool { return n.ID == leader.ID() })
	before := l.unanswered
	_ = l.final(ctx, others, keys, false)
	event.Detail = "the leader, while the others were read"
	event.Hits = len(keys)*len(others) - (l.unanswered - before)
	err := leader.Start(ctx)
	event.End = l.rec.Now()
	l.rec.Fault(event)
	return err
}
