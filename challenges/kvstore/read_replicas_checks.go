package kvstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// pairs are keys and the values they are to have, in order; an empty value means that
// the key is not there.
type pairs []struct{ key, value string }

func (p *pairs) add(key, value string) {
	*p = append(*p, struct{ key, value string }{key, value})
}

// is reads one of them.
func (p pairs) is(ctx context.Context, on *challenges.Env, i int) error {
	if p[i].value == "" {
		return on.Absent(ctx, p[i].key)
	}
	return on.Get(ctx, p[i].key, p[i].value)
}

// offer writes through a node that need not acknowledge it. If it does, the write is one
// of those that must be there.
func (p *pairs) offer(ctx context.Context, on *challenges.Env, key, value string) error {
	within, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	res, err := on.Try(within, challenges.Request{Method: http.MethodPut, Path: "/kv/" + key, Body: value})
	if err == nil && res.Status >= 200 && res.Status < 300 {
		p.add(key, value)
	}
	return ctx.Err()
}

// converge waits until the copy of a node has them all.
func (p pairs) converge(ctx context.Context, on *challenges.Env) error {
	i := 0
	return challenges.Eventually(ctx, convergeTime, func() error {
		for ; i < len(p); i++ {
			if err := p.is(ctx, on, i); err != nil {
				return err
			}
		}
		return nil
	})
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

func checkWritesReachEveryCopy(ctx context.Context, e *challenges.Env) error {
	var written pairs
	for i := range 10 {
		for _, n := range e.Cluster.Nodes() {
			k, v := e.Key(fmt.Sprintf("%s-%d", n.ID(), i)), e.Value()
			if err := e.On(n).Put(ctx, k, v); err != nil {
				return err
			}
			if i%3 == 2 {
				v = ""
				if err := e.On(n).Delete(ctx, k); err != nil {
					return err
				}
			}
			written.add(k, v)
		}
	}
	return convergeAll(ctx, e, e.Cluster.Nodes(), written)
}

// checkReadsWithout takes the leader away and reads from the others what they have, if
// long also when they have noticed it.
func checkReadsWithout(ctx context.Context, e *challenges.Env, long bool, away func(leader *cluster.Node) (back func() error, err error)) (err error) {
	leader, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	var written pairs
	for i := range 10 {
		k, v := e.Key(fmt.Sprint("k", i)), e.Value()
		if err := e.On(leader).Put(ctx, k, v); err != nil {
			return err
		}
		written.add(k, v)
	}
	if err := convergeAll(ctx, e, followers, written); err != nil {
		return err
	}
	back, err := away(leader)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(errors.Join(err, back())) }()
	// A store that elects a new leader first has time for that.
	read := func() error { return convergeAll(ctx, e, followers, written) }
	if !long {
		return read()
	}
	return challenges.Steps(read, func() error { return noticed(ctx, followers, leader) }, read)
}

