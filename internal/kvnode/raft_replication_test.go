package kvnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// answering serves one connection after the other: it reads a request's head, and sends the answer.
func answering(t *testing.T, answer string, hang bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				_, _ = io.WriteString(conn, answer)
				if hang {
					<-done
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		close(done)
		serving.Wait()
	})
	return listener.Addr().String()
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + consensusProtocol + "\r\n\r\n"

func TestAStreamIsOpenedOrTheReasonIsTold(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		hang         bool
		says         string // "" if the stream is opened
	}{
		{"the right answer", switching, false, ""},
		{"the right answer, and a node that waits", switching, true, ""},
		{"a node that does not know the protocol", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, "404 Not Found"},
		{"another node", "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n", true, "421"},
		{"a page", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true, "200 OK"},
		{"another protocol", strings.Replace(switching, consensusProtocol, "websocket", 1), true, `"websocket"`},
		{"no HTTP", "SSH-2.0\r\n", true, "malformed HTTP"},
		{"nothing", "", false, "EOF"},
		{"half of the answer", switching[:30], false, "EOF"},
		{"a link that hangs", "", true, "deadline"},
		{"a link that hangs in the middle of the answer", switching[:30], true, "deadline"},
		{"a link that hangs just before the end of the answer", switching[:len(switching)-1], true, "deadline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limit := patience
			if c.says == "deadline" {
				limit = 50 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			conn, err := dialConsensus(map[string]string{"n2": answering(t, c.answer, c.hang)})(ctx, "n2")
			switch {
			case c.says != "" && err == nil:
				t.Error("it is opened")
			case c.says != "" && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "n2")):
				t.Errorf("error %q does not say %q", err, c.says)
			case c.says == "" && err != nil:
				t.Error(err)
			}
			if conn != nil {
				_ = conn.Close()
			}
		})
	}
}

func TestADialThatEndsSaysWhy(t *testing.T) {
	refusing := answering(t, switching, true)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("this node ends")
	cancel(why)
	dial := dialConsensus(map[string]string{"n2": refusing})
	if _, err := dial(ctx, "n2"); err == nil || !strings.Contains(err.Error(), "n2") {
		t.Errorf("a dial that is given up: %v", err)
	}
	if _, err := dial(t.Context(), "n3"); err == nil || !strings.Contains(err.Error(), `"n3"`) {
		t.Errorf("a node that is not known: %v", err)
	}
	left, right := net.Pipe()
	defer right.Close()
	if _, err := upgrade(ctx, left, "n2"); !errors.Is(err, why) {
		t.Errorf("an upgrade that is given up: %v", err)
	}
}

func TestADialledStreamHasNoLimitOfTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := dialConsensus(map[string]string{"n2": answering(t, switching, true)})(ctx, "n2")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel() // bounds the dial only
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Errorf("after its dial a stream is broken: %v", err)
	}
}

func TestWhatComesRightBehindTheAnswerIsReadFirst(t *testing.T) {
	behind := strings.Repeat("0123456789", 1000) // more than a buffer
	conn, err := dialConsensus(map[string]string{"n2": answering(t, switching+behind, false)})(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != behind {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(behind))
	}
}

// raftNode serves the streams of a node, n1, that needs n2 to be a majority.
func raftNode(t *testing.T) (*httptest.Server, *raftStore) {
	t.Helper()
	s, err := openRaftStore(t.Context(), t.TempDir(), noBug, clusterConfig{id: "n1", members: []member{{id: "n2", address: "127.0.0.1:1"}}}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(raftReplication{s})
	t.Cleanup(func() {
		server.Close()
		mustClose(t, s)
	})
	return server, s
}

func TestOnlyStreamsForThisNodeAreAccepted(t *testing.T) {
	server, _ := raftNode(t)
	for _, c := range []struct {
		path, upgrade, called string
		status                int
	}{
		{consensusPath, consensusProtocol, "n1", 101},
		{consensusPath, consensusProtocol, "n2", 421},
		{consensusPath, consensusProtocol, "", 421},
		{consensusPath, "websocket", "n1", 404},
		{consensusPath, "", "n1", 404},
		{logPath, consensusProtocol, "n1", 404},
	} {
		request, err := http.NewRequest("GET", server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", c.upgrade)
		request.Header.Set(calledHeader, c.called)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.status {
			t.Errorf("%s, upgrade %q for %q: %d, want %d", c.path, c.upgrade, c.called, response.StatusCode, c.status)
		}
	}
}

// A peer may send its first words together with its request.
func TestWhatComesRightBehindTheRequestIsReadFirst(t *testing.T) {
	heard := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		got, err := io.ReadAll(ahead{conn, buffered.Reader})
		if err != nil {
			t.Error(err)
		}
		heard <- string(got)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	behind := strings.Repeat("0123456789", 1000)
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: n1\r\n\r\n%s", behind)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != behind {
		t.Errorf("heard %d bytes, want %d", len(got), len(behind))
	}
}

// A server that shuts down does not wait for streams; they end with the store.
func TestStreamsEndWithTheStore(t *testing.T) {
	server, s := raftNode(t)
	dial := dialConsensus(map[string]string{"n1": server.Listener.Addr().String()})
	var streams []net.Conn
	for range 3 {
		conn, err := dial(t.Context(), "n1")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		streams = append(streams, conn)
	}
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	mustClose(t, s)
	for _, conn := range streams {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a stream is still open")
		}
	}
}
