package workload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// store is a correct node.
type store struct {
	mu     sync.Mutex
	values map[string][]byte
}

func newStore() *store { return &store{values: make(map[string][]byte)} }

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		s.values[r.URL.Path] = body
	case http.MethodDelete:
		delete(s.values, r.URL.Path)
	default:
		value, ok := s.values[r.URL.Path]
		if !ok {
			http.Error(w, "key not found", http.StatusNotFound)
			return
		}
		w.Write(value)
	}
}

// leavesNothing runs f, and asserts that the goroutines it started are gone
// afterwards. Tests that use it are not parallel: all goroutines are counted.
func leavesNothing(t *testing.T, f func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	f()
	eventually(t, "all goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
}

func closeRecorder(t *testing.T, rec *history.Recorder) *history.History {
	t.Helper()
	h, err := rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sum(p *Progress) int64 {
	ok, failed, unknown := p.Counts()
	return ok + failed + unknown
}

func TestClientsWorkUntilTheyAreStopped(t *testing.T) {
	leavesNothing(t, func() {
		one, two := httptest.NewServer(newStore()), httptest.NewServer(newStore())
		defer one.Close()
		defer two.Close()
		rec := history.NewRecorder(history.Header{}, nil)
		stop := make(chan struct{})
		var progress Progress
		var keys []string
		var running sync.WaitGroup
		opts := Options{Mix: testMix, Clients: 5, Seed: 1, Nodes: []Node{{"n1", one.URL}, {"n2", two.URL}}}
		running.Go(func() { keys = Run(t.Context(), rec, opts, &progress, stop) })
		eventually(t, "400 operations are done", func() bool { return sum(&progress) >= 400 })
		close(stop)
		running.Wait()
		h := closeRecorder(t, rec)

		ok, failed, unknown := h.Count()
		if failed+unknown > 0 || int64(ok) != sum(&progress) {
			t.Errorf("%d ok, %d failed, %d unknown; %d were counted", ok, failed, unknown, sum(&progress))
		}
		// Each client does what its generator says, on the node it is bound to.
		count := make([]int, opts.Clients)
		used := make(map[string]bool)
		generators := make([]*Generator, opts.Clients)
		for i := range generators {
			generators[i] = NewGenerator(opts.Mix, opts.Seed, i)
		}
		for _, op := range h.Operations {
			want := generators[op.Client].Next()
			written := op.Value
			if op.Kind == history.Get {
				written = ""
			}
			if want != (Request{op.Kind, op.Key, written}) {
				t.Fatalf("client %d does %+v, want %+v", op.Client, op, want)
			}
			if op.Node != opts.Nodes[op.Client%2].ID || op.Defect != "" || op.Final {
				t.Fatalf("got %+v", op)
			}
			count[op.Client]++
			used[op.Key] = true
		}
		if slices.Contains(count, 0) {
			t.Errorf("some clients did nothing: %v", count)
		}
		if len(keys) != len(used) {
			t.Errorf("%d keys are named, %d were used", len(keys), len(used))
		}
		for _, k := range keys {
			if !used[k] {
				t.Errorf("key %s is named twice, or was never used", k)
			}
			delete(used, k)
		}
	})
}

func TestCancellingEndsOperationsUnderWayAsUnknown(t *testing.T) {
	leavesNothing(t, func() {
		var waiting atomic.Int64
		hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			waiting.Add(1)
			<-r.Context().Done()
		}))
		defer hanging.Close()
		rec := history.NewRecorder(history.Header{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var progress Progress
		var running sync.WaitGroup
		running.Go(func() {
			Run(ctx, rec, Options{Mix: testMix, Clients: 4, Timeout: patience, Nodes: []Node{{"n1", hanging.URL}}}, &progress, nil)
		})
		eventually(t, "all clients wait for an answer", func() bool { return waiting.Load() == 4 })
		if sum(&progress) != 0 {
			t.Error("something has ended")
		}
		cancel()
		running.Wait()
		h := closeRecorder(t, rec)
		if _, _, unknown := h.Count(); unknown != 4 || len(h.Operations) != 4 {
			t.Errorf("got %+v", h.Operations)
		}
		if _, _, unknown := progress.Counts(); unknown != 4 {
			t.Errorf("%d unknown operations were counted", unknown)
		}
	})
}

func TestAStopBeforeTheStartDoesNothing(t *testing.T) {
	leavesNothing(t, func() {
		rec := history.NewRecorder(history.Header{}, nil)
		stop := make(chan struct{})
		close(stop)
		var progress Progress
		keys := Run(t.Context(), rec, Options{Mix: testMix, Clients: 3, Nodes: []Node{{"n1", "http://127.0.0.1:1"}}}, &progress, stop)
		if h := closeRecorder(t, rec); len(keys) != 0 || len(h.Operations) != 0 {
			t.Errorf("got %v, %+v", keys, h.Operations)
		}
	})
}

// down returns the address of a node that is not running.
func down(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestClientsAreNoFasterThanTheyMay(t *testing.T) {
	tests := []struct {
		name string
		url  func(t *testing.T) string
		rate float64
		// gap is the least time between two operations of a client.
		gap     time.Duration
		outcome history.Outcome
	}{
		{"a node that is down", down, 0, pauseAfterFailure, history.Failed},
		{"a node that is down, at a rate", down, 1000, pauseAfterFailure, history.Failed},
		{"a node that only fails", func(t *testing.T) string {
			return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }).URL
		}, 0, pauseAfterFailure, history.Unknown},
		{"a rate", func(t *testing.T) string { return serve(t, newStore().ServeHTTP).URL }, 250, 4 * time.Millisecond, history.OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const clients, n = 3, 60
			node := Node{"n1", tt.url(t)}
			rec := history.NewRecorder(history.Header{}, nil)
			stop := make(chan struct{})
			var progress Progress
			var running sync.WaitGroup
			began := time.Now()
			running.Go(func() {
				Run(t.Context(), rec, Options{Mix: testMix, Clients: clients, Rate: tt.rate, Nodes: []Node{node}}, &progress, stop)
			})
			eventually(t, "some operations are done", func() bool { return sum(&progress) >= n })
			close(stop)
			running.Wait()
			most := clients * (int64(time.Since(began)/tt.gap) + 1)
			h := closeRecorder(t, rec)
			if got := int64(len(h.Operations)); got > most {
				t.Errorf("%d operations, but there was time for %d", got, most)
			}
			for _, op := range h.Operations {
				if op.Outcome != tt.outcome {
					t.Fatalf("got %+v", op)
				}
			}
		})
	}
}

