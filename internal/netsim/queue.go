package netsim

import "time"

// end says how a stream ends.
type end uint8

const (
	notYet end = iota
	fin
	rst
)

// A segment is a piece of a stream, or its end.
type segment struct {
	due    time.Time
	data   []byte
	end    end
	booked bool // due takes the bandwidth into account
}

const (
	// segmentSize is the most that is read at once, in bytes.
	segmentSize = 64 << 10
	// queueLimit bounds what a stream keeps in memory, in bytes, up to one segment
	// more; segmentCost is what each takes beside its data.
	queueLimit  = 1 << 20
	segmentCost = 128
)

// queue holds the segments of a stream that are not to be passed on yet, in order;
// none is due before the one ahead of it.
type queue struct {
	segments []segment
	bytes    int // of data
}

func (q *queue) empty() bool    { return len(q.segments) == 0 }
func (q *queue) full() bool     { return q.bytes+len(q.segments)*segmentCost >= queueLimit }
func (q *queue) head() *segment { return &q.segments[0] }
func (q *queue) clear()         { *q = queue{} }

// push adds a segment at the end.
func (q *queue) push(s segment) {
	if len(q.segments) > 0 {
		if last := q.segments[len(q.segments)-1].due; s.due.Before(last) {
			s.due = last
		}
	}
	q.segments = append(q.segments, s)
	q.bytes += len(s.data)
}

// advance drops that many bytes of the head.
func (q *queue) advance(n int) {
	q.segments[0].data = q.segments[0].data[n:]
	q.bytes -= n
}

// pop drops the head.
func (q *queue) pop() {
	q.bytes -= len(q.segments[0].data)
	q.segments[0] = segment{} // lets go of its data
	if q.segments = q.segments[1:]; len(q.segments) == 0 {
		q.segments = nil
	}
}

// hasten makes every segment due by then, and forgets what bandwidth was booked.
func (q *queue) hasten(then time.Time) {
	for i := range q.segments {
		s := &q.segments[i]
		if s.booked = false; s.due.After(then) {
			s.due = then
		}
	}
}
