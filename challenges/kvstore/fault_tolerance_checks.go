package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// electTime is how long a majority may take to elect a leader and accept writes.
const electTime = 10 * time.Second

// writable waits until each of these nodes acknowledges a write, within electTime for
// all of them. It returns what was written.
func writable(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, name string) (written pairs, err error) {
	tries := 0
	err = challenges.Eventually(ctx, electTime, func() error {
		for len(written) < len(nodes) {
			n := nodes[len(written)]
			// Each try has a key of its own: one of unknown outcome may still take effect.
			k, v := e.Key(fmt.Sprintf("%s-%s-%d", name, n.ID(), tries)), e.Value()
			tries++
			if err := e.On(n).Once().Put(ctx, k, v); err != nil {
				return err
			}
			written.add(k, v)
		}
		return nil
	})
	return written, err
}

// accepted writes until the write is acknowledged, within electTime: an election may
// come at any time, also without a fault. Each try has a key of its own, since one of
// unknown outcome may still take effect. It returns the key that was written.
func accepted(ctx context.Context, on *challenges.Env, key, value string) (written string, err error) {
	tries := 0
	err = challenges.Eventually(ctx, electTime, func() error {
		if written = key; tries > 0 {
			written = fmt.Sprintf("%s.%d", key, tries)
		}
		tries++
		return on.Once().Put(ctx, written, value)
	})
	return written, err
}

// convergeAll waits until all these nodes have what was written.
func convergeAll(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, written pairs) error {
	for _, n := range nodes {
		if err := written.converge(ctx, e.On(n)); err != nil {
			return err
		}
	}
	return nil
}

// led waits until these nodes, who reach each other, name one of them as the leader.
func led(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) error {
	return e.Cluster.WaitSettled(ctx, electTime, nodes...)
}

func checkFailover(ctx context.Context, e *challenges.Env, away func(leader *cluster.Node) (back func() error, err error)) (err error) {
	old, others, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	info, err := old.Info(ctx)
	if err != nil {
		return err
	}
	before, err := writable(ctx, e, e.Cluster.Nodes(), "before")
	if err != nil {
		return err
	}
	deleted, err := accepted(ctx, e.On(old), e.Key("deleted"), e.Value())
	if err != nil {
		return err
	}
	back, err := away(old)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned {
			err = firstOf(errors.Join(err, back()))
		}
	}()
	if err := led(ctx, e, others); err != nil {
		return err
	}
	meanwhile, err := writable(ctx, e, others, "meanwhile")
	if err != nil {
		return err
	}
	for _, n := range others[:2] { // the second time there is nothing to be deleted
		if err := e.On(n).Delete(ctx, deleted); err != nil {
			return err
		}
	}
	meanwhile.add(deleted, "")
	returned = true
	if err := challenges.Steps(back, func() error { return e.Settle(ctx) }); err != nil {
		return err
	}
	leader, _, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	now, err := leader.Info(ctx)
	if err != nil {
		return err
	}
	if now.Term <= info.Term {
		return challenges.Failf(challenges.RuleTermWentBack, "the leader was %s in term %d; another one was elected, and %s leads in term %d: the term must have grown", old.ID(), info.Term, leader.ID(), now.Term)
	}
	return convergeAll(ctx, e, e.Cluster.Nodes(), append(before, meanwhile...))
}

// refused writes through a node that must not acknowledge it.
func refused(ctx context.Context, e *challenges.Env, n *cluster.Node, key, value, why string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	res, err := e.On(n).Try(ctx, challenges.Request{Method: http.MethodPut, Path: "/kv/" + key, Body: value})
	if err != nil || res.Status < 200 || res.Status > 299 {
		return nil // no answer is a fine answer here
	}
	return &challenges.Failure{
		Rule:    challenges.RuleNoMajority,
		Summary: fmt.Sprintf("%s acknowledged a write %s", n.ID(), why), Request: fmt.Sprintf("PUT /kv/%s on %s", key, n.ID()),
		Expected: "503, or no answer", Actual: fmt.Sprint(res.Status),
	}
}

// checkMinority cuts the leader off together with one follower.
func checkMinority(ctx context.Context, e *challenges.Env) error {
	old, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	minority, majority := []*cluster.Node{old, followers[0]}, followers[1:]
	contested, err := accepted(ctx, e.On(old), e.Key("contested"), "before")
	if err != nil {
		return err
	}
	heal, err := e.Cut(minority, majority)
	if err != nil {
		return err
	}
	defer heal()
	const why = "while it was cut off from the majority"
	tried := []string{contested}
	// At once, while the old leader cannot know it yet; and again when the majority has another one.
	for round := range 2 {
		for i, n := range minority {
			k := e.Key(fmt.Sprintf("minority-%d-%d", round, i))
			tried = append(tried, k)
			if err := refused(ctx, e, n, k, "minority", why); err != nil {
				return err
			}
		}
		if err := refused(ctx, e, old, contested, "from the minority", why); err != nil {
			return err
		}
		if round == 0 {
			if err := led(ctx, e, majority); err != nil {
				return err
			}
		}
	}
	meanwhile, err := writable(ctx, e, majority, "meanwhile")
	if err != nil {
		return err
	}
	heal()
	if err := e.Settle(ctx); err != nil {
		return err
	}
	if err := convergeAll(ctx, e, e.Cluster.Nodes(), meanwhile); err != nil {
		return err
	}
	for _, k := range tried {
		if err := agree(ctx, e, k); err != nil {
			return err
		}
	}
	return nil
}

