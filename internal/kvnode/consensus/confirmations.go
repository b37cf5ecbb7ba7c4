package consensus

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// confirmations say until when a majority had followed this node. Moments are numbered: a request and a read take
// the next number when they begin. A follower that answers a request in the leader's term had not voted in a later
// term when it was asked, so if a majority did that, no later leader had been elected before the read.
type confirmations struct {
	moments atomic.Uint64
	needed  int  // followers that are a majority together with the leader
	bell    bell // rings when a later moment is confirmed

	mu       sync.Mutex
	asked    uint64 // the moment of the latest read
	term     uint64
	answered map[raft.ServerID]uint64 // the moment of the latest request that the follower has answered in this term
}

func newConfirmations(members int) *confirmations {
	return &confirmations{needed: members / 2, answered: make(map[raft.ServerID]uint64)}
}

// now takes a number.
func (c *confirmations) now() uint64 { return c.moments.Add(1) }

// confirm notes that a follower has accepted a request of this term that was sent at the moment.
func (c *confirmations) confirm(follower raft.ServerID, term, moment uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if term < c.term {
		return
	}
	if term > c.term {
		c.term = term
		clear(c.answered)
	}
	before := c.confirmed()
	c.answered[follower] = max(c.answered[follower], moment)
	if c.confirmed() > before {
		c.bell.ring()
	}
}

// ask takes a number for a read.
func (c *confirmations) ask() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = c.now()
	return c.asked
}

// awaited tells whether the latest read still needs the word of a majority.
func (c *confirmations) awaited(term uint64) bool {
	c.mu.Lock()
	asked := c.asked
	c.mu.Unlock()
	return !c.since(term, asked)
}

// since tells whether a majority has followed this node in the term later than at the moment.
func (c *confirmations) since(term, moment uint64) bool {
	if c.needed == 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.term == term && c.confirmed() > moment
}

// latestConfirmed is the latest moment at which a majority followed this node in the term, 0 for none.
func (c *confirmations) latestConfirmed(term uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.term != term {
		return 0
	}
	return c.confirmed()
}

// confirmed is the latest moment before which a majority has not been lost.
func (c *confirmations) confirmed() uint64 {
	if len(c.answered) < c.needed || c.needed == 0 {
		return 0
	}
	moments := make([]uint64, 0, 8)
	for _, moment := range c.answered {
		moments = append(moments, moment)
	}
	slices.Sort(moments)
	return moments[len(moments)-c.needed]
}

// latest is the follower that has answered last in the term, "" for none.
func (c *confirmations) latest(term uint64) raft.ServerID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var who raft.ServerID
	if c.term == term {
		for id, moment := range c.answered {
			if who == "" || moment > c.answered[who] {
				who = id
			}
		}
	}
	return who
}
