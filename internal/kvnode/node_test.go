package kvnode

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// nodeProcess is a node in a process of its own.
type nodeProcess struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	log     []string // until the line that says it is listening
	more    *bufio.Scanner
}

// startNode starts a node and waits until it listens. It is killed when the test ends, at the latest.
func startNode(t *testing.T, dir string, b bug, args ...string) *nodeProcess {
	t.Helper()
	n, ok := tryNode(t, dir, b, args...)
	if !ok {
		t.Fatalf("the node does not listen: %q", n.log)
	}
	return n
}

// tryNode is startNode for one that may end instead; its log says why.
func tryNode(t *testing.T, dir string, b bug, args ...string) (n *nodeProcess, listens bool) {
	t.Helper()
	n = &nodeProcess{t: t, cmd: exec.Command(os.Args[0], append([]string{"--port", "0", "--working-dir", dir}, args...)...)}
	// The race detector would make every process sleep for a second when it exits.
	n.cmd.Env = append(os.Environ(), nodeVariable+"=1", BugVariable+"="+string(b), "GORACE=atexit_sleep_ms=0")
	stderr, err := n.cmd.StderrPipe()
	if err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n.cmd.ProcessState == nil {
			n.end(os.Kill)
		}
	})
	n.more = bufio.NewScanner(stderr)
	for n.more.Scan() {
		n.log = append(n.log, n.more.Text())
		if _, address, ok := strings.Cut(n.more.Text(), "is listening on "); ok {
			n.address = address
			return n, true
		}
	}
	return n, false
}

// end sends a signal and returns the exit code once the process is gone; -1 if the signal killed it.
func (n *nodeProcess) end(signal os.Signal) int {
	n.t.Helper()
	if err := n.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Errorf("send %v: %v", signal, err)
	}
	for n.more.Scan() {
	}
	var exit *exec.ExitError
	if err := n.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		n.t.Errorf("wait for the node: %v", err)
	}
	return n.cmd.ProcessState.ExitCode()
}