// checkRefused lets the leader speak and hear nothing: what it is asked to write reaches
// all the others, who never manage to say so.
func checkRefused(ctx context.Context, e *challenges.Env) error {
	old, others, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	heal, err := e.CutOneWay(others, []*cluster.Node{old})
	if err != nil {
		return err
	}
	defer heal()
	const offered = 8
	var status [offered]int
	key := func(i int) string { return e.Key(fmt.Sprint("refused-", i)) }
	err = inParallel(offered, func(i int) error {
		within, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		res, err := e.On(old).Try(within, challenges.Request{Method: http.MethodPut, Path: "/kv/" + key(i), Body: e.Value()})
		if err == nil {
			status[i] = res.Status
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	heal()
	if err := e.Settle(ctx); err != nil {
		return err
	}
	// Who has these writes has all that came before them.
	after, err := writable(ctx, e, e.Cluster.Nodes(), "after")
	if err != nil {
		return err
	}
	if err := convergeAll(ctx, e, e.Cluster.Nodes(), after); err != nil {
		return err
	}
	for i, s := range status {
		if s < 400 || s > 499 || s == http.StatusRequestTimeout {
			continue
		}
		for _, n := range e.Cluster.Nodes() {
			res, err := e.On(n).Do(ctx, challenges.Request{Method: http.MethodGet, Path: "/kv/" + key(i)})
			if err != nil {
				return err
			}
			if res.Status == http.StatusOK {
				return &challenges.Failure{
					Rule:    challenges.RuleFailedVisible,
					Summary: fmt.Sprintf("%s refused a write with %d while it heard no other node, and %s has it all the same", old.ID(), s, n.ID()),
					Request: fmt.Sprintf("PUT /kv/%s on %s", key(i), old.ID()), Expected: "503, or no answer", Actual: fmt.Sprint(s),
				}
			}
		}
	}
	return nil
}

// requestTime is how long a client waits for an answer.
const requestTime = 2 * time.Second

// agree waits until all nodes answer the same for a key.
func agree(ctx context.Context, e *challenges.Env, key string) error {
	return challenges.Eventually(ctx, convergeTime, func() error {
		first, said := "", ""
		for i, n := range e.Cluster.Nodes() {
			res, err := e.On(n).Do(ctx, challenges.Request{Method: http.MethodGet, Path: "/kv/" + key})
			if err != nil {
				return err
			}
			now := fmt.Sprintf("%d %q", res.Status, res.Body)
			if i == 0 {
				first, said = now, n.ID()
			} else if now != first {
				return &challenges.Failure{
					Rule:    challenges.RuleCopiesDisagree,
					Summary: fmt.Sprintf("%s and %s answer differently for %s, which was written by a minority", said, n.ID(), key),
					Request: "GET /kv/" + key, Expected: said + " answered " + first, Actual: n.ID() + " answered " + now,
				}
			}
		}
		return nil
	})
}

// killAll kills nodes, and startAll starts them and waits until they are ready.
func killAll(ctx context.Context, nodes []*cluster.Node) error {
	return inParallel(len(nodes), func(i int) error { return nodes[i].Kill(ctx) })
}

func startAll(ctx context.Context, e *challenges.Env) error { return e.Cluster.StartAll(ctx, false) }

func checkTwoDown(ctx context.Context, e *challenges.Env) error {
	leader, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	down, up := []*cluster.Node{leader, followers[0]}, followers[1:]
	if err := killAll(ctx, down); err != nil {
		return err
	}
	written, err := writable(ctx, e, up, "two-down")
	if err != nil {
		return err
	}
	return challenges.Steps(
		func() error { return startAll(ctx, e) },
		func() error { return e.Settle(ctx) },
		func() error { return convergeAll(ctx, e, e.Cluster.Nodes(), written) },
	)
}

func checkThreeDown(ctx context.Context, e *challenges.Env) error {
	leader, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	before, err := writable(ctx, e, e.Cluster.Nodes(), "before")
	if err != nil {
		return err
	}
	// The leader stays: it has to notice by itself that nobody follows any more.
	up, down := []*cluster.Node{leader, followers[0]}, followers[1:]
	if err := killAll(ctx, down); err != nil {
		return err
	}
	for round := range 3 {
		for _, n := range up {
			k := e.Key(fmt.Sprintf("three-down-%s-%d", n.ID(), round))
			if err := refused(ctx, e, n, k, e.Value(), "while three of five nodes were dead"); err != nil {
				return err
			}
		}
	}
	if err := down[0].Start(ctx); err != nil {
		return err
	}
	three := append(up, down[0])
	written, err := writable(ctx, e, three, "one-back")
	if err != nil {
		return err
	}
	return challenges.Steps(
		func() error { return startAll(ctx, e) },
		func() error { return e.Settle(ctx) },
		func() error { return convergeAll(ctx, e, e.Cluster.Nodes(), append(before, written...)) },
	)
}

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
