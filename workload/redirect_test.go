package workload

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// redirecting answers every request with a status and this Location.
func redirecting(t *testing.T, status int, location func(path string) string) Node {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l := location(r.URL.Path); l != "" {
			w.Header().Set("Location", l)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return Node{ID: "n2", URL: server.URL}
}

// via knows the addresses that lead to these nodes.
func via(nodes map[string]Node) Route {
	return func(address string) (Node, bool) {
		n, ok := nodes[address]
		return n, ok
	}
}

func TestARedirectIsFollowedToTheNodeThatTheAddressLeadsTo(t *testing.T) {
	store := newStore()
	leader := serve(t, store.ServeHTTP)
	// n2 reaches the leader at an address that only n2 knows.
	follower := redirecting(t, http.StatusTemporaryRedirect, func(path string) string { return "http://127.0.0.1:1" + path })
	second := redirecting(t, http.StatusTemporaryRedirect, func(path string) string { return "http://127.0.0.1:2" + path })
	c := NewClient(time.Minute, via(map[string]Node{"127.0.0.1:1": leader, "127.0.0.1:2": follower}))
	defer c.Close()
	for _, node := range []Node{leader, follower, second} {
		for _, kind := range []history.Kind{history.Put, history.Get, history.Delete} {
			op := do(t, c, node, kind)
			if op.Outcome != history.OK || op.Node != node.ID {
				t.Errorf("%s through %s: got %+v", kind, node.ID, op)
			}
			if kind == history.Get && op.Value != "c1-1" {
				t.Errorf("read %q: the body was lost on the way", op.Value)
			}
		}
	}
}

func TestARedirectThatLeadsNowhereIsExplained(t *testing.T) {
	loop := map[string]Node{}
	tests := []struct {
		name, location, said string
	}{
		{"another host", "http://192.0.2.1:80/kv/k1", "which is no node of the cluster"},
		{"a port of nobody", "http://127.0.0.1:3/kv/k1", "which is no node of the cluster"},
		{"no Location", "", "without a Location"},
		{"another protocol", "https://127.0.0.1:1/kv/k1", "no address of the form"},
		{"a path only", "/kv/k1", "no address of the form"},
		{"an ID", "n1", "no address of the form"},
		{"to itself", "http://127.0.0.1:1/kv/k1", "redirects in a row"},
		{"a very long one", "http://" + strings.Repeat("a", 500), "a…\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			node := redirecting(t, http.StatusTemporaryRedirect, func(string) string { return tt.location })
			loop["127.0.0.1:1"] = node
			c := NewClient(time.Minute, via(loop))
			defer c.Close()
			op := do(t, c, node, history.Put)
			if op.Outcome != history.Unknown || !strings.Contains(op.Error, tt.said) || !strings.Contains(op.Error, "n2 redirected to") {
				t.Errorf("got %s %q, want %q", op.Outcome, op.Error, tt.said)
			}
		})
	}
}

func TestOtherRedirectsAreNotFollowed(t *testing.T) {
	leader := serve(t, newStore().ServeHTTP)
	for _, status := range []int{301, 302, 303, 308} {
		node := redirecting(t, status, func(path string) string { return "http://127.0.0.1:1" + path })
		c := NewClient(time.Minute, via(map[string]Node{"127.0.0.1:1": leader}))
		if op := do(t, c, node, history.Put); op.Outcome != history.Unknown || op.Status != status {
			t.Errorf("%d: got %+v", status, op)
		}
		c.Close()
	}
}

func TestARedirectToADeadLeaderIsARefusalAndToASilentOneIsUnknown(t *testing.T) {
	dead := serve(t, newStore().ServeHTTP)
	gone := httptest.NewServer(nil)
	dead.URL = gone.URL
	gone.Close()
	node := redirecting(t, http.StatusTemporaryRedirect, func(path string) string { return "http://127.0.0.1:1" + path })
	c := NewClient(time.Minute, via(map[string]Node{"127.0.0.1:1": dead}))
	defer c.Close()
	if op := do(t, c, node, history.Put); op.Outcome != history.Failed {
		t.Errorf("got %+v: nobody did it", op)
	}
	hanging := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then a server notices that the client has gone
		<-r.Context().Done()
	})
	hanging.ID = "n1"
	impatient := NewClient(50*time.Millisecond, via(map[string]Node{"127.0.0.1:1": hanging}))
	defer impatient.Close()
	if op := do(t, impatient, node, history.Put); op.Outcome != history.Unknown || op.Error != "redirected to n1: no answer within 50ms" {
		t.Errorf("got %+v: it does not tell who did not answer", op)
	}
}

func TestKeysThatAreWrittenOnce(t *testing.T) {
	mix := Mix{Gets: 50, Puts: 40, Deletes: 10, HotKeys: 3, KeyLife: 100, OnceKeys: 50}
	written := make(map[string]int)
	var reads, hits, puts, once int
	for client := range 4 {
		g, again := NewGenerator(mix, 7, client), NewGenerator(mix, 7, client)
		for range 1000 {
			r := g.Next()
			if r != again.Next() {
				t.Fatal("the same seed gives other operations")
			}
			special := strings.HasPrefix(r.Key, "once")
			switch {
			case r.Kind == history.Put:
				puts++
				if special {
					written[r.Key]++
					once++
				}
			case r.Kind == history.Delete && special:
				t.Errorf("%s is deleted", r.Key)
			case special:
				reads++
				if written[r.Key] > 0 {
					hits++
				}
			}
		}
	}
	for key, n := range written {
		if n != 1 {
			t.Errorf("%s was written %d times", key, n)
		}
	}
	if once < puts/3 || once > puts*2/3 {
		t.Errorf("%d of %d puts were on keys of their own", once, puts)
	}
	// All other clients are as far, so nearly every such read finds its key.
	if reads < 500 || hits < reads/2 {
		t.Errorf("%d of %d reads of such keys came after their write", hits, reads)
	}
}