// do sends a request and returns status and body.
func (n *nodeProcess) do(client *http.Client, method, path, body string) (int, string, error) {
	request, err := http.NewRequest(method, "http://"+n.address+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// waitUntilRefused returns when the node does not accept connections any more.
func (n *nodeProcess) waitUntilRefused() {
	for {
		conn, err := net.Dial("tcp", n.address)
		if err != nil {
			return
		}
		conn.Close()
	}
}

// halfPut sends a PUT of half and other half, SIGTERM in between, and tells whether it was answered 200.
func halfPut(t *testing.T, n *nodeProcess, key, half, otherHalf string) (answered bool) {
	t.Helper()
	request := beginPut(t, n, key, half, otherHalf)
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.waitUntilRefused()
	return request.finish()
}

// halfRequest is a PUT whose other half has not been sent yet.
type halfRequest struct {
	conn      net.Conn
	answers   *bufio.Reader
	otherHalf string
}

// beginPut sends half of a PUT and returns when the node is in the middle of it.
func beginPut(t *testing.T, n *nodeProcess, key, half, otherHalf string) *halfRequest {
	t.Helper()
	conn, err := net.Dial("tcp", n.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "PUT /kv/%s HTTP/1.1\r\nHost: node\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", key, len(half)+len(otherHalf))
	answers := bufio.NewReader(conn)
	// The node asks for the body: it is in the middle of the request, beyond doubt.
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("answer to Expect: 100-continue is %q, %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, half)
	return &halfRequest{conn: conn, answers: answers, otherHalf: otherHalf}
}

// finish sends the other half and tells whether the answer is 200.
func (h *halfRequest) finish() bool {
	fmt.Fprint(h.conn, h.otherHalf)
	line, err := h.answers.ReadString('\n')
	return err == nil && strings.Contains(line, "200 OK")
}

func TestSIGTERMAnswersRequestsInFlightAndKeepsTheirWrites(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, dir, noBug)
	if !halfPut(t, n, "k", "half and ", "other half") {
		t.Error("the request in flight was not answered")
	}
	if code := n.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	n = startNode(t, dir, noBug)
	if _, value, err := n.do(newClient(t), "GET", "/kv/k", ""); value != "half and other half" {
		t.Errorf("value after the restart: %q, %v", value, err)
	}
}

func TestAnInterruptAndAnEndedContextStopTheNodeToo(t *testing.T) {
	n := startNode(t, t.TempDir(), noBug)
	if code := n.end(os.Interrupt); code != 0 {
		t.Errorf("SIGINT: exit code %d, want 0", code)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var log bytes.Buffer
	if code := Main(ctx, []string{"--working-dir", t.TempDir()}, &log); code != 0 {
		t.Errorf("ended context: exit code %d, want 0; log: %s", code, &log)
	}
}

func TestSIGKILLUnderLoadLosesNothingAcknowledged(t *testing.T) {
	const clients, kills, writesPerRun = 8, 4, 150
	dir := t.TempDir()
	var acknowledged [clients]int
	for range kills {
		n := startNode(t, dir, noBug)
		client := newClient(t)
		for c, want := range acknowledged {
			_, value, err := n.do(client, "GET", fmt.Sprintf("/kv/c%d", c), "")
			number, _, _ := strings.Cut(value, " ")
			if got, _ := strconv.Atoi(number); err != nil || got < want {
				t.Errorf("client %d: acknowledged %d, after the restart %.40q, %v", c, want, value, err)
			}
		}
		var count atomic.Int64
		loaded := make(chan struct{})
		var running sync.WaitGroup
		for c := range clients {
			running.Go(func() {
				for i := acknowledged[c] + 1; ; i++ {
					status, _, err := n.do(client, "PUT", fmt.Sprintf("/kv/c%d", c), smallAndLarge(i))
					if err != nil || status != 200 {
						return
					}
					acknowledged[c] = i
					if count.Add(1) == writesPerRun {
						close(loaded)
					}
				}
			})
		}
		<-loaded
		n.end(os.Kill)
		running.Wait()
	}
}

func TestWhatKeepsANodeFromStarting(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	writeFile(t, file, nil)
	damaged := filepath.Join(dir, "damaged")
	if err := os.Mkdir(damaged, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(damaged, snapshotName), []byte("not a snapshot"))
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"--help"}, 0, "--bug"},
		{"no working folder", nil, 2, "--working-dir is missing"},
		{"unknown flag", []string{"--working-dir", dir, "--portt", "1"}, 2, "portt"},
		{"stray argument", []string{"--working-dir", dir, "stray"}, 2, `"stray"`},
		{"port that is none", []string{"--working-dir", dir, "--port", "65536"}, 2, "65536"},
		{"unknown bug", []string{"--working-dir", dir, "--bug", "no-such"}, 2, `no bug "no-such"`},
		{"working folder is a file", []string{"--working-dir", file}, 1, file},
		{"damaged data", []string{"--working-dir", damaged}, 1, damaged},
		{"port is taken", []string{"--working-dir", dir, "--port", port}, 1, "address already in use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			if code := Main(t.Context(), c.args, &log); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(strings.ReplaceAll(log.String(), "  -", "--"), c.says) {
				t.Errorf("log %q does not say %q", log.String(), c.says)
			}
		})
	}
}

func TestNoneIsTheCorrectNode(t *testing.T) {
	t.Setenv(BugVariable, string(memoryOnly))
	for _, c := range []struct {
		args []string
		want bug
	}{
		{nil, memoryOnly},
		{[]string{"--bug", "none"}, noBug},
		{[]string{"--bug", ""}, noBug},
		{[]string{"--bug", "dirty-read"}, dirtyRead},
	} {
		cfg, err := parseArgs(append(c.args, "--working-dir", "x", "--id", "n2", "--peers", "n1=127.0.0.1:1"), io.Discard)
		if err != nil || cfg.bug != c.want {
			t.Errorf("%q: bug %q, error %v; want %q", c.args, cfg.bug, err, c.want)
		}
	}
}
