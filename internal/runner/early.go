package runner

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

const (
	// judgeEvery is how often the history so far is judged while clients run,
	// and judgeTime how long that may take: the final check decides anyway.
	judgeEvery = time.Second
	judgeTime  = 2 * time.Second
	// judgeShare bounds what judging takes from the clients and the nodes: after
	// each time it rests for that many times as long.
	judgeShare = 25
)

// lookTime bounds the reads after a violation, all nodes at once.
const lookTime = 2 * time.Second

// look reads the keys of a violation on every node: whether what one node missed is lost, or
// still there on others, makes another explanation.
func (l *live) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	reads, _ := workload.ReadCopies(ctx, l.rec, l.nodes(), routes(l.cluster), l.doubted)
	l.rec.Record(reads)
}

// judgeLive closes violation as soon as the history so far breaks the model.
// That is sound because the models are prefix-closed: what breaks one now
// breaks it however the run goes on. Only keys with new operations are judged.
func (l *live) judgeLive(ctx context.Context, violation chan<- struct{}) {
	next := time.NewTimer(judgeEvery)
	defer next.Stop()
	seen := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		began := time.Now()
		h := l.rec.Snapshot()
		changed := make(map[string]bool)
		for i := range h.Operations[seen:] {
			changed[h.Operations[seen+i].Key] = true
		}
		seen = len(h.Operations)
		keys := make([]string, 0, len(changed))
		for k := range changed {
			keys = append(keys, k)
		}
		if len(keys) > 0 && h.Settled > 0 {
			v, err := models.Check(ctx, h, models.Options{Keys: keys, Timeout: judgeTime})
			if err == nil && v.Status == models.Invalid {
				for _, violation := range v.Violations {
					l.doubted = append(l.doubted, violation.Key)
				}
				l.violated.Store(true)
				close(violation)
				return
			}
		}
		l.judging.Add(int64(time.Since(began)))
		next.Reset(max(judgeEvery, judgeShare*time.Since(began)))
	}
}
