package netsim

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// state is what is active in a direction. It never changes: a change makes another.
type state struct {
	faults []*Fault
	open   bool // no faults
	cut    bool
	lossy  bool
	// delay is the longest that the faults impose on a segment that is not lost.
	delay     time.Duration
	bandwidth int64 // the narrowest, or 0
}

// newState combines the faults.
func newState(faults []*Fault) *state {
	s := &state{faults: faults, open: len(faults) == 0}
	for _, f := range faults {
		c := f.conditions
		s.cut = s.cut || c.Cut
		s.lossy = s.lossy || c.Loss > 0
		s.delay += c.Delay + c.Jitter
		if c.Bandwidth > 0 && (s.bandwidth == 0 || c.Bandwidth < s.bandwidth) {
			s.bandwidth = c.Bandwidth
		}
	}
	return s
}

// chunk is how much may be read at once: under a bandwidth limit what it passes in
// 20 ms, so that streams share it evenly.
func (s *state) chunk() int {
	if s.bandwidth == 0 {
		return segmentSize
	}
	return int(min(max(s.bandwidth/50, 512), segmentSize))
}

// direction is what all streams from one node to another share.
type direction struct {
	state atomic.Pointer[state]
	// changing is held while the state changes and streams take note.
	changing sync.Mutex

	mu          sync.Mutex
	connections map[*connection]struct{}
	random      *rand.Rand
	booked      time.Time // until when the bandwidth is in use
}

func newDirection(seed int64, pair Direction) *direction {
	name := fnv.New64a()
	_, _ = name.Write([]byte(pair.String()))
	d := &direction{
		connections: make(map[*connection]struct{}),
		random:      rand.New(rand.NewPCG(uint64(seed), name.Sum64())),
	}
	d.state.Store(newState(nil))
	return d
}

// change replaces the active faults. When it returns, nothing passes any more that
// the new ones hold.
func (d *direction) change(next func([]*Fault) []*Fault) {
	d.changing.Lock()
	defer d.changing.Unlock()
	now := newState(next(slices.Clone(d.state.Load().faults)))
	d.mu.Lock()
	d.state.Store(now)
	d.booked = time.Time{}
	affected := slices.Collect(maps.Keys(d.connections)) // later ones begin with the new state
	d.mu.Unlock()
	for _, c := range affected {
		c.poke()
	}
	if !now.cut {
		return // and a stream may be waiting for a destination that does not read
	}
	for _, c := range affected {
		c.awaitPassing(d)
	}
}

func (d *direction) add(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connections[c] = struct{}{}
}

func (d *direction) remove(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.connections, c)
}

// transit draws how long a segment of this connection takes, and counts it with the
// faults it meets.
func (d *direction) transit(s *state, c *connection, bytes int) time.Duration {
	if s.open {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var total time.Duration
	for _, f := range s.faults {
		took, lost := f.conditions.transit(d.random.Float64)
		total += took
		f.meet(c, bytes, lost)
	}
	return total
}

// book reserves the bandwidth for a segment and returns when it will be through.
func (d *direction) book(bytes int, bandwidth int64) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Who comes late for its turn, because timers are, may catch up a little.
	const credit = 50 * time.Millisecond
	if earliest := time.Now().Add(-credit); d.booked.Before(earliest) {
		d.booked = earliest
	}
	d.booked = d.booked.Add(time.Duration(float64(bytes) / float64(bandwidth) * float64(time.Second)))
	return d.booked
}
