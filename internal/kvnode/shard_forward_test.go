package kvnode

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// groupPeer is a node of another group that handles requests this way, and counts them.
func groupPeer(t *testing.T, id string, handle http.HandlerFunc) (p *peer, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err == nil { // or it would not notice when the client is gone
			handle(w, r)
		}
	}))
	p = &peer{member: member{id: id, shard: "s2"}, requests: newPeerClient(server.Listener.Addr().String(), 1)}
	p.liveness.pinged(true)
	t.Cleanup(func() {
		p.requests.close()
		server.Close()
	})
	return p, asked
}

func TestAnotherNodeIsAskedOnlyIfTheFirstCannotHaveDoneIt(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		first http.HandlerFunc // nil for nobody there
		again bool
		want  int
	}{
		"nobody is there":        {nil, true, 200},
		"it has done nothing":    {func(w http.ResponseWriter, _ *http.Request) { refuse(w, "no leader") }, true, 200},
		"it does not know":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, false, 503},
		"it has found nothing":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, false, 404},
		"it is silent":           {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, 504},
		"it breaks the line":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, 504},
		"it has done what it is": {func(http.ResponseWriter, *http.Request) {}, false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, _ := groupPeer(t, "n4", c.first)
			if c.first == nil {
				first.requests = newPeerClient(closed.Addr().String(), 1)
			}
			second, asked := groupPeer(t, "n5", func(http.ResponseWriter, *http.Request) {})
			s := &shards{cluster: &cluster{}}
			began := time.Now()
			got := s.ask(t.Context(), "s2", []*peer{first, second}, peerRequest{method: "PUT", url: keyURL("k"), body: "v"})
			if got.status != c.want {
				t.Errorf("status %d, want %d", got.status, c.want)
			}
			if again := asked.Load() > 0; again != c.again {
				t.Errorf("the second node is asked: %t, want %t", again, c.again)
			}
			if got.header.Get(nothingDoneHeader) != "" {
				t.Error("it says that nothing is done")
			}
			t.Logf("it took %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

func TestWhatNoNodeHasTakenIsNotDone(t *testing.T) {
	t.Parallel()
	refuses := func(w http.ResponseWriter, _ *http.Request) { refuse(w, "no leader") }
	first, _ := groupPeer(t, "n4", refuses)
	second, _ := groupPeer(t, "n5", refuses)
	s := &shards{cluster: &cluster{}}
	got := s.ask(t.Context(), "s2", []*peer{first, second}, peerRequest{method: "PUT", url: keyURL("k"), body: "v"})
	if got.status != http.StatusServiceUnavailable || got.header.Get(nothingDoneHeader) == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestTheBestNodeIsAskedFirst(t *testing.T) {
	peers := make(map[string]*peer)
	for id, shard := range map[string]string{"n1": "s1", "n4": "s2", "n5": "s2", "n6": "s2"} {
		peers[id] = &peer{member: member{id: id, shard: shard}}
	}
	s := &shards{cluster: &cluster{peers: peers}}
	hears := func(id, leader, term string) {
		peers[id].liveness.hear(http.Header{leaderHeader: {leader}, termHeader: {term}})
		peers[id].liveness.pinged(true)
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"nothing is known", func() {}, "n4 n5 n6"},
		{"n6 answers", func() { peers["n6"].liveness.pinged(true) }, "n6 n4 n5"},
		{"all answer and name n5", func() { hears("n4", "n5", "3"); hears("n5", "n5", "3"); hears("n6", "n5", "3") }, "n5 n4 n6"},
		{"n5 fails", func() { peers["n5"].liveness.failed() }, "n4 n6 n5"},
		{"n6 leads", func() { hears("n6", "n6", "4") }, "n6 n4 n5"},
		{"n4 has not heard of it", func() { hears("n4", "n5", "3") }, "n6 n4 n5"},
		{"n4 knows no leader", func() { hears("n4", "", "5") }, "n6 n4 n5"},
		{"n5 answers", func() { peers["n5"].liveness.pinged(true) }, "n6 n4 n5"},
		{"n5 leads", func() { hears("n5", "n5", "5") }, "n5 n4 n6"},
	} {
		step.do()
		got := ""
		for _, p := range s.nodes("s2") {
			got += " " + p.id
		}
		if got != " "+step.want {
			t.Errorf("%s: the order is%s, want %s", step.name, got, step.want)
		}
	}
}
