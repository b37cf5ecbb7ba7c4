package runner

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

// live is a scenario while it runs.
type live struct {
	run      *run
	scenario *challenges.Scenario
	seed     int64 // of operations and faults
	cluster  *cluster.Cluster
	rec      *history.Recorder
	progress workload.Progress
	leaders  leaders
	shards   *shards
	// alongside is closed when what goes on beside clients and faults has ended.
	alongside chan struct{}
	// working are the clients, and keys what they have used.
	working sync.WaitGroup
	keysMu  sync.Mutex
	keys    [][]string
	// phases are what goes on, such as active faults.
	phaseMu sync.Mutex
	phases  []string
	// clientTime is how long clients ran.
	clientTime time.Duration
	injected   atomic.Int64
	violated   atomic.Bool
	doubted    []string     // keys of the violations, once violated is set
	judging    atomic.Int64 // nanoseconds that the live check took while clients ran
	unanswered int
	finalReads int
}

// drive lets clients and faults loose, heals, and reads everything once more.
func (l *live) drive(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var wg sync.WaitGroup
	watched := make(chan struct{})
	wg.Add(2)
	go func() { // a node that exits by itself ends the scenario at once
		defer wg.Done()
		select {
		case failure := <-l.cluster.Failures():
			cancel(failure)
		case <-watched:
		}
	}()
	go func() {
		defer wg.Done()
		l.show(watched)
	}()
	if err := l.course(ctx, cancel); err != nil {
		cancel(err) // keeps an earlier cause
	}
	close(watched)
	wg.Wait()
	if parent.Err() != nil {
		return parent.Err()
	}
	return context.Cause(ctx)
}

// course is what happens one after the other.
func (l *live) course(ctx context.Context, cancel context.CancelCauseFunc) error {
	keys := l.underLoad(ctx, cancel)
	if l.violated.Load() || ctx.Err() != nil {
		l.look(ctx)
		l.whereKeysAre(ctx, keys)
		return ctx.Err()
	}
	l.active("settling", true)
	err := settle(ctx, l.cluster)
	l.active("settling", false)
	if err == nil && l.shards.sharded() {
		var found map[string]string
		if found, err = l.shards.all(ctx, keys); err == nil {
			l.rec.SetShards(found)
		}
	}
	if err != nil {
		return err
	}
	leaderless := l.scenario.Leaderless && l.run.Faults.Allows(faults.Kill())
	converged := l.final(ctx, l.nodes(), keys, leaderless)
	if last := l.scenario.Last; last != nil && l.run.Faults.Allows(*last) && ctx.Err() == nil {
		if err := faults.Inject(ctx, l.env(), faults.Step{Fault: *last}, l.rec, l.active, nil); err != nil {
			return err
		}
		l.final(ctx, l.nodes(), keys, leaderless)
	}
	if leaderless && converged && ctx.Err() == nil {
		return l.leaderless(ctx, keys)
	}
	return ctx.Err()
}

// whereTime bounds the search for the shards of keys after a violation.
const whereTime = 5 * time.Second

// whereKeysAre notes the shards of keys, as far as they are known or somebody tells:
// after a violation, of which the key's shard is worth naming.
func (l *live) whereKeysAre(ctx context.Context, keys []string) {
	if !l.shards.sharded() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, whereTime)
	defer cancel()
	found := make(map[string]string)
	for _, k := range keys {
		if shard, ok := l.shards.of(ctx, k); ok {
			found[k] = shard
		}
	}
	l.rec.SetShards(found)
}

// underLoad runs clients and faults for the scenario's duration, and returns
// the keys that were used. A fault that cannot be injected or healed cancels.
func (l *live) underLoad(ctx context.Context, cancel context.CancelCauseFunc) (keys []string) {
	s := l.scenario
	stopFaults, stopClients := make(chan struct{}), make(chan struct{})
	var injecting sync.WaitGroup
	heal := sync.OnceFunc(func() {
		close(stopFaults)
		injecting.Wait()
	})
	injecting.Go(func() {
		members := l.run.Stage.Members()
		plan := faults.NewPlan(l.seed, l.tracks(), challenges.IDs(members), challenges.Groups(members)...)
		if err := faults.Run(ctx, l.env(), plan, counting{l.rec, &l.injected}, l.active, stopFaults); err != nil {
			cancel(err)
		}
	})
	began := time.Now()
	l.work(ctx, l.nodes(), l.clients(), 0, stopClients)
	sampling, stopSampling := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { l.watchLeaders(sampling) })
	halfway, stopHalfway := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { l.beside(halfway, cancel, heal, stopClients) })
	violation := make(chan struct{})
	var judging sync.WaitGroup
	judged, stopJudging := context.WithCancel(ctx)
	if !l.run.NoEarlyStop {
		judging.Go(func() { l.judgeLive(judged, violation) })
	}
	l.untilEnough(ctx, violation)
	stopHalfway()
	beside.Wait()
	heal() // while clients still run
	if s.Available && !l.violated.Load() {
		l.recovered(ctx)
	}
	stopJudging()
	judging.Wait()
	close(stopClients)
	l.working.Wait()
	stopSampling()
	watching.Wait()
	l.clientTime = time.Since(began)
	return workload.Merge(l.keys)
}

