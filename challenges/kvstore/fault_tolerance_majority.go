package kvstore

import (
	"context"
	"fmt"
	"net/http"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// refused writes through a node that must not acknowledge it.
func refused(ctx context.Context, e *challenges.Env, n *cluster.Node, key, value, why string) error {
	ctx, cancel := context.WithTimeout(ctx, workload.DefaultTimeout)
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
		within, cancel := context.WithTimeout(ctx, workload.DefaultTimeout)
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
