package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// These checks disturb one group and look at the other.

const (
	// loadWorkers write and read keys of a group that nothing disturbs, each so often.
	loadWorkers, loadRounds = 6, 15
	// askers ask at the same time for keys of a group that does not answer.
	askers = 9
	// fullSpeed is how many times as long such a load may take as before the disturbance,
	// and slack is added to it: what a request costs that waits for somebody else is much
	// more than both.
	fullSpeed = 5
	slack     = 2 * time.Second
	// A starved machine may make any single answer late. Whoever is disturbed by another
	// group fails each of so many loads; so often, too, a load is repeated that an election
	// of the group's own has come in between.
	undisturbedTries = 3
)

// load writes and reads keys of the group through these nodes, without patience. It
// returns how long that took.
func (h *healthy) load(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) (took time.Duration, err error) {
	// Each time others: a write that was not answered may still take effect.
	var keys []string
	for range loadWorkers {
		k, err := e.On(h.Nodes[0]).KeyIn(ctx, h.Shard, "load-"+e.Value())
		if err != nil {
			return 0, err
		}
		keys = append(keys, k)
	}
	began := time.Now()
	err = inParallel(loadWorkers, func(w int) error {
		apart, done := e.Apart()
		defer done()
		for i := range loadRounds {
			on, k, v := apart.On(nodes[(w+i)%len(nodes)]).Once(), keys[w], e.Value()
			if err := challenges.Steps(
				func() error { return inTime(ctx, func(ctx context.Context) error { return on.Put(ctx, k, v) }) },
				func() error { return inTime(ctx, func(ctx context.Context) error { return on.Get(ctx, k, v) }) },
			); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(began), err
}

// inTime gives a step the time that clients have for an operation.
func inTime(ctx context.Context, step func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, workload.DefaultTimeout)
	defer cancel()
	err := step(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return &challenges.Failure{Rule: challenges.RuleNoAnswer, Summary: fmt.Sprintf("no answer within %s", workload.DefaultTimeout), Err: err}
	}
	return err
}

// healthy is a group that nothing disturbs, and how fast it was.
type healthy struct {
	cluster.Group
	normal time.Duration
}

// measure finds out how fast a group is through these nodes.
func measure(ctx context.Context, e *challenges.Env, g cluster.Group, nodes []*cluster.Node) (*healthy, error) {
	h := &healthy{Group: g}
	// Some may have to find out yet who leads there.
	err := challenges.Eventually(ctx, electTime, func() (err error) {
		h.normal, err = h.load(ctx, e, nodes)
		return err
	})
	return h, err
}

// unlessElected does a step of which the group has no excuse to decline anything, and
// again if it has changed its leader meanwhile: that may happen at any time.
func (h *healthy) unlessElected(ctx context.Context, step func() error) error {
	for range undisturbedTries {
		leader, term := h.Leader(ctx)
		err := step()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if now, termNow := h.Leader(ctx); leader != "" && leader == now && term == termNow {
			return err
		}
		if err := challenges.Eventually(ctx, electTime, func() error {
			if leader, _ := h.Leader(ctx); leader == "" {
				return challenges.Failf(challenges.RuleNoSingleLeader, "the nodes of shard %s name no leader", h.Shard)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return challenges.Failf(challenges.RuleTooSlow, "shard %s changed its leader again and again by itself, so what a disturbance of the other shard does could not be seen", h.Shard)
}

// goesOn checks that the group works at full speed through these nodes while
// something else is disturbed for long. state is a clause about that, such as "while s2
// is dead".
func (h *healthy) goesOn(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, state string) error {
	return again(func() error { return h.goesOnNow(ctx, e, nodes, state) })
}

// again does a step until it finds no group disturbed, and fails if it always does.
func again(step func() error) (err error) {
	for range undisturbedTries {
		err = step()
		if f, failed := errors.AsType[*challenges.Failure](err); !failed || f.Rule != challenges.RuleInterrupted {
			return err
		}
	}
	return err
}

// goesOnNow is goesOn with one load.
func (h *healthy) goesOnNow(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, state string) error {
	limit := fullSpeed*h.normal + slack
	err := h.unlessElected(ctx, func() error {
		within, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err := h.load(within, e, nodes)
		if err != nil && within.Err() != nil && ctx.Err() == nil {
			return &challenges.Failure{
				Rule:     challenges.RuleInterrupted,
				Summary:  fmt.Sprintf("shard %s is slow %s", h.Shard, state),
				Expected: fmt.Sprintf("%d writes and reads in about %s, as before", 2*loadWorkers*loadRounds, h.normal.Round(time.Millisecond)),
				Actual:   "not done after " + limit.Round(time.Millisecond).String(),
			}
		}
		return err
	})
	if f, failed := errors.AsType[*challenges.Failure](err); failed && (f.Rule == challenges.RuleNoAnswer || f.Rule == challenges.RuleUnavailable) {
		return &challenges.Failure{
			Rule: challenges.RuleInterrupted, Summary: fmt.Sprintf("shard %s is disturbed %s: %s", h.Shard, state, f.Summary),
			Request: f.Request, Expected: f.Expected, Actual: f.Actual, Err: err,
		}
	}
	return err
}

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
	for _, n := range away.Nodes {
		if err := n.Kill(ctx); err != nil {
			return err
		}
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
	resumed := false
	resume := func() error {
		if resumed {
			return nil
		}
		resumed = true
		return eachNode(away.Nodes, func(n *cluster.Node) error { return n.Resume(ctx) })
	}
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

func eachNode(nodes []*cluster.Node, do func(*cluster.Node) error) error {
	var errs []error
	for _, n := range nodes {
		errs = append(errs, do(n))
	}
	return errors.Join(errs...)
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
	resumed := false
	defer func() {
		if !resumed {
			err = firstOf(errors.Join(err, old.Resume(ctx)))
		}
	}()
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
	resumed = true
	return challenges.Steps(
		func() error { return old.Resume(ctx) },
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
