package workload

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// patience bounds the wait for a condition. A test that passes never waits so long.
const patience = time.Minute

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// serve runs a node that handles requests in HTTP.
func serve(t *testing.T, handler http.HandlerFunc) Node {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return Node{ID: "n1", URL: s.URL}
}

// speak runs a node that treats each connection as it likes, and closes it then.
func speak(t *testing.T, conversation func(conn *net.TCPConn, r *bufio.Reader)) Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				conversation(conn.(*net.TCPConn), bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return Node{ID: "n1", URL: "http://" + l.Addr().String()}
}

// hear reads a whole request.
func hear(r *bufio.Reader) (*http.Request, bool) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return req, err == nil
}

// saying answers the first request with these bytes and closes the connection.
func saying(parts ...string) func(*net.TCPConn, *bufio.Reader) {
	return func(conn *net.TCPConn, r *bufio.Reader) {
		if _, ok := hear(r); ok {
			fmt.Fprint(conn, strings.Join(parts, ""))
		}
	}
}

func newClient(t *testing.T, timeout time.Duration) *Client {
	t.Helper()
	c := NewClient(timeout, nil)
	t.Cleanup(c.Close)
	return c
}

func do(t *testing.T, c *Client, node Node, kind history.Kind) history.Operation {
	t.Helper()
	op := history.Operation{Kind: kind, Key: "k1"}
	if kind == history.Put {
		op.Value = "c1-1"
	}
	c.Do(t.Context(), node, &op)
	if op.Node != node.ID {
		t.Errorf("the operation went to %q", op.Node)
	}
	if (op.Outcome == history.OK) != (op.Error == "") {
		t.Errorf("outcome %s with error %q", op.Outcome, op.Error)
	}
	return op
}

func TestTheStatusDecidesTheOutcome(t *testing.T) {
	t.Parallel()
	const ok, failed, unknown = history.OK, history.Failed, history.Unknown
	tests := []struct {
		status           int
		get, put, delete history.Outcome
	}{
		{200, ok, ok, ok},
		{201, ok, ok, ok},
		{204, ok, ok, ok},
		{299, ok, ok, ok},
		{300, unknown, unknown, unknown},
		{302, unknown, unknown, unknown},
		{304, unknown, unknown, unknown},
		{307, unknown, unknown, unknown},
		{400, failed, failed, failed},
		{404, ok, failed, failed},
		{405, failed, failed, failed},
		{408, unknown, unknown, unknown},
		{409, failed, failed, failed},
		{429, failed, failed, failed},
		{499, failed, failed, failed},
		{500, unknown, unknown, unknown},
		{503, unknown, unknown, unknown},
		{599, unknown, unknown, unknown},
		{999, unknown, unknown, unknown},
	}
	client := newClient(t, patience)
	for _, tt := range tests {
		node := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(tt.status) })
		for kind, want := range map[history.Kind]history.Outcome{history.Get: tt.get, history.Put: tt.put, history.Delete: tt.delete} {
			op := do(t, client, node, kind)
			if op.Outcome != want || op.Status != tt.status {
				t.Errorf("%s answered %d: got %s with status %d, want %s", kind, tt.status, op.Outcome, op.Status, want)
			}
			if found := kind == history.Get && tt.status < 300; op.Present != found {
				t.Errorf("%s answered %d: present is %v", kind, tt.status, op.Present)
			}
		}
	}
}

func TestWhatIsSentIsTheOperation(t *testing.T) {
	t.Parallel()
	var method, path, body string
	node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		method, path, body = r.Method, r.URL.Path, string(b)
		if r.Method != http.MethodPut && r.ContentLength > 0 {
			t.Error("it has a body")
		}
	})
	client := newClient(t, patience)
	for _, tt := range []struct {
		op           history.Operation
		method, body string
	}{
		{history.Operation{Kind: history.Get, Key: "k1.2"}, "GET", ""},
		{history.Operation{Kind: history.Delete, Key: "a:b_c.d-e"}, "DELETE", ""},
		{history.Operation{Kind: history.Put, Key: "k", Value: "a\n\"b\"\n"}, "PUT", "a\n\"b\"\n"},
		{history.Operation{Kind: history.Put, Key: "k/../x?y#z%41", Value: "c1-1~4000"}, "PUT", string(Body("c1-1~4000"))},
	} {
		client.Do(t.Context(), node, &tt.op)
		if method != tt.method || path != "/kv/"+tt.op.Key || body != tt.body {
			t.Errorf("%+v: got %s %s %.40q", tt.op, method, path, body)
		}
	}
}

func TestAGetIsComparedByteForByte(t *testing.T) {
	t.Parallel()
	large := Body("c3-1~200000")
	tests := []struct {
		name, body, value string
		defective         bool
	}{
		{"a small value", "c3-1", "c3-1", false},
		{"one that ends with a line break", "c3-1\n", "c3-1\n", false},
		{"an empty body", "", "", false},
		{"a large value", string(large), "c3-1~200000", false},
		{"a large value cut short by the node", string(large[:100_000]), "", true},
		{"a large value with a line break", string(large) + "\n", "", true},
	}
	client := newClient(t, patience)
	for _, tt := range tests {
		node := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(tt.body)))
			io.WriteString(w, tt.body)
		})
		op := do(t, client, node, history.Get)
		if op.Outcome != history.OK || !op.Present || (op.Defect != "") != tt.defective || !tt.defective && op.Value != tt.value {
			t.Errorf("%s: got %+v", tt.name, op)
		}
	}
}

