package workload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Options of a run.
type Options struct {
	Mix Mix
	// Clients is the number of concurrent clients, each bound to one node.
	Clients int
	// First numbers the first client: those of two runs with one recorder must differ.
	First int
	// Rate bounds the operations per second of each client; 0 means no bound.
	Rate float64
	Seed int64
	// Timeout of one operation; 0 means DefaultTimeout.
	Timeout time.Duration
	Nodes   []Node
	// Route follows redirects; nil follows none.
	Route Route
}

// Progress counts operations by outcome while a run goes on. Safe for
// concurrent use.
type Progress struct{ ok, failed, unknown atomic.Int64 }

// Counts returns the operations done so far by outcome.
func (p *Progress) Counts() (ok, failed, unknown int64) {
	return p.ok.Load(), p.failed.Load(), p.unknown.Load()
}

func (p *Progress) add(o history.Outcome) {
	switch o {
	case history.OK:
		p.ok.Add(1)
	case history.Failed:
		p.failed.Add(1)
	default:
		p.unknown.Add(1)
	}
}

// pauseAfterFailure keeps clients from spinning while a node is down, and is
// short enough that they are back at once when it returns.
const pauseAfterFailure = 10 * time.Millisecond

// Run lets clients work until stop is closed, and returns when all are done.
// Cancelling ctx also ends the operations under way, as unknown. It returns
// the keys that were used, in the order of their first use by any client.
func Run(ctx context.Context, rec *history.Recorder, opts Options, progress *Progress, stop <-chan struct{}) []string {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	// All sessions are made before the first operation, so that client numbers
	// do not depend on scheduling.
	workers := make([]worker, opts.Clients)
	for i := range workers {
		workers[i] = worker{
			session: rec.Session(), client: NewClient(opts.Timeout, opts.Route), progress: progress,
			generator: NewGenerator(opts.Mix, opts.Seed, opts.First+i), node: opts.Nodes[i%len(opts.Nodes)],
		}
		if opts.Rate > 0 {
			workers[i].gap = time.Duration(float64(time.Second) / opts.Rate)
		}
	}
	used := make([][]string, opts.Clients)
	var wg sync.WaitGroup
	for i := range workers {
		w := &workers[i]
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer w.client.Close()
			used[i] = w.loop(ctx, stop)
		}()
	}
	wg.Wait()
	return Merge(used)
}

// Merge interleaves lists of keys, each in order of use, without repetition.
func Merge(lists [][]string) []string {
	seen := make(map[string]bool)
	var out []string
	for i, more := 0, true; more; i++ {
		more = false
		for _, l := range lists {
			if i >= len(l) {
				continue
			}
			more = true
			if !seen[l[i]] {
				seen[l[i]] = true
				out = append(out, l[i])
			}
		}
	}
	return out
}

// worker is a closed loop: it sends its next operation when the last has ended.
type worker struct {
	session   *history.Session
	client    *Client
	generator *Generator
	node      Node
	progress  *Progress
	gap       time.Duration
}

func (w *worker) loop(ctx context.Context, stop <-chan struct{}) []string {
	seen := make(map[string]bool)
	var keys []string
	next := time.Now()
	for {
		select {
		case <-stop:
			return keys
		case <-ctx.Done():
			return keys
		default:
		}
		req := w.generator.Next()
		if !seen[req.Key] {
			seen[req.Key] = true
			keys = append(keys, req.Key)
		}
		op := history.Operation{Kind: req.Kind, Key: req.Key, Value: req.Value}
		w.session.Begin(&op)
		w.client.Do(ctx, w.node, &op)
		w.session.End(&op)
		w.progress.add(op.Outcome)

		next = next.Add(w.gap)
		pause := time.Until(next)
		if pause < 0 {
			next = time.Now() // a slow node does not get a burst afterwards
		}
		if op.Outcome != history.OK {
			pause = max(pause, pauseAfterFailure)
		}
		if !sleep(ctx, stop, pause) {
			return keys
		}
	}
}

// sleep waits for d and reports whether to go on.
func sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	case <-ctx.Done():
		return false
	}
}
