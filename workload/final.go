package workload

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/st3v3nmw/lsfr/history"
)

// finalReaders read in parallel; enough to be fast, few enough for a slow node.
const finalReaders = 4

// finalTries is how often a final read is sent before its key is given up:
// reads without an answer are no evidence, and no fault is active any more.
const finalTries = 3

// finalGiveUp is how many keys in a row a node may leave unanswered before it is
// asked no more: a node that hangs would cost some seconds for every key.
const finalGiveUp = 2 * finalReaders

// FinalReads reads every key on every node, once all faults have healed. It
// returns how many reads got no answer, or were given up with their node or
// because ctx was cancelled.
func FinalReads(ctx context.Context, rec *history.Recorder, nodes []Node, keys []string) (unanswered int) {
	type read struct {
		node Node
		key  string
		// missed counts the keys in a row that the node left unanswered.
		missed *atomic.Int64
	}
	work := make(chan read)
	missed := make([]int, finalReaders)
	var wg sync.WaitGroup
	for i := range finalReaders {
		session, client := rec.Session(), NewClient(DefaultTimeout)
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer client.Close()
			for r := range work {
				if r.missed.Load() < finalGiveUp && finalRead(ctx, session, client, r.node, r.key) {
					r.missed.Store(0)
					continue
				}
				r.missed.Add(1)
				missed[i]++
			}
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
	for _, n := range missed {
		unanswered += n
	}
	return unanswered
}

func finalRead(ctx context.Context, s *history.Session, c *Client, node Node, key string) bool {
	for range finalTries {
		op := history.Operation{Kind: history.Get, Key: key, Final: true}
		s.Begin(&op)
		c.Do(ctx, node, &op)
		s.End(&op)
		if op.Outcome == history.OK {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return false
}
