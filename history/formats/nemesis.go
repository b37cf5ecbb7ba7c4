package formats

import (
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// nemesis makes faults of what Jepsen's nemesis did. Its functions have no fixed
// meaning; those that are usual come in pairs, one begins a fault and one ends it.
type nemesis struct {
	events []history.FaultEvent
	// running holds the faults that have not been ended.
	running []running
	// announced is the function whose second event, its completion, is to come.
	announced string
	// last is the fault whose function was announced last, -1 if it ended one.
	last int
}

type running struct {
	fault int
	ends  []string
}

// endings returns the functions that end what f began; nil if f begins nothing lasting.
func endings(f string) []string {
	if what, ok := strings.CutPrefix(f, "start-"); ok {
		return []string{"stop-" + what, "heal-" + what, "heal"}
	}
	switch f {
	case "start":
		return []string{"stop"}
	case "partition", "slow", "flaky", "split", "isolate":
		return []string{"heal", "stop", "fast", "recover", f + "-stop"}
	case "kill", "crash", "stop":
		return []string{"start", "restart", "recover"}
	case "pause":
		return []string{"resume"}
	case "bump", "strobe", "bump-clock", "strobe-clock":
		return []string{"reset", "reset-clock"}
	}
	return nil
}

// add takes the nemesis' next event; at is the event's number.
func (n *nemesis) add(ev *event, at time.Duration) {
	if ev.f == n.announced && n.announced != "" { // it is done
		n.announced = ""
		if n.last >= 0 {
			f := &n.events[n.last]
			if f.End == f.Start {
				f.End = at
			}
			if !ev.val.isNil() {
				f.Detail = note(&ev.val)
			}
		}
		return
	}
	n.announced, n.last = ev.f, -1
	for i := len(n.running) - 1; i >= 0; i-- {
		for _, end := range n.running[i].ends {
			if end == ev.f {
				n.events[n.running[i].fault].End = at
				n.running = append(n.running[:i], n.running[i+1:]...)
				return
			}
		}
	}
	detail := ""
	if !ev.val.isNil() {
		detail = note(&ev.val)
	}
	name := ev.f
	if name == "" {
		name = "nemesis"
	}
	n.last = len(n.events)
	n.events = append(n.events, history.FaultEvent{Fault: name, Detail: detail, Start: at, End: at})
	if ends := endings(ev.f); ends != nil {
		n.running = append(n.running, running{n.last, ends})
	}
}

// faults returns all of them; one that was never ended lasts until the end.
func (n *nemesis) faults(end time.Duration) []history.FaultEvent {
	for _, r := range n.running {
		n.events[r.fault].End = end
	}
	return n.events
}
