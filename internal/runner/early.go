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
)

// judgeLive closes violation as soon as the history so far breaks the model.
// That is sound because the models are prefix-closed: what breaks one now
// breaks it however the run goes on. Only keys with new operations are judged.
func (l *live) judgeLive(ctx context.Context, violation chan<- struct{}) {
	tick := time.NewTicker(judgeEvery)
	defer tick.Stop()
	seen := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := l.rec.Snapshot()
		changed := make(map[string]bool)
		for i := range h.Operations[seen:] {
			changed[h.Operations[seen+i].Key] = true
		}
		seen = len(h.Operations)
		if len(changed) == 0 || h.Settled == 0 {
			continue
		}
		keys := make([]string, 0, len(changed))
		for k := range changed {
			keys = append(keys, k)
		}
		v, err := models.Check(ctx, h, models.Options{Keys: keys, Timeout: judgeTime})
		if err == nil && v.Status == models.Invalid {
			l.violated.Store(true)
			close(violation)
			return
		}
	}
}