// Each way in which a conversation breaks, beside one that is whole.
func TestABrokenConversationIsUnknownAndAWholeOneCounts(t *testing.T) {
	t.Parallel()
	large := string(Body("c3-1~300000"))
	reset := func(before string) func(*net.TCPConn, *bufio.Reader) {
		return func(conn *net.TCPConn, r *bufio.Reader) {
			if _, ok := hear(r); ok {
				fmt.Fprint(conn, before)
				conn.SetLinger(0) // Close sends a reset
			}
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nc3-1\r\n"
	const noLength = "HTTP/1.0 200 OK\r\n\r\n"
	const ok, unknown = history.OK, history.Unknown
	tests := []struct {
		name     string
		node     func(*net.TCPConn, *bufio.Reader)
		get, put history.Outcome
	}{
		{"a whole answer", saying(head, "c3-1"), ok, ok},
		{"closed half-way through the body", saying(head, "c3"), unknown, unknown},
		{"closed before the body", saying(head), unknown, unknown},
		{"reset half-way through the body", reset(head + "c3"), unknown, unknown},
		{"closed half-way through the headers", saying("HTTP/1.1 200 OK\r\nContent-Le"), unknown, unknown},
		{"closed without an answer", saying(""), unknown, unknown},
		{"reset after the request", reset(""), unknown, unknown},
		{"whole chunks", saying(chunks, "0\r\n\r\n"), ok, ok},
		{"closed before the last chunk", saying(chunks), unknown, unknown},
		{"closed within a chunk", saying(chunks, "9\r\nxy"), unknown, unknown},
		{"a large answer", saying("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", large), ok, ok},
		{"half a large answer", saying("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", large[:150000]), unknown, unknown},
		// Without a length, the end of a value may be the end of the node.
		{"no length, a small value", saying(noLength, "c3-1"), ok, ok},
		{"no length, a large value", saying(noLength, large), ok, ok},
		{"no length, half a large value", saying(noLength, large[:150000]), unknown, ok},
		{"no length, and nothing", saying(noLength), unknown, ok},
		{"an answer of the greatest length", saying(noLength, strings.Repeat("x", MaxBody)), ok, ok},
		{"a longer one", saying(noLength, strings.Repeat("x", MaxBody+1)), unknown, unknown},
		{"an intermediate answer", saying("HTTP/1.1 103 Early Hints\r\n\r\n", head, "c3-1"), ok, ok},
		{"only an intermediate one", saying("HTTP/1.1 103 Early Hints\r\n\r\n"), unknown, unknown},
		{"another protocol", saying("220 mail.example ESMTP\r\n"), unknown, unknown},
		{"zeros", saying(strings.Repeat("\x00", 1000)), unknown, unknown},
		{"a status that is no number", saying("HTTP/1.1 abc OK\r\n\r\n"), unknown, unknown},
		{"endless headers", saying("HTTP/1.1 200 OK\r\n", strings.Repeat("x: y\r\n", 20_000)), unknown, unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			node := speak(t, tt.node)
			for kind, want := range map[history.Kind]history.Outcome{history.Get: tt.get, history.Put: tt.put, history.Delete: tt.put} {
				// A client of its own, because the node closes kept-alive connections.
				op := do(t, newClient(t, patience), node, kind)
				if op.Outcome != want {
					t.Errorf("%s: got %s (%s), want %s", kind, op.Outcome, op.Error, want)
				}
				if op.Outcome == unknown && (op.Present || op.Value != "" && kind != history.Put || op.Defect != "") {
					t.Errorf("%s: unknown, and yet %+v", kind, op)
				}
				if len(op.Error) > 250 {
					t.Errorf("%s: the error is %d bytes long", kind, len(op.Error))
				}
			}
		})
	}
}

func TestDefectsShowAlsoInAnswersWithoutALength(t *testing.T) {
	t.Parallel()
	large := Body("c3-1~300000")
	mixed := append(bytes.Clone(large[:150000]), Body("c3-2~300000")[150000:]...)
	op := do(t, newClient(t, patience), speak(t, saying("HTTP/1.0 200 OK\r\n\r\n", string(mixed))), history.Get)
	if op.Outcome != history.OK || op.Defect == "" {
		t.Errorf("got %+v", op)
	}
}

func TestNoAnswerInTimeIsUnknown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing": "", "only headers": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "half the body": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nc3",
	} {
		node := speak(t, func(conn *net.TCPConn, r *bufio.Reader) {
			if _, ok := hear(r); ok {
				fmt.Fprint(conn, answer)
				hear(r) // ends when the client gives up
			}
		})
		for _, kind := range []history.Kind{history.Get, history.Put, history.Delete} {
			if op := do(t, newClient(t, 50*time.Millisecond), node, kind); op.Outcome != history.Unknown {
				t.Errorf("%s: %s is %s", name, kind, op.Outcome)
			}
		}
	}
	// Its twin: an answer that takes a while, within the time.
	node := speak(t, func(conn *net.TCPConn, r *bufio.Reader) {
		if _, ok := hear(r); ok {
			time.Sleep(20 * time.Millisecond)
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	if op := do(t, newClient(t, patience), node, history.Put); op.Outcome != history.OK {
		t.Errorf("a late answer: %+v", op)
	}
}

func TestARefusedConnectionFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	node := Node{ID: "n1", URL: "http://" + l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, patience)
	for _, kind := range []history.Kind{history.Get, history.Put, history.Delete} {
		op := do(t, client, node, kind)
		if op.Outcome != history.Failed || op.Error != "connection refused" || op.Status != 0 {
			t.Errorf("%s: got %+v", kind, op)
		}
	}
}

func TestACancelledOperationIsUnknown(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	node := speak(t, func(_ *net.TCPConn, r *bufio.Reader) {
		hear(r)
		arrived <- struct{}{}
		hear(r) // ends when the client gives up
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	op := history.Operation{Kind: history.Put, Key: "k", Value: "v"}
	newClient(t, patience).Do(ctx, node, &op)
	if op.Outcome != history.Unknown || op.Error == "" {
		t.Errorf("got %+v", op)
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, location := range map[string]string{"another node": other.URL + "/kv/k1", "nowhere": "", "nonsense": "http://%zz"} {
			node := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if location != "" {
					w.Header().Set("Location", location)
				}
				w.WriteHeader(status)
			})
			client := newClient(t, patience)
			for _, kind := range []history.Kind{history.Get, history.Put, history.Delete} {
				if op := do(t, client, node, kind); op.Outcome != history.Unknown {
					t.Errorf("%d to %s: %s is %s", status, name, kind, op.Outcome)
				}
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// A node may close an idle connection at any time, also while the next request
// is on its way. Whatever comes of it, the outcome has to be true.
func TestAConnectionClosedBetweenRequestsNeverMakesAWrongOutcome(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	closings := map[string]func(conn *net.TCPConn, r *bufio.Reader){
		"at once": func(*net.TCPConn, *bufio.Reader) {},
		"by a reset": func(conn *net.TCPConn, _ *bufio.Reader) {
			conn.SetLinger(0)
		},
		"when the next request begins to arrive": func(_ *net.TCPConn, r *bufio.Reader) {
			r.Peek(1)
		},
	}
	for name, closing := range closings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var done, failed, unanswered atomic.Int64
			node := speak(t, func(conn *net.TCPConn, r *bufio.Reader) {
				if _, ok := hear(r); ok {
					done.Add(1) // an answered request has been done
					fmt.Fprint(conn, answer)
				}
				closing(conn, r)
			})
			client := newClient(t, patience)
			acked := int64(0)
			for range 200 {
				switch op := do(t, client, node, history.Put); op.Outcome {
				case history.OK:
					acked++
				case history.Failed:
					failed.Add(1)
				default:
					unanswered.Add(1)
				}
			}
			if failed.Load() > 0 {
				t.Errorf("%d writes count as failed", failed.Load())
			}
			if acked == 0 || done.Load() < acked || done.Load() > acked+unanswered.Load() {
				t.Errorf("%d writes done, %d acknowledged, %d unknown", done.Load(), acked, unanswered.Load())
			}
		})
	}
}

func TestAWriteIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range []history.Kind{history.Put, history.Delete} {
		var second atomic.Int64
		node := speak(t, func(conn *net.TCPConn, r *bufio.Reader) {
			req, ok := hear(r)
			for ok && req.Method == http.MethodGet { // keeps the connection alive
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nc1-1")
				req, ok = hear(r)
			}
			if ok {
				second.Add(1) // done, and never answered
			}
		})
		client := newClient(t, patience)
		if op := do(t, client, node, history.Get); op.Outcome != history.OK {
			t.Fatalf("got %+v", op)
		}
		if op := do(t, client, node, kind); op.Outcome != history.Unknown {
			t.Errorf("%s: got %+v", kind, op)
		}
		if n := second.Load(); n != 1 {
			t.Errorf("the %s arrived %d times", kind, n)
		}
	}
}

func TestConnectionsAreKeptAlive(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	client := newClient(t, patience)
	for i := range 60 {
		if op := do(t, client, Node{ID: "n1", URL: s.URL}, history.Kind(i%3)); op.Outcome != history.OK {
			t.Fatalf("got %+v", op)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections were used", n)
	}
}

// Not in parallel: it changes the environment.
func TestTheEnvironmentsProxyIsIgnored(t *testing.T) {
	var asked atomic.Int64
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	})
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	node := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	// net/http never uses a proxy for 127.0.0.1, but would for this address.
	node.URL = strings.Replace(node.URL, "127.0.0.1", "0.0.0.0", 1)
	if op := do(t, newClient(t, patience), node, history.Put); op.Outcome != history.OK {
		t.Errorf("got %+v", op)
	}
	if asked.Load() != 0 {
		t.Error("the proxy was asked")
	}
}
