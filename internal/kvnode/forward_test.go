package kvnode

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dyingServer answers the first request of each connection, takes the second, and closes the connection.
func dyingServer(t *testing.T) (address string, received *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received = &atomic.Int64{}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				requests := bufio.NewReader(conn)
				for i := range 2 {
					request, err := http.ReadRequest(requests)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, request.Body); err != nil {
						return
					}
					received.Add(1)
					if i == 0 {
						_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return listener.Addr().String(), received
}

func TestAWriteThatMayHaveArrivedIsNotSentAgain(t *testing.T) {
	for _, r := range []peerRequest{
		{method: "PUT", url: keyURL("k"), body: "v", limit: patience},
		{method: "DELETE", url: keyURL("k"), limit: patience},
	} {
		t.Run(r.method, func(t *testing.T) {
			address, received := dyingServer(t)
			client := newPeerClient(address, 1)
			defer client.close()
			if _, err := client.do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			_, err := client.do(t.Context(), r) // on the connection of the first
			if err == nil || unreached(err) {
				t.Errorf("a request whose connection broke returned %v", err)
			}
			if n := received.Load(); n != 2 {
				t.Errorf("the server received %d requests, want 2", n)
			}
			if _, err := client.do(t.Context(), r); err != nil {
				t.Errorf("the next request does not use a new connection: %v", err)
			}
		})
	}
}

func TestARequestThatGetsNoAnswerEndsInTimeAndTheNextUsesANewConnection(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-hang
		}
		_, _ = w.Write([]byte(r.RemoteAddr))
	}))
	defer server.Close()
	defer close(hang)
	client := newPeerClient(server.Listener.Addr().String(), 1)
	defer client.close()
	request := peerRequest{method: "GET", url: url.URL{Path: "/"}, limit: patience}
	first, err := client.do(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.do(t.Context(), peerRequest{method: "GET", url: url.URL{Path: "/hang"}, limit: time.Millisecond}); !errors.Is(err, errLate) {
		t.Errorf("a request without an answer returned %v", err)
	}
	second, err := client.do(t.Context(), request)
	if err != nil || string(first.body) == string(second.body) {
		t.Errorf("from %s, then from %s, %v; want another connection", first.body, second.body, err)
	}
}

func TestALongAnswerMayTakeLongerThanTheLimitAsLongAsItMoves(t *testing.T) {
	t.Parallel()
	const pieces, limit = 6, time.Second
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range pieces {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			<-time.After(limit / 4)
		}
	}))
	defer server.Close()
	client := newPeerClient(server.Listener.Addr().String(), 1)
	defer client.close()
	request := peerRequest{method: "GET", limit: limit, stalls: true}
	if got, err := client.do(t.Context(), request); err != nil || len(got.body) != pieces {
		t.Errorf("with a limit for each piece: %d pieces, %v", len(got.body), err)
	}
	request.stalls = false
	if _, err := client.do(t.Context(), request); !errors.Is(err, errLate) {
		t.Errorf("with a limit for all of it: %v", err)
	}
}

// followerOf returns a follower, n2, of a leader at an address.
func followerOf(t *testing.T, leader string) serveTest {
	t.Helper()
	e, err := openEngine(t.TempDir(), noBug, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	cfg := clusterConfig{id: "n2", members: []member{{id: "n1", address: leader}}, reads: readsLeader, forward: forwardPass}
	c, err := startCluster(cfg, t.TempDir(), e, &handler{store: e}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		c.close()
		mustClose(t, e)
	})
	return serveTest{t: t, server: server}
}

func TestAFollowerPassesTheLeadersAnswerOnUnchanged(t *testing.T) {
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(passedOnHeader) != "n2" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		http.Error(w, r.Method+" "+r.URL.EscapedPath(), http.StatusInsufficientStorage)
	}))
	defer leader.Close()
	s := followerOf(t, leader.Listener.Addr().String())
	for _, path := range []string{"/kv/k", "/kv/..", "/kv/a%2Fb%25"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			status, answer := s.do(method, path, "v")
			want, _ := url.PathUnescape(path)
			want = method + " " + (&url.URL{Path: want}).EscapedPath()
			if status != http.StatusInsufficientStorage || answer != want {
				t.Errorf("%s %s: %d %q, want %q", method, path, status, answer, want)
			}
		}
	}
}

func TestAFollowerPromisesNothingWhenTheLeaderDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // its kernel accepts, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	for _, c := range []struct {
		leader string
		status int
	}{{silent.Addr().String(), 504}, {refused.Addr().String(), 503}} {
		s := followerOf(t, c.leader)
		if status, answer := s.do("PUT", "/kv/k", "v"); status != c.status {
			t.Errorf("PUT: %d %q, want %d", status, answer, c.status)
		}
	}
}

func TestARequestThatWasPassedOnIsNotPassedOnAgain(t *testing.T) {
	s := followerOf(t, "127.0.0.1:1")
	request, err := http.NewRequest("PUT", s.server.URL+"/kv/k", strings.NewReader("v"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(passedOnHeader, "n3")
	response, err := s.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestAShutdownClosesUnusedConnectionsAndLeavesRequestsAlone(t *testing.T) {
	unused := newUnusedConnections()
	idle, idlePeer := net.Pipe()
	used, usedPeer := net.Pipe()
	defer usedPeer.Close()
	for _, conn := range []net.Conn{idle, used} {
		unused.connState(conn, http.StateNew)
	}
	unused.connState(used, http.StateActive)
	done := make(chan struct{})
	var closing sync.WaitGroup
	closing.Go(func() { unused.closeUntil(done) })
	if _, err := idlePeer.Read(make([]byte, 1)); err == nil {
		t.Error("an unused connection is not closed")
	}
	close(done)
	closing.Wait()
	go func() { _, _ = usedPeer.Read(make([]byte, 1)) }()
	if _, err := used.Write([]byte("x")); err != nil {
		t.Errorf("a connection with a request is closed: %v", err)
	}
}