// work lets so many clients work on these nodes until stop is closed. first is the
// number of the first one.
func (l *live) work(ctx context.Context, nodes []workload.Node, clients, first int, stop <-chan struct{}) {
	l.working.Go(func() {
		used := workload.Run(ctx, l.rec, workload.Options{
			Mix: l.scenario.Mix, Clients: clients, First: first, Rate: l.scenario.Rate, Seed: l.seed, Nodes: nodes, Route: routes(l.cluster),
		}, &l.progress, stop)
		l.keysMu.Lock()
		defer l.keysMu.Unlock()
		l.keys = append(l.keys, used)
	})
}

// longest is how many times its duration a scenario may take to see the faults it needs.
const longest = 3

// untilEnough waits for the scenario's duration, and longer while faults are
// missing, but not when there is a violation already.
func (l *live) untilEnough(ctx context.Context, violation <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-violation:
			return
		case <-tick.C:
		}
		elapsed := time.Since(began)
		enough := int(l.injected.Load()) >= l.minFaults()
		select {
		case <-l.alongside:
		default: // it has its own limits of time
			continue
		}
		if elapsed >= l.duration() && (enough || elapsed >= longest*l.duration()) {
			return
		}
	}
}

// show tells the observer about the progress, a few times a second.
func (l *live) show(done <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		p := Progress{Elapsed: time.Since(began), Total: l.duration()}
		p.OK, p.Failed, p.Unknown = l.progress.Counts()
		p.Phase = l.phase()
		l.run.Observer.Progress(p)
	}
}

// active notes that a fault, or something else, begins or ends.
func (l *live) active(phase string, begun bool) {
	l.run.tell(Event{Phase: phase, Begun: begun})
	l.phaseMu.Lock()
	defer l.phaseMu.Unlock()
	if begun {
		l.phases = append(l.phases, phase)
	} else if i := slices.Index(l.phases, phase); i >= 0 {
		l.phases = slices.Delete(l.phases, i, i+1)
	}
}

func (l *live) phase() string {
	l.phaseMu.Lock()
	defer l.phaseMu.Unlock()
	return strings.Join(l.phases, ", ")
}

// tracks are the scenario's faults, as far as the user wants them.
func (l *live) tracks() []faults.Track { return l.run.Faults.Filter(l.scenario.Faults) }

// minFaults is how many faults are needed as evidence.
func (l *live) minFaults() int {
	for _, t := range l.tracks() {
		switch {
		case len(t) == 0:
		case l.run.Faults.All():
			return l.scenario.MinFaults
		default:
			return min(1, l.scenario.MinFaults) // as many as the plan has of these
		}
	}
	return 0
}

func (l *live) duration() time.Duration {
	if l.run.Duration > 0 {
		return l.run.Duration
	}
	return l.scenario.Duration
}

func (l *live) clients() int {
	if l.run.Clients > 0 {
		return l.run.Clients
	}
	return l.scenario.Clients
}

func (l *live) nodes() []workload.Node { return addresses(l.cluster.Nodes()) }

func addresses(nodes []*cluster.Node) []workload.Node {
	var out []workload.Node
	for _, n := range nodes {
		out = append(out, workload.Node{ID: n.ID(), URL: n.URL()})
	}
	return out
}

func (l *live) env() *faults.Env {
	env := &faults.Env{
		OpenWrites: l.rec.OpenWrites, Network: l.cluster.Network(), Leader: l.leaderOf, Served: l.served,
		Groups: challenges.Groups(l.run.Stage.Members()),
		Disk:   func(n faults.Node) faults.Disk { return l.cluster.Node(n.ID()) },
	}
	for _, n := range l.cluster.Nodes() {
		env.Nodes = append(env.Nodes, n)
	}
	return env
}

// counting records faults and counts them.
type counting struct {
	faults.Recorder
	n *atomic.Int64
}

// Fault records the event.
func (c counting) Fault(f history.FaultEvent) {
	c.Recorder.Fault(f)
	c.n.Add(1)
}
