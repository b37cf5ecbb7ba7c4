package workload

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/st3v3nmw/lsfr/history"
)

// copyReaders read in parallel; enough to be fast, few enough for a slow node.
const copyReaders = 4

// copyTries is how often a read is sent before its key is given up: reads without
// an answer are no evidence, and no fault is active any more.
const copyTries = 3

// copyGiveUp is how many keys in a row a node may leave unanswered before it is
// asked no more: a node that hangs would cost some seconds for every key.
const copyGiveUp = 2 * copyReaders

// ReadCopies reads every key on every node, once all faults have healed. The reads
// are not recorded: whether they are the final ones is for the caller to see. It
// also returns how many reads got no answer, or were given up with their node or
// because ctx was cancelled.
func ReadCopies(ctx context.Context, rec *history.Recorder, nodes []Node, route Route, keys []string) (reads []history.Operation, unanswered int) {
	type read struct {
		node Node
		key  string
		// missed counts the keys in a row that the node left unanswered.
		missed *atomic.Int64
	}
	work := make(chan read)
	found := make([][]history.Operation, copyReaders)
	missed := make([]int, copyReaders)
	var wg sync.WaitGroup
	for i := range copyReaders {
		reader := copyReader{session: rec.Session(), client: NewClient(DefaultTimeout, route)}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer reader.client.Close()
			for r := range work {
				if r.missed.Load() < copyGiveUp && reader.read(ctx, r.node, r.key) {
					r.missed.Store(0)
					continue
				}
				r.missed.Add(1)
				missed[i]++
			}
			found[i] = reader.reads
		}()
	}
	for _, n := range nodes {
		var inARow atomic.Int64
		for _, k := range keys {
			select {
			case work <- read{n, k, &inARow}:
			case <-ctx.Done():
				unanswered++
			}
		}
	}
	close(work)
	wg.Wait()
	for i := range copyReaders {
		reads = append(reads, found[i]...)
		unanswered += missed[i]
	}
	return reads, unanswered
}

// copyReader is one of those who read.
type copyReader struct {
	session *history.Session
	client  *Client
	reads   []history.Operation
}

func (r *copyReader) read(ctx context.Context, node Node, key string) (answered bool) {
	for range copyTries {
		op := history.Operation{Kind: history.Get, Key: key}
		r.session.Begin(&op)
		r.client.Do(ctx, node, &op)
		r.session.Return(&op)
		r.reads = append(r.reads, op)
		if op.Outcome == history.OK {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return false
}
