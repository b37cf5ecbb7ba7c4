package netsim

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Fault is a set of conditions that is active in some directions until it is
// healed.
type Fault struct {
	conditions Conditions
	directions []*direction
	heal       sync.Once

	connections, attempts, segments, bytes, lost atomic.Int64
}

// Counts is what a fault met so far.
type Counts struct {
	// Connections were touched in any way, also attempts to connect.
	Connections int64
	// Attempts to connect were held by a cut.
	Attempts int64
	// Segments were held by a cut, delayed, slowed down or lost, also ends of
	// streams; Bytes is what they carried.
	Segments, Bytes int64
	// Lost counts each time that a segment was lost.
	Lost int64
}

// Hits is the number of attempts and segments that the fault met: 0 if it proved
// nothing.
func (c Counts) Hits() int { return int(c.Attempts + c.Segments) }

// Inject makes the conditions active in these directions, in addition to those that
// are. Several cuts hold until all have healed, delays add up, losses occur
// independently, and the narrowest bandwidth counts. The nodes need not have a link
// yet. No byte passes a cut after Inject returned.
func (n *Network) Inject(c Conditions, directions ...Direction) (*Fault, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("inject: %w", err)
	}
	if len(directions) == 0 {
		return nil, errors.New("inject: no direction given")
	}
	f := &Fault{conditions: c}
	for _, pair := range directions {
		d, err := n.direction(pair)
		if err != nil {
			return nil, fmt.Errorf("inject: %w", err)
		}
		if !slices.Contains(f.directions, d) {
			f.directions = append(f.directions, d)
		}
	}
	for _, d := range f.directions {
		d.change(func(active []*Fault) []*Fault { return append(active, f) })
	}
	return f, nil
}

// Heal ends the fault. What it held is delivered, in order. Further calls do nothing.
func (f *Fault) Heal() {
	f.heal.Do(func() {
		for _, d := range f.directions {
			d.change(func(active []*Fault) []*Fault {
				return slices.DeleteFunc(active, func(other *Fault) bool { return other == f })
			})
		}
	})
}

// Counts returns what the fault met so far.
func (f *Fault) Counts() Counts {
	return Counts{
		Connections: f.connections.Load(),
		Attempts:    f.attempts.Load(),
		Segments:    f.segments.Load(),
		Bytes:       f.bytes.Load(),
		Lost:        f.lost.Load(),
	}
}

// meet counts a segment of that many bytes.
func (f *Fault) meet(c *connection, bytes int, lost int64) {
	if f.conditions == (Conditions{Loss: f.conditions.Loss}) && lost == 0 {
		return // it came through
	}
	c.touchedBy(f)
	f.segments.Add(1)
	f.bytes.Add(int64(bytes))
	f.lost.Add(lost)
}
