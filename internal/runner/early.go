package runner

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/models"
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
				l.violated.Store(true)
				close(violation)
				return
			}
		}
		l.judging.Add(int64(time.Since(began)))
		next.Reset(max(judgeEvery, judgeShare*time.Since(began)))
	}
}
