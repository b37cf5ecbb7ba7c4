package consensus

import (
	"context"
	"sync"
)

// A bell wakes all who wait for something to change.
type bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// ringing returns a channel that is closed when the bell rings next. Take it before looking whether to wait.
func (b *bell) ringing() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// progress is how far this node has applied the log.
type progress struct {
	bell  bell
	mu    sync.Mutex
	index uint64
}

func (p *progress) advance(index uint64) {
	p.mu.Lock()
	p.index = max(p.index, index)
	p.mu.Unlock()
	p.bell.ring()
}

func (p *progress) reached(index uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.index >= index
}

// await returns when done says so, or its error, and looks each time that the bell rings.
func (n *Node) await(ctx context.Context, b *bell, done func() (bool, error)) error {
	for {
		ringing := b.ringing()
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ringing:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-n.closing:
			return ErrClosed
		}
	}
}
