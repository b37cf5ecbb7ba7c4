package history

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flushInterval is how often recorded operations are handed to the Writer.
const flushInterval = 100 * time.Millisecond

// Recorder collects the operations of many goroutines, and streams them to a
// Writer while the run goes on. Each goroutine records through a Session of
// its own, so that goroutines never wait for each other.
type Recorder struct {
	start  time.Time
	nextID atomic.Int64
	client atomic.Int64

	mu       sync.Mutex // guards sessions, faults, leaders, shards and late
	sessions []*Session
	faults   []FaultEvent
	leaders  []LeaderEvent
	shards   map[string]string
	late     []Operation

	writer  *Writer
	header  Header
	done    chan struct{}
	wg      sync.WaitGroup
	flushMu sync.Mutex // guards what follows
	ops     []Operation
	settled time.Duration
	err     error
}

// NewRecorder starts recording; offsets count from now. A nil Writer keeps the
// history in memory only. Close ends it.
func NewRecorder(h Header, w *Writer) *Recorder {
	r := &Recorder{start: time.Now(), writer: w, header: h, done: make(chan struct{})}
	r.wg.Add(1)
	go r.flushLoop()
	return r
}

// Now returns the monotonic time since the run's start.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Session returns a handle for one goroutine. A session has at most one
// operation open at a time.
func (r *Recorder) Session() *Session {
	s := &Session{r: r}
	s.client = int(r.client.Add(1) - 1)
	r.mu.Lock()
	r.sessions = append(r.sessions, s)
	r.mu.Unlock()
	return s
}

// Fault records an injected fault once it has healed.
func (r *Recorder) Fault(f FaultEvent) {
	r.mu.Lock()
	r.faults = append(r.faults, f)
	r.mu.Unlock()
}

// Leader records that another node leads from now on, or none. Events come in the
// order of their times.
func (r *Recorder) Leader(l LeaderEvent) {
	r.mu.Lock()
	r.leaders = append(r.leaders, l)
	r.mu.Unlock()
}

// SetShards says where each key lives in the end. Close writes and returns it.
func (r *Recorder) SetShards(shards map[string]string) {
	r.mu.Lock()
	r.shards = maps.Clone(shards)
	r.mu.Unlock()
}

// Record records operations that ended with Session.Return.
func (r *Recorder) Record(ops []Operation) {
	r.mu.Lock()
	r.late = append(r.late, ops...)
	r.mu.Unlock()
}

// OpenWrites counts the writes that have been called and not returned yet.
func (r *Recorder) OpenWrites() int {
	n := 0
	for _, s := range r.snapshotSessions() {
		s.mu.Lock()
		if s.open && s.openKind != Get {
			n++
		}
		s.mu.Unlock()
	}
	return n
}

// Close ends recording and returns the history, ordered by call time. All
// sessions must be idle. The error is the first that the Writer met; the
// history is complete all the same.
func (r *Recorder) Close() (*History, error) {
	close(r.done)
	r.wg.Wait()
	r.mu.Lock()
	h := &History{Header: r.header, Operations: r.ops, Faults: r.faults, Leaders: r.leaders, Shards: r.shards, Settled: r.settled}
	r.mu.Unlock()
	slices.SortFunc(h.Operations, func(a, b Operation) int { return cmp.Compare(a.Call, b.Call) })
	if r.writer != nil && r.err == nil {
		r.err = r.writer.Close(Ending{Faults: h.Faults, Leaders: h.Leaders, Shards: h.Shards})
	}
	return h, r.err
}

// Snapshot returns what has been recorded so far, as a history that breaks off:
// operations under way are missing, and Settled tells which reads cannot have
// seen any of them. The operations must not be changed, and are valid until Close.
func (r *Recorder) Snapshot() *History {
	r.flush()
	r.flushMu.Lock()
	defer r.flushMu.Unlock()
	n := len(r.ops)
	return &History{Header: r.header, Operations: r.ops[:n:n], Truncated: true, Settled: r.settled}
}

func (r *Recorder) snapshotSessions() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sessions)
}

func (r *Recorder) flushLoop() {
	defer r.wg.Done()
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.flush()
		case <-r.done:
			r.flush()
			return
		}
	}
}

// flush moves what the sessions have recorded to the history and the writer.
//
// The settled time is the least of now and the call times of all open
// operations. It is right because an idle session was locked after now was
// read: whatever it calls next is later.
func (r *Recorder) flush() {
	r.flushMu.Lock()
	defer r.flushMu.Unlock()
	settled := r.Now()
	from := len(r.ops)
	r.mu.Lock()
	r.ops, r.late = append(r.ops, r.late...), nil
	r.mu.Unlock()
	for _, s := range r.snapshotSessions() {
		s.mu.Lock()
		r.ops = append(r.ops, s.ops...)
		s.ops = s.ops[:0]
		if s.open && s.openCall < settled {
			settled = s.openCall
		}
		s.mu.Unlock()
	}
	r.settled = settled
	batch := r.ops[from:]
	if r.writer == nil || r.err != nil || len(batch) == 0 {
		return
	}
	slices.SortFunc(batch, func(a, b Operation) int { return cmp.Compare(a.Call, b.Call) })
	for i := range batch {
		mark := time.Duration(0)
		if i == len(batch)-1 {
			mark = settled
		}
		if r.err = r.writer.Write(&batch[i], mark); r.err != nil {
			return
		}
	}
	r.err = r.writer.Flush()
}

// Session records the operations of one goroutine, one after the other.
type Session struct {
	r      *Recorder
	client int

	mu       sync.Mutex // held by the goroutine for nanoseconds, by the flusher ten times a second
	ops      []Operation
	open     bool
	openKind Kind
	openCall time.Duration
}

// Begin opens an operation: it sets its ID, its client and, last, its call
// time. Send the request after Begin.
func (s *Session) Begin(op *Operation) {
	op.ID = s.r.nextID.Add(1) - 1
	op.Client = s.client
	s.mu.Lock()
	op.Call = s.r.Now()
	s.open, s.openKind, s.openCall = true, op.Kind, op.Call
	s.mu.Unlock()
}

// End closes the operation: it sets its return time, first, and records it.
// After an unknown outcome the session goes on as a new client, because the
// old one's operation may still be under way.
func (s *Session) End(op *Operation) { s.finish(op, true) }

// Return is End without recording, for whoever has to see the answer to know what
// the operation was, such as a final read. Recorder.Record does the rest. Only
// reads may be held back: a snapshot in which one is missing accuses nobody.
func (s *Session) Return(op *Operation) { s.finish(op, false) }

// finish closes and records in one step: a write that is closed but not there yet
// would make whoever read its value look like a liar.
func (s *Session) finish(op *Operation, record bool) {
	ret := s.r.Now()
	if op.Outcome != Unknown {
		op.Return = ret
	} else {
		s.client = int(s.r.client.Add(1) - 1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if record {
		s.ops = append(s.ops, *op)
	}
	s.open = false
}