func TestMergeKeepsTheOrderOfFirstUse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lists [][]string
		want  []string
	}{
		{nil, nil},
		{[][]string{nil, {"a"}, nil}, []string{"a"}},
		{[][]string{{"a", "b", "c"}, {"b", "a", "d"}}, []string{"a", "b", "c", "d"}},
		{[][]string{{"a"}, {"b", "c", "d"}, {"a", "e"}}, []string{"a", "b", "c", "e", "d"}},
	}
	for _, tt := range tests {
		if got := Merge(tt.lists); !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.lists, got, tt.want)
		}
	}
}

// readCopies records what was read.
func readCopies(ctx context.Context, rec *history.Recorder, nodes []Node, keys []string) (unanswered int) {
	reads, unanswered := ReadCopies(ctx, rec, nodes, nil, keys)
	rec.Record(reads)
	return unanswered
}

func TestCopiesAreReadWithEveryKeyOnEveryNode(t *testing.T) {
	leavesNothing(t, func() {
		s := newStore()
		s.values["/kv/a"] = []byte("c1-1")
		one, two := httptest.NewServer(s), httptest.NewServer(newStore())
		defer one.Close()
		defer two.Close()
		rec := history.NewRecorder(history.Header{}, nil)
		nodes := []Node{{"n1", one.URL}, {"n2", two.URL}}
		keys := []string{"a", "b", "c", "d", "e", "f"}
		if n := readCopies(t.Context(), rec, nodes, keys); n != 0 {
			t.Errorf("%d reads got no answer", n)
		}
		seen := make(map[string]int)
		for _, op := range closeRecorder(t, rec).Operations {
			seen[op.Node+op.Key]++
			if op.Final || op.Kind != history.Get || op.Outcome != history.OK || op.Present != (op.Node == "n1" && op.Key == "a") {
				t.Errorf("got %+v", op)
			}
		}
		if len(seen) != len(nodes)*len(keys) {
			t.Errorf("got %v", seen)
		}
		for read, n := range seen {
			if n != 1 {
				t.Errorf("%s was read %d times", read, n)
			}
		}
	})
}

