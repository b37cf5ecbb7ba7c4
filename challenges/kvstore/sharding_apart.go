package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// These checks disturb one group and look at the other.

// askers ask at the same time for keys of a group that does not answer.
const askers = 9

// unanswered asks a node for a key of a group that does not answer.
func unanswered(ctx context.Context, on *challenges.Env, g cluster.Group, key, state string) error {
	for _, r := range []challenges.Request{
		{Method: http.MethodGet, Path: "/kv/" + key},
		{Method: http.MethodPut, Path: "/kv/" + key, Body: on.Value()},
	} {
		if err := silent(ctx, on, g, r, state); err != nil {
			return err
		}
	}
	return nil
}

// silent sends a request that only a group that does not answer could carry out.
func silent(ctx context.Context, on *challenges.Env, g cluster.Group, r challenges.Request, state string) error {
	within, cancel := context.WithTimeout(ctx, workload.DefaultTimeout)
	defer cancel()
	res, err := on.Try(within, r)
	if err != nil || res.Status >= 500 || res.Status == http.StatusRequestTimeout {
		return ctx.Err() // that is right
	}
	f := &challenges.Failure{
		Rule:     challenges.RuleDivision,
		Summary:  fmt.Sprintf("%s answered for a key of shard %s %s, so it does not live in that group alone", on.Node().ID(), g.Shard, state),
		Request:  fmt.Sprintf("%s on %s", r, on.Node().ID()),
		Expected: "503, or no answer", Actual: fmt.Sprintf("%d %s", res.Status, http.StatusText(res.Status)),
	}
	if res.Status >= 300 {
		f.Rule, f.Summary = challenges.RuleWrongAnswer, fmt.Sprintf("%s claims to know about a key of shard %s %s", on.Node().ID(), g.Shard, state)
	}
	return f
}

// apartFrom returns the last group and the other one, and where the keys of both are.
func apartFrom(ctx context.Context, e *challenges.Env, name string) (away, other cluster.Group, kept placed, err error) {
	groups := e.Cluster.Groups()
	other, away = groups[0], groups[len(groups)-1]
	if kept, err = place(ctx, e, name, 12); err == nil {
		// Through every node: who keeps what comes by has all of it now.
		err = kept.through(ctx, e, e.Cluster.Nodes())
	}
	return away, other, kept, err
}

func checkDeadGroup(ctx context.Context, e *challenges.Env) error {
	away, other, kept, err := apartFrom(ctx, e, "dead")
	if err != nil {
		return err
	}
	rest, err := measure(ctx, e, other, other.Nodes)
	if err != nil {
		return err
	}
	if err := eachNode(away.Nodes, func(n *cluster.Node) error { return n.Kill(ctx) }); err != nil {
		return err
	}
	state := fmt.Sprintf("while %s is dead", away.Shard)
	lost := *kept[away.Shard]
	if err := beside(
		func() error {
			return inParallel(askers, func(i int) error {
				return unanswered(ctx, e.On(other.Nodes[i%len(other.Nodes)]), away, lost[i].key, state)
			})
		},
		func() error { return rest.goesOn(ctx, e, other.Nodes, state) },
	); err != nil {
		return err
	}
	if err := e.Cluster.StartAll(ctx, false); err != nil {
		return err
	}
	if err := e.Settle(ctx); err != nil {
		return err
	}
	// Those that were asked to be overwritten may have been, by whoever took the request.
	*kept[away.Shard] = lost[askers:]
	if err := kept.through(ctx, e, e.Cluster.Nodes()); err != nil {
		return err
	}
	_, err = writable(ctx, e, e.Cluster.Nodes(), "back")
	return err
}

// beside runs two steps at the same time.
func beside(a, b func() error) error {
	steps := []func() error{a, b}
	return inParallel(len(steps), func(i int) error { return steps[i]() })
}

