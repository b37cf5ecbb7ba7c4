package watch

import "time"

// debouncer tells when events have come to rest: a while after the last one, but no
// longer than that after the first.
type debouncer struct {
	quiet, longest time.Duration
	timer          *time.Timer
	first          time.Time // of the events that were not told yet
}

func newDebouncer(quiet, longest time.Duration) *debouncer {
	d := &debouncer{quiet: quiet, longest: longest, timer: time.NewTimer(time.Hour)}
	d.timer.Stop()
	return d
}

// event notes that something has happened.
func (d *debouncer) event() {
	now := time.Now()
	if d.first.IsZero() {
		d.first = now
	}
	d.timer.Reset(min(d.quiet, max(0, d.first.Add(d.longest).Sub(now))))
}

// rest is sent on when events have come to rest; told must be called then.
func (d *debouncer) rest() <-chan time.Time { return d.timer.C }

func (d *debouncer) told() { d.first = time.Time{} }
