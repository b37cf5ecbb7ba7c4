package netsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// ErrClosed is returned by the methods of a network that was closed.
var ErrClosed = errors.New("the network is closed")

// Config says how a network behaves.
type Config struct {
	// Seed decides which segments are lost, and how large the jitter of each is, as
	// far as the order in which segments come decides it not.
	Seed int64
}

// Network is the links between the nodes of a run. Its methods, and those of its
// links and faults, may be called concurrently.
type Network struct {
	cfg    Config
	ctx    context.Context // ends with the network
	cancel context.CancelFunc
	stop   func() bool // stops watching the context of New
	shut   sync.Once
	tasks  sync.WaitGroup // Add only under mu and while not closed

	mu          sync.Mutex
	closed      bool
	links       map[Direction]*Link
	directions  map[Direction]*direction
	connections map[*connection]struct{}
	err         error
}

// New returns a network without links. It closes when ctx ends; Close must be called
// all the same.
func New(ctx context.Context, cfg Config) *Network {
	n := &Network{
		cfg:         cfg,
		links:       make(map[Direction]*Link),
		directions:  make(map[Direction]*direction),
		connections: make(map[*connection]struct{}),
	}
	n.ctx, n.cancel = context.WithCancel(ctx)
	n.stop = context.AfterFunc(n.ctx, func() { n.shut.Do(n.shutDown) })
	return n
}

// Link returns the link by which from reaches to, and creates it if there is none.
// It is down, and keeps its address until the network is closed.
func (n *Network) Link(from, to string) (*Link, error) {
	pair := Direction{From: from, To: to}
	forward, err := n.direction(pair)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	backward, err := n.direction(Direction{From: to, To: from})
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, fmt.Errorf("link %s: %w", pair, ErrClosed)
	}
	if l := n.links[pair]; l != nil {
		return l, nil
	}
	place, err := reserve()
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", pair, err)
	}
	l := &Link{network: n, pair: pair, forward: forward, backward: backward, place: place}
	n.links[pair] = l
	return l, nil
}

// direction returns what all streams of the pair share.
func (n *Network) direction(pair Direction) (*direction, error) {
	if pair.From == "" || pair.To == "" || pair.From == pair.To {
		return nil, fmt.Errorf("%q and %q are not two nodes", pair.From, pair.To)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, fmt.Errorf("%s: %w", pair, ErrClosed)
	}
	d := n.directions[pair]
	if d == nil {
		d = newDirection(n.cfg.Seed, pair)
		n.directions[pair] = d
	}
	return d, nil
}

// Reset breaks every connection that From dialled to To, for each pair given: both
// ends see a reset, even through a cut. It returns how many there were, attempts to
// connect included. It needs no healing.
func (n *Network) Reset(pairs ...Direction) int {
	chosen := make(map[Direction]bool)
	for _, pair := range pairs {
		chosen[pair] = true
	}
	broken := 0
	for _, c := range n.all() {
		if chosen[c.link.pair] && c.end(rst) {
			broken++
		}
	}
	return broken
}

// Open returns how many connections From has to To at this moment, attempts to
// connect included, for all pairs given together.
func (n *Network) Open(pairs ...Direction) int {
	open := make(map[Direction]int)
	for _, c := range n.all() {
		open[c.link.pair]++
	}
	total := 0
	for _, pair := range pairs {
		total += open[pair]
		delete(open, pair)
	}
	return total
}

// all returns the connections that there are.
func (n *Network) all() []*connection {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.connections))
}

// Err returns the first error of lsfr itself, such as too many open files. After one,
// what nodes saw of the network proves nothing about them.
func (n *Network) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

func (n *Network) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err == nil && !n.closed {
		n.err = err
	}
}

// spawn runs a task that Close waits for, unless the network is closed.
func (n *Network) spawn(task func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.tasks.Go(task)
	return true
}

// Close resets all connections, gives up all addresses and returns when no goroutine
// is left. It returns Err. Further calls do nothing else.
func (n *Network) Close() error {
	n.stop()
	n.shut.Do(n.shutDown)
	n.tasks.Wait()
	return n.Err()
}

func (n *Network) shutDown() {
	n.mu.Lock()
	n.closed = true
	links := slices.Collect(maps.Values(n.links))
	n.mu.Unlock()
	n.cancel()
	for _, l := range links {
		l.close()
	}
	for _, c := range n.all() {
		c.end(rst)
	}
}