func checkSilentGroup(ctx context.Context, e *challenges.Env) (err error) {
	away, other, kept, err := apartFrom(ctx, e, "silent")
	if err != nil {
		return err
	}
	rest, err := measure(ctx, e, other, other.Nodes)
	if err != nil {
		return err
	}
	resume := sync.OnceValue(func() error {
		return eachNode(away.Nodes, func(n *cluster.Node) error { return n.Resume(ctx) })
	})
	defer func() { err = firstOf(errors.Join(err, resume())) }()
	if err := eachNode(away.Nodes, func(n *cluster.Node) error { return n.Pause(ctx) }); err != nil {
		return err
	}
	state := fmt.Sprintf("while %s is paused", away.Shard)
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var others sync.WaitGroup
	for i := range askers {
		others.Go(func() {
			for asking.Err() == nil {
				r := challenges.Request{Method: http.MethodGet, Path: "/kv/" + (*kept[away.Shard])[i].key}
				_, _ = e.On(other.Nodes[i%len(other.Nodes)]).Try(asking, r) // nobody answers, or says that
				_ = challenges.Wait(asking, 10*time.Millisecond)
			}
		})
	}
	defer others.Wait()
	defer stop()
	if err := challenges.Wait(ctx, time.Second); err != nil { // so that they are waiting
		return err
	}
	if err := rest.goesOn(ctx, e, other.Nodes, state); err != nil {
		return err
	}
	stop()
	others.Wait()
	return challenges.Steps(
		resume,
		func() error { return e.Settle(ctx) },
		func() error { return kept.through(ctx, e, e.Cluster.Nodes()) },
	)
}

// eachNode does something to all of them, and returns the first error.
func eachNode(nodes []*cluster.Node, do func(*cluster.Node) error) error {
	var errs []error
	for _, n := range nodes {
		errs = append(errs, do(n))
	}
	return firstOf(errors.Join(errs...))
}

func checkElectionApart(ctx context.Context, e *challenges.Env) error {
	round := 0
	return again(func() error { // each time with an election of its own
		round++
		return checkOneElection(ctx, e, round)
	})
}

func checkOneElection(ctx context.Context, e *challenges.Env, round int) (err error) {
	groups := e.Cluster.Groups()
	elects, other := groups[0], groups[len(groups)-1]
	old, followers, err := e.LeaderOf(ctx, elects)
	if err != nil {
		return err
	}
	asked := append(followers, other.Nodes...)
	rest, err := measure(ctx, e, other, asked)
	if err != nil {
		return err
	}
	kept, err := place(ctx, e, fmt.Sprint("elected-", round), 6)
	if err != nil {
		return err
	}
	if err := old.Pause(ctx); err != nil {
		return err
	}
	resume := sync.OnceValue(func() error { return old.Resume(ctx) })
	defer func() { err = firstOf(errors.Join(err, resume())) }()
	elected := make(chan error, 1)
	go func() { elected <- led(ctx, e, followers) }()
	state := fmt.Sprintf("while %s elects a new leader", elects.Shard)
	for waiting := true; waiting; {
		if err := rest.goesOnNow(ctx, e, asked, state); err != nil {
			return firstOf(errors.Join(err, <-elected))
		}
		select {
		case err := <-elected:
			if err != nil {
				return err
			}
			waiting = false
		default:
		}
	}
	if err := kept.through(ctx, e, asked); err != nil {
		return err
	}
	return challenges.Steps(
		resume,
		func() error { return e.Settle(ctx) },
		func() error { return kept.through(ctx, e, e.Cluster.Nodes()) },
	)
}

func checkCutGroups(ctx context.Context, e *challenges.Env) error {
	one, two, kept, err := apartFrom(ctx, e, "cut")
	if err != nil {
		return err
	}
	var sides []*healthy
	for _, g := range []cluster.Group{one, two} {
		side, err := measure(ctx, e, g, g.Nodes)
		if err != nil {
			return err
		}
		sides = append(sides, side)
	}
	heal, err := e.Cut(one.Nodes, two.Nodes)
	if err != nil {
		return err
	}
	defer heal()
	for _, side := range sides {
		if err := side.goesOn(ctx, e, side.Nodes, "while the groups are cut off from each other"); err != nil {
			return err
		}
	}
	// A redirect leads a client past the cut, so the right answer is possible.
	if err := inParallel(askers, func(i int) error {
		from, to := one, two
		if i%2 == 0 {
			from, to = two, one
		}
		p := (*kept[to.Shard])[i]
		return current{p.key, p.value}.notOlder(ctx, e, from.Nodes[i%len(from.Nodes)], "is cut off from shard "+to.Shard)
	}); err != nil {
		return err
	}
	heal()
	return challenges.Steps(
		func() error { return e.Settle(ctx) },
		func() error { return kept.through(ctx, e, e.Cluster.Nodes()) },
	)
}
