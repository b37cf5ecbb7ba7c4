package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

// historyFile is the name of a run's history: history.json for its first
// scenario, history-NAME.json for further ones.
func historyFile(index int, scenario string) string {
	if index == 0 {
		return "history.json"
	}
	return "history-" + scenario + ".json"
}

// scenario runs one scenario and judges its history.
func (r *run) scenario(ctx context.Context, index int, s *challenges.Scenario) (report.Check, error) {
	file := historyFile(index, s.Name)
	out, err := os.Create(r.path(file))
	if err != nil {
		return report.Check{}, fmt.Errorf("create history: %w", err)
	}
	defer out.Close() //nolint:errcheck // every byte was flushed by the recorder, which reports errors

	c, err := r.newCluster(ctx, s.Name)
	if err != nil {
		return r.scenarioFailed(ctx, s, err)
	}
	live := &live{run: r, scenario: s, cluster: c}
	header := history.Header{
		Challenge: r.Challenge, Stage: r.Stage.Name, Scenario: s.Name, Model: s.Model, Seed: r.Seed, Started: time.Now(),
	}
	for _, n := range c.Nodes() {
		header.Nodes = append(header.Nodes, n.ID())
	}
	err = start(ctx, c)
	var h *history.History
	if err == nil {
		w, werr := history.NewWriter(out, header)
		if werr != nil {
			return report.Check{}, errors.Join(werr, c.Close())
		}
		live.rec = history.NewRecorder(header, w)
		err = live.drive(ctx)
		var saved error
		h, saved = live.rec.Close()
		if saved != nil {
			r.Log.Warn().Err(saved).Str("file", file).Msg("the history could not be saved completely")
		}
	}
	if cerr := c.Close(); cerr != nil {
		return report.Check{}, errors.Join(cerr, err)
	}
	if h != nil {
		r.show(h, nil)
	}
	if err != nil {
		check, err := r.scenarioFailed(ctx, s, err)
		if h != nil {
			check.Scenario = live.summary(h, filepath.Join(r.RunDir, file))
		}
		return check, err
	}
	return r.judge(ctx, live, h, filepath.Join(r.RunDir, file))
}

func (r *run) scenarioFailed(ctx context.Context, s *challenges.Scenario, err error) (report.Check, error) {
	return outcome(ctx, s.Title, s.Hint, time.Now(), err)
}

// judge checks the history against the model, and asks for evidence.
func (r *run) judge(ctx context.Context, l *live, h *history.History, file string) (report.Check, error) {
	c := report.Check{Status: report.Passed, Scenario: l.summary(h, file)}
	v, err := models.Check(ctx, h, models.Options{})
	if ctx.Err() != nil {
		c.Status = report.Skipped
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("judge %s: %w", file, err)
	}
	if l.violated.Load() && v.Status == models.Valid {
		return c, fmt.Errorf("judge %s: the history broke %s while it was recorded, and does not any more", file, v.Model)
	}
	c.Scenario.Verdict = &v
	r.show(h, &v)
	switch {
	case v.Status == models.Invalid:
		c.Status = report.Failed
		worst := v.Violations[0]
		c.Failure = &report.Failure{Summary: worst.Sentence, Hint: l.scenario.Hint, Details: report.OperationLines(worst.Operations)}
	case v.Status == models.Unknown:
		c.Status = report.Unknown
		c.Failure = &report.Failure{Summary: "the history could not be judged: " + v.Reason}
	default:
		if missing := l.missingEvidence(h); missing != "" {
			c.Status = report.Unknown
			c.Failure = &report.Failure{Summary: "too little evidence: " + missing, Hint: evidenceHint}
		}
	}
	return c, nil
}

// live is a scenario while it runs.
type live struct {
	run      *run
	scenario *challenges.Scenario
	cluster  *cluster.Cluster
	rec      *history.Recorder
	progress workload.Progress
	phase    atomic.Value // string
	// clientTime is how long clients ran.
	clientTime time.Duration
	injected   atomic.Int64
	violated   atomic.Bool
	judging    atomic.Int64 // nanoseconds that the live check took while clients ran
	unanswered int
	finalReads int
}

// drive lets clients and faults loose, heals, and reads everything once more.
func (l *live) drive(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	l.phase.Store("")
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
	if err := l.phases(ctx, cancel); err != nil {
		cancel(err) // keeps an earlier cause
	}
	close(watched)
	wg.Wait()
	if parent.Err() != nil {
		return parent.Err()
	}
	return context.Cause(ctx)
}

func (l *live) phases(ctx context.Context, cancel context.CancelCauseFunc) error {
	keys := l.underLoad(ctx, cancel)
	if l.violated.Load() {
		return ctx.Err()
	}
	l.final(ctx, keys)
	if l.scenario.Last != nil && ctx.Err() == nil {
		step := faults.Step{Fault: *l.scenario.Last}
		if err := faults.Inject(ctx, l.env(), step, l.rec, l.active); err != nil {
			return err
		}
		l.final(ctx, keys)
	}
	return ctx.Err()
}

// final reads every key on every node.
func (l *live) final(ctx context.Context, keys []string) {
	l.active("final reads")
	defer l.active("")
	l.finalReads += len(keys) * len(l.cluster.Nodes())
	l.unanswered += workload.FinalReads(ctx, l.rec, l.nodes(), keys)
}

// underLoad runs clients and faults for the scenario's duration, and returns
// the keys that were used. A fault that cannot be injected or healed cancels.
func (l *live) underLoad(ctx context.Context, cancel context.CancelCauseFunc) (keys []string) {
	s := l.scenario
	stopFaults, stopClients := make(chan struct{}), make(chan struct{})
	var injecting sync.WaitGroup
	injecting.Go(func() {
		plan := faults.NewPlan(l.run.Seed, s.Faults, len(l.cluster.Nodes()))
		if err := faults.Run(ctx, l.env(), plan, counting{l.rec, &l.injected}, l.active, stopFaults); err != nil {
			cancel(err)
		}
	})
	var working sync.WaitGroup
	began := time.Now()
	working.Go(func() {
		keys = workload.Run(ctx, l.rec, workload.Options{
			Mix: s.Mix, Clients: l.clients(), Rate: s.Rate, Seed: l.run.Seed, Nodes: l.nodes(),
		}, &l.progress, stopClients)
	})
	violation := make(chan struct{})
	var judging sync.WaitGroup
	judged, stopJudging := context.WithCancel(ctx)
	if !l.run.NoEarlyStop {
		judging.Go(func() { l.judgeLive(judged, violation) })
	}
	l.untilEnough(ctx, violation)
	stopJudging()
	judging.Wait()
	close(stopFaults)
	injecting.Wait() // the active fault heals while clients still run
	close(stopClients)
	working.Wait()
	l.clientTime = time.Since(began)
	return keys
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
		enough := int(l.injected.Load()) >= l.scenario.MinFaults
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
		p.Phase, _ = l.phase.Load().(string)
		l.run.Observer.Progress(p)
	}
}

func (l *live) active(phase string) { l.phase.Store(phase) }

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

func (l *live) nodes() []workload.Node {
	var out []workload.Node
	for _, n := range l.cluster.Nodes() {
		out = append(out, workload.Node{ID: n.ID(), URL: n.URL()})
	}
	return out
}

func (l *live) env() *faults.Env {
	env := &faults.Env{OpenWrites: l.rec.OpenWrites}
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