// failing is a store that answers the first reads of each key with 503.
func failing(s *store, times func(path string) int) http.HandlerFunc {
	var mu sync.Mutex
	asked := make(map[string]int)
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		n := asked[r.URL.Path]
		mu.Unlock()
		if n <= times(r.URL.Path) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.ServeHTTP(w, r)
	}
}

func TestAReadOfACopyIsTriedAgainAndThenCountsAsUnanswered(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 30 {
		keys = append(keys, fmt.Sprintf("k%d", i))
	}
	tests := []struct {
		name       string
		failures   func(path string) int
		unanswered int
		reads      int
	}{
		{"none fails", func(string) int { return 0 }, 0, 30},
		{"the first tries fail", func(string) int { return copyTries - 1 }, 0, 30 * copyTries},
		{"one key always fails", func(path string) int {
			if path == "/kv/k7" {
				return copyTries
			}
			return 0
		}, 1, 29 + copyTries},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			node := serve(t, failing(newStore(), tt.failures))
			rec := history.NewRecorder(history.Header{}, nil)
			if n := readCopies(t.Context(), rec, []Node{node}, keys); n != tt.unanswered {
				t.Errorf("%d reads got no answer, want %d", n, tt.unanswered)
			}
			h := closeRecorder(t, rec)
			if len(h.Operations) != tt.reads {
				t.Errorf("%d reads were sent, want %d", len(h.Operations), tt.reads)
			}
		})
	}
}

func TestANodeThatHangsIsGivenUpAndOthersAreNot(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("k%d", i))
	}
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	fine := serve(t, newStore().ServeHTTP)
	fine.ID = "n2"
	rec := history.NewRecorder(history.Header{}, nil)
	if n := readCopies(t.Context(), rec, []Node{broken, fine}, keys); n != len(keys) {
		t.Errorf("%d reads got no answer, want %d", n, len(keys))
	}
	asked := make(map[string]int)
	for _, op := range closeRecorder(t, rec).Operations {
		asked[op.Node]++
	}
	// Each reader may have begun one more key when the last one was missed.
	if most := copyTries * (copyGiveUp + copyReaders); asked["n1"] > most || asked["n2"] != len(keys) {
		t.Errorf("the broken node was asked %d times, want at most %d; the other one %d times, want %d", asked["n1"], most, asked["n2"], len(keys))
	}
}

func TestCancelledReadsOfCopiesEndAndCountAsUnanswered(t *testing.T) {
	leavesNothing(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		defer hanging.Close()
		rec := history.NewRecorder(history.Header{}, nil)
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
		if n := readCopies(ctx, rec, []Node{{"n1", hanging.URL}}, keys); n != len(keys) {
			t.Errorf("%d reads got no answer, want %d", n, len(keys))
		}
		for _, op := range closeRecorder(t, rec).Operations {
			if op.Outcome != history.Unknown {
				t.Errorf("got %+v", op)
			}
		}
	})
}
