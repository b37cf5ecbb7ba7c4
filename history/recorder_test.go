package history

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lockedBuffer is a file that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

func newRecorder(t *testing.T) (*Recorder, *lockedBuffer) {
	t.Helper()
	file := &lockedBuffer{}
	header := complete().Header
	w, err := NewWriter(file, header)
	if err != nil {
		t.Fatal(err)
	}
	return NewRecorder(header, w), file
}

const (
	testSessions = 8
	testRounds   = 30
	// perRound is how many operations a session does between two flushes.
	perRound = 25
)

// recordRounds lets sessions record, and calls between after each flush. Every
// tenth operation ends unknown, and is open during up to three flushes.
func recordRounds(r *Recorder, between func()) {
	var round, ended atomic.Int64
	until := func(n int64) {
		for round.Load() < n {
			runtime.Gosched()
		}
	}
	var wg sync.WaitGroup
	for i := range testSessions {
		s := r.Session()
		wg.Go(func() {
			for n := int64(0); n < testRounds*perRound; n++ {
				until(n / perRound)
				op := Operation{Kind: Kind(n % 3), Key: "k", Value: fmt.Sprintf("c%d-%d", i, n), Outcome: OK}
				if op.Kind != Put {
					op.Value = ""
				}
				s.Begin(&op)
				if n%10 == 0 {
					until(min(round.Load()+int64(i%4), testRounds))
					op.Outcome = Unknown
				}
				s.End(&op)
				ended.Add(1)
			}
		})
	}
	for n := range int64(testRounds) {
		// A quarter of the sessions never waits with an operation open.
		for ended.Load() < n*perRound*testSessions/4 {
			runtime.Gosched()
		}
		r.flush()
		between()
		round.Add(1)
	}
	wg.Wait()
}

// keeps reports whether every operation called before settled is among ids.
func keeps(t *testing.T, whole *History, settled time.Duration, ids map[int64]bool) {
	t.Helper()
	for i := range whole.Operations {
		if op := &whole.Operations[i]; op.Call < settled && !ids[op.ID] {
			t.Fatalf("operation %d was called at %d, is missing, and all was settled at %d", op.ID, op.Call, settled)
		}
	}
}

func identifiers(ops []Operation) map[int64]bool {
	ids := make(map[int64]bool, len(ops))
	for i := range ops {
		ids[ops[i].ID] = true
	}
	return ids
}

func TestWhatManyGoroutinesRecordIsAHistory(t *testing.T) {
	t.Parallel()
	r, file := newRecorder(t)
	recordRounds(r, func() {})
	r.Fault(complete().Faults[0])
	r.Leader(LeaderEvent{At: 1, Leader: "n1", Term: 1})
	r.Leader(LeaderEvent{At: 2, Shard: "s2"})
	shards := map[string]string{"a": "s1", "b": "s2"}
	r.SetShards(map[string]string{"a": "s2"})
	r.SetShards(shards)
	shards["b"] = "s3" // what was set is what counts
	h, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	if want := testSessions * testRounds * perRound; len(h.Operations) != want || len(identifiers(h.Operations)) != want {
		t.Fatalf("got %d operations with %d IDs, want %d", len(h.Operations), len(identifiers(h.Operations)), want)
	}
	if len(h.Faults) != 1 || h.Faults[0].Hits != 57 || h.Truncated {
		t.Errorf("got faults %+v, truncated %v", h.Faults, h.Truncated)
	}
	last := make(map[int]Operation)
	for i, op := range h.Operations {
		if i > 0 && op.Call < h.Operations[i-1].Call {
			t.Fatalf("operation %d was called before the one in front of it", op.ID)
		}
		if op.Outcome != Unknown && op.Return < op.Call || op.Call < 0 {
			t.Fatalf("operation %d lasts from %d to %d", op.ID, op.Call, op.Return)
		}
		if before, ok := last[op.Client]; ok && (before.Outcome == Unknown || before.Return > op.Call) {
			t.Fatalf("client %d overlaps itself: %+v, %+v", op.Client, before, op)
		}
		last[op.Client] = op
	}
	if unknowns := testSessions * testRounds * perRound / 10; len(last) < unknowns {
		t.Errorf("%d clients for %d unknown operations", len(last), unknowns)
	}

	saved := decode(t, string(file.bytes()))
	if saved.Truncated || len(saved.Faults) != 1 {
		t.Errorf("the file is not complete: %d faults, truncated %v", len(saved.Faults), saved.Truncated)
	}
	leaders := []LeaderEvent{{At: 1, Leader: "n1", Term: 1}, {At: 2, Shard: "s2"}}
	if !slices.Equal(h.Leaders, leaders) || !slices.Equal(saved.Leaders, leaders) {
		t.Errorf("got leaders %+v, saved %+v, want %+v", h.Leaders, saved.Leaders, leaders)
	}
	shards["b"] = "s2"
	if !maps.Equal(h.Shards, shards) || !maps.Equal(saved.Shards, shards) {
		t.Errorf("got shards %v, saved %v, want %v", h.Shards, saved.Shards, shards)
	}
	if !reflect.DeepEqual(h.Groups, complete().Groups) || !reflect.DeepEqual(saved.Groups, h.Groups) {
		t.Errorf("got groups %v, saved %v", h.Groups, saved.Groups)
	}
	byID := func(a, b Operation) int { return int(a.ID - b.ID) }
	slices.SortFunc(saved.Operations, byID)
	slices.SortFunc(h.Operations, byID)
	for i := range h.Operations {
		if saved.Operations[i] != normal(h.Operations[i]) {
			t.Fatalf("the file has %+v, want %+v", saved.Operations[i], h.Operations[i])
		}
	}
}

