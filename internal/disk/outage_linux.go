package disk

import (
	"errors"
	"sync"
	"time"
)

// outage is a loss of power, from its beginning until every process is dead.
type outage struct {
	begin, end sync.Once
	begun      chan struct{}
	dead       chan struct{} // no process can notice any more what it is told
}

// errOutage is why a sync under way makes nothing durable. Nobody sees it.
var errOutage = errors.New("power goes")

func newOutage() *outage { return &outage{begun: make(chan struct{}), dead: make(chan struct{})} }

func newFaults() *faults { return &faults{outage: newOutage()} }

// CutPower begins a loss of power while processes still run, and ends them by kill. From
// its beginning no sync makes anything durable, and none is answered before dead is called, which
// kill does once it has sent SIGKILL to all of them: otherwise each sync under way would be
// completed, as a process does not die before it is answered. When kill has returned,
// its error is returned, and syncs work again; LosePower takes what is not durable.
func (d *Disk) CutPower(kill func(dead func()) error) error {
	f := d.faults
	o := f.next()
	o.begin.Do(func() { close(o.begun) })
	dead := func() { o.end.Do(func() { close(o.dead) }) }
	defer func() {
		dead()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.outage = newOutage()
	}()
	return kill(dead)
}

func (f *faults) next() *outage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outage
}

// isOut reports whether power is going. Then it returns only when nobody can notice, or
// after a while: a process that ends by itself at that moment waits for the answer.
func (f *faults) isOut() bool {
	o := f.next()
	select {
	case <-o.begun:
	default:
		return false
	}
	select {
	case <-o.dead:
	case <-time.After(patience):
	}
	return true
}
