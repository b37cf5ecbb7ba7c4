package netsim

import (
	"errors"
	"fmt"
	"time"
)

// Direction is an ordered pair of nodes, by their IDs.
type Direction struct{ From, To string }

// String returns the direction as in "n1 -> n2".
func (d Direction) String() string { return d.From + " -> " + d.To }

// Conditions is what a fault does to the traffic of a direction. They may be
// combined. The zero value of each field does nothing.
type Conditions struct {
	// Cut holds everything.
	Cut bool
	// Delay makes each segment arrive that much later, and Jitter up to that much
	// later still, evenly distributed.
	Delay, Jitter time.Duration
	// Loss is the share of segments that are lost, each time they are sent: at
	// least 0 and less than 1.
	Loss float64
	// Bandwidth is in bytes per second; 0 means without limit.
	Bandwidth int64
}

// validate returns an error if the conditions make no sense, or change nothing.
func (c Conditions) validate() error {
	switch {
	case c == Conditions{}:
		return errors.New("the conditions change nothing")
	case c.Delay < 0 || c.Jitter < 0:
		return fmt.Errorf("a delay of %v with a jitter of %v is negative", c.Delay, c.Jitter)
	case !(c.Loss >= 0 && c.Loss < 1): // also not a number
		return fmt.Errorf("a loss of %v is not in [0, 1)", c.Loss)
	case c.Bandwidth < 0:
		return fmt.Errorf("a bandwidth of %d bytes per second is negative", c.Bandwidth)
	}
	return nil
}

const (
	// A lost segment is sent again after firstPause, Linux's least retransmission
	// timeout, then after twice that, up to Linux's greatest (RFC 6298, 5.5).
	firstPause   = 200 * time.Millisecond
	longestPause = 120 * time.Second
)

// transit draws how long one segment takes under these conditions, bandwidth aside,
// and how often it is lost. random returns numbers in [0, 1).
func (c Conditions) transit(random func() float64) (took time.Duration, lost int64) {
	took = c.Delay
	if c.Jitter > 0 {
		took += time.Duration(random() * float64(c.Jitter))
	}
	for pause := firstPause; c.Loss > 0 && random() < c.Loss; pause = min(2*pause, longestPause) {
		took += pause
		lost++
	}
	return took, lost
}
