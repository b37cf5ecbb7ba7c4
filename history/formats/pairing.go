package formats

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// lineTime is how far apart events are set whose file gives no times.
const lineTime = time.Millisecond

// pairing makes operations of events: each invocation and its completion. Until
// the end an operation's Call and Return are numbers of events.
type pairing struct {
	operations []history.Operation
	// open holds each process' unanswered operation.
	open map[int]open
	// times are those of the events, in order.
	times []int64
	// timeless is set when an event has no time, backwards at the first line
	// whose time is less than the one before.
	timeless  bool
	backwards int
	lastIndex int64
	// named holds the processes that are not numbers, and moved those that went
	// on after an unknown outcome. Their numbers are provisional, below 0.
	named map[string]int
	moved map[int]int
	added int
	most  int

	nemesis nemesis
	reading reading
}

// open is an operation that was invoked.
type open struct {
	operation int
	f         string
}

func newPairing() *pairing {
	return &pairing{open: make(map[int]open), named: make(map[string]int), moved: make(map[int]int), lastIndex: -1}
}

// add takes the next event.
func (p *pairing) add(ev *event) error {
	switch {
	case ev.has&hasType == 0:
		return ev.fail("an operation has no type (invoke, ok, fail or info)")
	case ev.has&hasProcess == 0:
		return ev.fail("an operation has no process")
	case ev.has&hasIndex != 0 && ev.index <= p.lastIndex:
		return ev.fail("the operation of index %d stands behind that of index %d: sort them by index", ev.index, p.lastIndex)
	}
	if ev.has&hasIndex != 0 {
		p.lastIndex = ev.index
	}
	at := p.note(ev)
	if name, ok := ev.process.name(); ok && name == "nemesis" {
		p.nemesis.add(ev, at)
		return nil
	}
	process, err := p.process(ev)
	if err != nil {
		return err
	}
	o, running := p.open[process]
	if ev.typ == "invoke" {
		if running {
			return ev.fail("process %s invokes an operation before its last one has ended", note(&ev.process))
		}
		return p.invoke(ev, process, at)
	}
	if !running {
		return ev.fail("process %s ends an operation that it has not invoked", note(&ev.process))
	}
	delete(p.open, process)
	if o.operation < 0 { // a transaction without operations
		return nil
	}
	if ev.f != "" && o.f != "" && ev.f != o.f {
		return ev.fail("process %s ends :%s, but has invoked :%s", note(&ev.process), ev.f, o.f)
	}
	if ev.f == "" {
		ev.f = o.f
	}
	return p.complete(ev, process, &p.operations[o.operation], at)
}

// note keeps the event's time and returns its number.
func (p *pairing) note(ev *event) time.Duration {
	if ev.has&hasTime == 0 {
		p.timeless = true
	} else if n := len(p.times); n > 0 && ev.time < p.times[n-1] && p.backwards == 0 {
		p.backwards = ev.line
	}
	p.times = append(p.times, ev.time)
	return time.Duration(len(p.times) - 1)
}

// process returns the number of the event's process.
func (p *pairing) process(ev *event) (int, error) {
	if ev.process.isNil() || ev.process.isCollection() || ev.process.form == formMap {
		return 0, ev.fail("process is %s, want a number or a name", note(&ev.process))
	}
	text := ev.process.String()
	if ev.process.form == formInteger {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < math.MaxInt32 {
			p.most = max(p.most, n)
			return n, nil
		}
	}
	n, known := p.named[text]
	if !known {
		n = p.newNumber()
		p.named[text] = n
	}
	return n, nil
}

// newNumber returns a number that finish puts behind those in the file.
func (p *pairing) newNumber() int {
	p.added++
	return -p.added
}

// invoke records an operation that nobody has answered yet.
func (p *pairing) invoke(ev *event, process int, at time.Duration) error {
	op := history.Operation{ID: int64(len(p.operations)), Client: process, Call: at}
	if moved, ok := p.moved[process]; ok {
		op.Client = moved
	}
	f := ev.f
	some, err := p.reading.asked(ev, &op)
	if err != nil {
		return err
	}
	if !some {
		p.open[process] = open{operation: -1}
		return nil
	}
	p.open[process] = open{operation: len(p.operations), f: f}
	p.operations = append(p.operations, op)
	return nil
}

// complete records what became of an operation.
func (p *pairing) complete(ev *event, process int, op *history.Operation, at time.Duration) error {
	switch {
	case ev.typ == "info":
		op.Error = ev.reason()
		return nil
	case ev.typ == "fail" && op.Kind.Writes() && ev.timedOut():
		op.Error = ev.reason()
		// It may still take effect, so it has not ended; but its process goes on,
		// and a client's operations do not overlap.
		p.moved[process] = p.newNumber()
		return nil
	}
	op.Return = at
	if ev.typ == "fail" {
		op.Outcome, op.Error = history.Failed, ev.reason()
		return nil
	}
	op.Outcome = history.OK
	return p.reading.answered(ev, op)
}

// finish returns the whole history.
func (p *pairing) finish() (*history.History, []string, error) {
	h := &history.History{Operations: p.operations, Faults: p.nemesis.faults(time.Duration(len(p.times) - 1))}
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Client < 0 {
			o.Client = p.most - o.Client
		}
	}
	warnings, err := p.reading.finish(h)
	if err != nil {
		return nil, nil, err
	}
	if p.backwards > 0 && !p.timeless {
		warnings = append(warnings, fmt.Sprintf("times go backwards on line %d: operations are ordered by their time, not by their lines", p.backwards))
	}
	return h, warnings, p.date(h)
}

// date replaces the numbers of events by times. Jepsen's order of events is the
// truth; times that agree with it are made distinct, because operations that
// share a moment count as concurrent. Where times and order contradict each
// other both bound the operation soundly, and the times are taken.
func (p *pairing) date(h *history.History) error {
	switch {
	case p.timeless:
		for i := range p.times {
			p.times[i] = int64(i) * int64(lineTime)
		}
	case p.backwards == 0:
		for i := 1; i < len(p.times); i++ {
			if p.times[i] <= p.times[i-1] && p.times[i-1] < math.MaxInt64 {
				p.times[i] = p.times[i-1] + 1
			}
		}
	}
	for i := range h.Operations {
		o := &h.Operations[i]
		o.Call = time.Duration(p.times[o.Call])
		if o.Outcome == history.Unknown {
			continue
		}
		if o.Return = time.Duration(p.times[o.Return]); o.Return < o.Call {
			return &history.SyntaxError{Line: p.backwards, Msg: fmt.Sprintf(
				"operation %d of process %d ends at %d ns, before it begins at %d ns", o.ID, o.Client, o.Return, o.Call)}
		}
	}
	for i := range h.Faults {
		f := &h.Faults[i]
		f.Start, f.End = time.Duration(p.times[f.Start]), time.Duration(p.times[f.End])
		f.End = max(f.End, f.Start)
	}
	return nil
}
