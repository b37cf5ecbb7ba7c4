package kvnode

import "sync"

// A tail keeps the last committed records in memory, for the copies that are a little behind.
// It is safe for concurrent use.
type tail struct {
	maxRecords, maxBytes int

	mu      sync.Mutex
	start   int64 // the position before that of records[0]
	records []record
	bytes   int
	changed chan struct{} // closed by the next append
}

const (
	tailRecords = 20_000
	tailBytes   = 8 << 20
)

func newTail(maxRecords, maxBytes int) *tail {
	return &tail{maxRecords: maxRecords, maxBytes: maxBytes, changed: make(chan struct{})}
}

// begin empties the tail; the next record follows the position.
func (t *tail) begin(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start, t.records, t.bytes = position, nil, 0
}

// append adds records, and drops the oldest ones beyond the limits.
func (t *tail) append(batch []*pendingWrite) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range batch {
		t.records = append(t.records, w.record)
		t.bytes += w.size()
	}
	drop := 0
	for ; len(t.records)-drop > t.maxRecords || t.bytes > t.maxBytes; drop++ {
		t.bytes -= t.records[drop].size()
	}
	clear(t.records[:drop]) // so that their values can be freed before the slice is
	t.records = t.records[drop:]
	t.start += int64(drop)
	close(t.changed)
	t.changed = make(chan struct{})
}

// after returns records that follow a position, up to maxBytes and at least one if there is one, and a
// channel that is closed when there are more. ok is false if the tail does not reach back so far, or the
// position is ahead of it.
func (t *tail) after(position int64, maxBytes int) (records []record, changed <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if position < t.start || position > t.start+int64(len(t.records)) {
		return nil, nil, false
	}
	size := 0
	for _, r := range t.records[position-t.start:] {
		if size += r.size(); size > maxBytes && len(records) > 0 {
			break
		}
		records = append(records, r)
	}
	return records, t.changed, true
}

// size is about what the record takes in memory and on the network.
func (r record) size() int { return len(r.key) + len(r.value) + 16 }