// noticed waits until these nodes have found out that another one is gone, or long
// enough: what they do then may differ from what they did at first.
func noticed(ctx context.Context, by []*cluster.Node, gone *cluster.Node) error {
	for began := time.Now(); time.Since(began) < noticeTime; {
		left := len(by)
		for _, n := range by {
			// One that does not answer at the moment is asked again.
			if info, err := n.Info(ctx); err == nil && !info.Alive(gone.ID()) {
				left--
			}
		}
		if left == 0 {
			return nil
		}
		if err := challenges.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// changes writes, replaces and deletes keys through these nodes.
func changes(ctx context.Context, e *challenges.Env, through []*cluster.Node, old pairs) (pairs, error) {
	var now pairs
	on := func(i int) *challenges.Env { return e.On(through[i%len(through)]) }
	for i, p := range old {
		value := ""
		if i%2 == 0 {
			value = e.Value()
		}
		now.add(p.key, value)
		err := error(nil)
		if value == "" {
			err = on(i).Delete(ctx, p.key)
		} else {
			err = on(i).Put(ctx, p.key, value)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range 30 {
		k, v := e.Key(fmt.Sprint("new", i)), e.Value()
		if err := on(i).Put(ctx, k, v); err != nil {
			return nil, err
		}
		now.add(k, v)
	}
	return now, nil
}

// before writes what a follower has before it is taken away.
func before(ctx context.Context, e *challenges.Env) (follower *cluster.Node, written pairs, err error) {
	_, followers, err := e.Leader(ctx)
	if err != nil {
		return nil, nil, err
	}
	follower = followers[len(followers)-1]
	for i := range 20 {
		k, v := e.Key(fmt.Sprint("old", i)), e.Value()
		if err := e.Put(ctx, k, v); err != nil {
			return nil, nil, err
		}
		written.add(k, v)
	}
	return follower, written, written.converge(ctx, e.On(follower))
}

func checkCatchUpAfterDown(ctx context.Context, e *challenges.Env) error {
	f, written, err := before(ctx, e)
	if err != nil {
		return err
	}
	for _, down := range []func(context.Context) error{f.Kill, f.Stop} {
		if err := down(ctx); err != nil {
			return err
		}
		if written, err = changes(ctx, e, e.Others(f), written[:20]); err != nil {
			return err
		}
		if err := challenges.Steps(
			func() error { return f.Start(ctx) },
			func() error { return e.Settle(ctx) },
			func() error { return written.converge(ctx, e.On(f)) },
		); err != nil {
			return err
		}
	}
	return nil
}

// cutTime is longer than most programs wait for an answer from a peer.
const cutTime = 3 * time.Second

func checkCatchUpAfterCut(ctx context.Context, e *challenges.Env) error {
	f, written, err := before(ctx, e)
	if err != nil {
		return err
	}
	heal, err := e.CutOff(f)
	if err != nil {
		return err
	}
	defer heal()
	if written, err = changes(ctx, e, e.Others(f), written); err != nil {
		return err
	}
	if err := challenges.Wait(ctx, cutTime); err != nil {
		return err
	}
	// It need not take a write now, but what it acknowledges must be everywhere later.
	if err := written.offer(ctx, e.On(f), e.Key("alone"), e.Value()); err != nil {
		return err
	}
	heal()
	for _, n := range e.Cluster.Nodes() {
		if err := written.converge(ctx, e.On(n)); err != nil {
			return err
		}
	}
	// Once more, with connections that break instead.
	e.Reset(f)
	if written, err = changes(ctx, e, e.Others(f), written[:20]); err != nil {
		return err
	}
	return written.converge(ctx, e.On(f))
}

const (
	// manyKeys are to be caught up with, and manyTime is how long that may take.
	manyKeys = 10_000
	manyTime = 20 * time.Second
	// writingTime bounds the writing of them; a slow store gets by with fewer.
	writingTime = 25 * time.Second
	fewestKeys  = 500
	// hands work at the same time.
	hands = 24
)

func checkEmptyFolder(ctx context.Context, e *challenges.Env) error {
	_, followers, err := e.Leader(ctx)
	if err != nil {
		return err
	}
	f := followers[0]
	written, err := writeMany(ctx, e, e.Cluster.Nodes(), "many", manyKeys)
	if err != nil {
		return err
	}
	if err := challenges.Steps(
		func() error { return f.Kill(ctx) },
		f.EmptyWorkingDir,
		func() error { return f.Start(ctx) },
	); err != nil {
		return err
	}
	began := time.Now()
	later, meanwhile := e.Key("meanwhile"), e.Value()
	if err := e.On(e.Others(f)[0]).Put(ctx, later, meanwhile); err != nil {
		return err
	}
	written.add(later, meanwhile)
	return caughtUp(ctx, e.On(f), written, began, "after its start with an empty folder")
}

// writeMany writes keys through these nodes until there are enough, or for as long as
// it may take.
func writeMany(ctx context.Context, e *challenges.Env, nodes []*cluster.Node, name string, count int) (pairs, error) {
	all := make(pairs, count)
	for i := range all {
		all[i].key, all[i].value = e.Key(fmt.Sprint(name, i)), e.Value()
	}
	began := time.Now()
	var next, written atomic.Int64
	err := inParallel(hands, func(w int) error {
		on, done := e.On(nodes[w%len(nodes)]).Apart()
		defer done()
		for {
			// Whoever takes an index writes it, so that none of those written is left out.
			if time.Since(began) > writingTime && next.Load() >= fewestKeys {
				return nil
			}
			i := int(next.Add(1) - 1)
			if i >= count {
				return nil
			}
			key, err := accepted(ctx, on, all[i].key, all[i].value)
			if err != nil {
				return err
			}
			all[i].key = key
			written.Add(1)
		}
	})
	if err != nil {
		return nil, err
	}
	return all[:written.Load()], nil
}

// caughtUp reads all of them at one node, as often as it takes until manyTime is over.
// when goes with that time in a sentence.
func caughtUp(ctx context.Context, on *challenges.Env, written pairs, began time.Time, when string) error {
	missing := make([]int, len(written))
	for i := range missing {
		missing[i] = i
	}
	for {
		last := time.Since(began) >= manyTime
		still, err := readMany(ctx, on, written, missing)
		if err != nil && still == nil {
			return err
		}
		if len(still) == 0 {
			return nil
		}
		if last {
			f, ok := errors.AsType[*challenges.Failure](err)
			if !ok {
				return err
			}
			late := *f
			late.Summary = fmt.Sprintf("%g s %s, %s does not have all of %d keys right; for one, %s", manyTime.Seconds(), when, on.Node().ID(), len(written), f.Summary)
			return &late
		}
		missing = still
		if err := challenges.Wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// readMany returns those that the node has not, and what it said about one of them. It
// stops early when there are many. An error that is no wrong answer comes alone.
func readMany(ctx context.Context, on *challenges.Env, written pairs, which []int) (missing []int, err error) {
	const enough = 100
	var mu sync.Mutex
	var next atomic.Int64
	var wrong []int
	fatal := inParallel(hands, func(int) error {
		on, done := on.Apart()
		defer done()
		for {
			at := int(next.Add(1) - 1)
			mu.Lock()
			stop := at >= len(which) || len(wrong) >= enough
			mu.Unlock()
			if stop {
				return nil
			}
			one := written.is(ctx, on, which[at])
			if one == nil {
				continue
			}
			if _, ok := errors.AsType[*challenges.Failure](one); !ok {
				return one
			}
			mu.Lock()
			wrong, err = append(wrong, at), one
			mu.Unlock()
		}
	})
	if fatal != nil {
		return nil, fatal
	}
	if len(wrong) == 0 {
		return nil, nil
	}
	for _, at := range wrong {
		missing = append(missing, which[at])
	}
	if read := min(int(next.Load()), len(which)); len(wrong) >= enough {
		missing = append(missing, which[read:]...)
	}
	slices.Sort(missing)
	return missing, err
}