// normal is an operation as it is read again: here, every get found nothing.
func normal(op Operation) Operation {
	if op.Outcome == Unknown {
		op.Return = 0
	}
	return op
}

func TestASnapshotHasEveryOperationCalledBeforeItWasSettled(t *testing.T) {
	t.Parallel()
	r, _ := newRecorder(t)
	type snapshot struct {
		settled time.Duration
		ids     map[int64]bool
	}
	var taken []snapshot
	recordRounds(r, func() {
		s := r.Snapshot()
		if !s.Truncated || s.Challenge != "kv-store" {
			t.Errorf("the snapshot does not count as one that breaks off: %+v", s.Header)
		}
		taken = append(taken, snapshot{s.Settled, identifiers(s.Operations)})
	})
	h, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	partial := 0
	for i, s := range taken {
		keeps(t, h, s.settled, s.ids)
		if i > 0 && s.settled < taken[i-1].settled {
			t.Errorf("settled went back from %d to %d", taken[i-1].settled, s.settled)
		}
		if s.settled > 0 && len(s.ids) > 0 && len(s.ids) < len(h.Operations) {
			partial++
		}
	}
	if partial < testRounds/2 {
		t.Errorf("only %d snapshots were worth looking at", partial)
	}
	keeps(t, h, h.Settled, identifiers(h.Operations))
}

func TestAFileCutAnywhereHasEveryOperationCalledBeforeItWasSettled(t *testing.T) {
	t.Parallel()
	r, file := newRecorder(t)
	var written [][]byte
	recordRounds(r, func() {
		if len(written)%5 == 0 {
			written = append(written, file.bytes())
		} else {
			written = append(written, nil)
		}
	})
	h, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	all := file.bytes()
	for i := range 25 { // uneven steps, so that the cuts fall anywhere
		written = append(written, all[:len(all)*(2*i+1)/53])
	}
	partial := 0
	for _, b := range written {
		if b == nil {
			continue
		}
		cut, err := Decode(bytes.NewReader(b))
		var syntax *SyntaxError
		if errors.As(err, &syntax) && !bytes.Contains(b, []byte(`"outcome"`)) {
			continue // there is no operation yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if !cut.Truncated {
			t.Error("it does not count as one that breaks off")
		}
		keeps(t, h, cut.Settled, identifiers(cut.Operations))
		if cut.Settled > 0 && len(cut.Operations) < len(h.Operations) {
			partial++
		}
	}
	if partial < 10 {
		t.Errorf("only %d cuts were worth looking at", partial)
	}
}

func TestOperationsReachTheFileWhileTheRunGoesOn(t *testing.T) {
	t.Parallel()
	r, file := newRecorder(t)
	s := r.Session()
	op := Operation{Kind: Put, Key: "k", Value: "v", Outcome: OK}
	s.Begin(&op)
	s.End(&op)
	deadline := time.Now().Add(time.Minute)
	for !bytes.Contains(file.bytes(), []byte(`"value":"v"`)) {
		if time.Now().After(deadline) {
			t.Fatal("it was never written")
		}
		time.Sleep(time.Millisecond)
	}
	if got := r.Snapshot().Operations; len(got) != 1 || got[0] != op {
		t.Errorf("the snapshot has %+v", got)
	}
	if _, err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestOnlyWritesUnderWayCountAsOpen(t *testing.T) {
	t.Parallel()
	r := NewRecorder(Header{}, nil)
	var ops [3]Operation
	var sessions [3]*Session
	for i, kind := range []Kind{Get, Put, Delete} {
		ops[i], sessions[i] = Operation{Kind: kind, Outcome: OK}, r.Session()
		sessions[i].Begin(&ops[i])
	}
	if got := r.OpenWrites(); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
	for i := range sessions {
		sessions[i].End(&ops[i])
	}
	if got := r.OpenWrites(); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
	h, err := r.Close()
	if err != nil || len(h.Operations) != 3 {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestAFullDiskIsReportedAndTheHistoryIsCompleteAllTheSame(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for _, room := range []int{400, 2000, 1 << 30} {
		w, err := NewWriter(&failingWriter{room, full}, complete().Header)
		if err != nil {
			t.Fatal(err)
		}
		r := NewRecorder(complete().Header, w)
		recordRounds(r, func() {})
		h, err := r.Close()
		if want := testSessions * testRounds * perRound; len(h.Operations) != want {
			t.Errorf("with room for %d bytes: got %d operations, want %d", room, len(h.Operations), want)
		}
		if enough := room == 1<<30; errors.Is(err, full) == enough || (err == nil) != enough {
			t.Errorf("with room for %d bytes: got error %v", room, err)
		}
	}
}

func TestCountSortsByOutcome(t *testing.T) {
	t.Parallel()
	ok, failed, unknown := complete().Count()
	if ok != 11 || failed != 1 || unknown != 1 {
		t.Errorf("got %d, %d, %d", ok, failed, unknown)
	}
	ops := complete().Operations
	for i, want := range []bool{true, false, false, false, false, false, true, true, true, true, true, true, false} {
		if ops[i].Acknowledged() != want {
			t.Errorf("operation %d: acknowledged is %v", i, !want)
		}
	}
}
