package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds the wait for a condition. A test that passes never waits so long.
const patience = 60 * time.Second

// roleArgument makes the test binary play another program. Arguments, unlike
// variables, survive a cleared environment.
const roleArgument = "cluster-test-role"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == roleArgument {
		os.Exit(play(os.Args[2], os.Args[3:]))
	}
	// A program with the race detector sleeps a second before it exits, and so
	// would every node.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// play is the main function of the programs that the tests run as nodes.
func play(role string, args []string) int {
	switch role {
	case "guard":
		return GuardMain(os.Stdin)
	case "lsfr":
		return playLsfr(args)
	case "daemon": // starts the other roles in a session of their own, and ends
		child := exec.Command(ownProgram(), append([]string{roleArgument}, args...)...)
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return exitCode(child.Start())
	}
	var port string
	for i, arg := range args[:max(len(args)-1, 0)] {
		if arg == "--port" {
			port = args[i+1]
		}
	}
	return playNode(role, port, args)
}

func exitCode(err error) int {
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func playNode(role, port string, args []string) int {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	if role == "deaf" {
		signal.Reset()
		signal.Ignore(syscall.SIGTERM)
	}
	address := "127.0.0.1:" + port
	handler := func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
	switch role {
	case "ipv6":
		address = "[::1]:" + port
	case "elsewhere":
		address = "127.0.0.1:0"
	case "recovering": // 503 a few times
		var asked atomic.Int64
		handler = func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	case "never-ready":
		handler = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	case "member":
		handler = memberHandler(args)
	case "redirect":
		handler = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("listening")
	if role == "no-http" {
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(conn, "220 mail.example ESMTP\r\n")
			}
		}()
	} else {
		go func() { _ = http.Serve(listener, http.HandlerFunc(handler)) }()
	}
	<-term
	fmt.Println("stopping")
	return 0
}

// playLsfr runs a cluster whose nodes run the script, and waits to be killed.
func playLsfr(args []string) int {
	dir, guarded := args[0], args[1] == "guarded"
	cfg := Config{Dir: dir, Command: []string{"./run.sh"}, RunDir: filepath.Join(dir, "run")}
	if guarded {
		cfg.Guard = guardCommand()
	}
	c, err := New(context.Background(), cfg)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	n, err := c.AddNode(context.Background(), "n1")
	if err == nil {
		err = n.Start(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	select {}
}

func guardCommand() []string { return []string{ownProgram(), roleArgument, "guard"} }

// ownProgram is the path of the test binary.
func ownProgram() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// role is the shell command that plays a role, to be followed by the flags.
func role(words ...string) string {
	return shellQuote(append([]string{ownProgram(), roleArgument}, words...)...)
}

// serving is the script of a well-behaved node.
func serving() string { return "exec " + role("serve") + ` "$@"` }

// folder writes a run.sh with this body into a new learner's folder.
func folder(t *testing.T, body string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "#!/bin/sh\n"+body+"\n", 0o755)
	return dir
}

func write(t *testing.T, dir, script string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, "run.sh")
	if err := os.WriteFile(path, []byte(script), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// newCluster makes a cluster in the folder; at the end of the test it is closed,
// and no process that knows of the folder may be left.
func newCluster(t *testing.T, dir string, adjust ...func(*Config)) *Cluster {
	t.Helper()
	cfg := Config{
		Dir: dir, Command: []string{"./run.sh"}, RunDir: filepath.Join(dir, "run"),
		FirstStart: patience, Restart: patience, StopGrace: patience,
	}
	for _, f := range adjust {
		f(&cfg)
	}
	c, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if left := processesOf(t, dir); len(left) > 0 {
			t.Errorf("left after Close: %v", left)
		}
	})
	return c
}

// newNode makes a cluster of one node that runs the script, not yet started.
func newNode(t *testing.T, script string, adjust ...func(*Config)) *Node {
	t.Helper()
	n, err := newCluster(t, folder(t, script), adjust...).AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustStart(t *testing.T, n *Node) {
	t.Helper()
	if err := n.Start(t.Context()); err != nil {
		fail(t, err)
	}
}

// fail ends the test with all that the error knows.
func fail(t *testing.T, err error) {
	t.Helper()
	var failure *NodeError
	if errors.As(err, &failure) {
		t.Fatalf("%v\n%s", err, strings.Join(failure.Details(), "\n"))
	}
	t.Fatal(err)
}

// nodeError asserts that the error is a *NodeError of this kind.
func nodeError(t *testing.T, err error, kind Kind) *NodeError {
	t.Helper()
	var failure *NodeError
	if !errors.As(err, &failure) {
		t.Fatalf("got error %v, want a *NodeError of kind %q", err, kind)
	}
	if failure.Kind != kind {
		fail(t, fmt.Errorf("got kind %q, want %q: %w", failure.Kind, kind, failure))
	}
	return failure
}

// contains asserts that the text holds every one of these.
func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from:\n%s", want, text)
		}
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processesOf returns the live processes that have the tag in their arguments or
// environment, without this one.
func processesOf(t *testing.T, tag string) []process {
	t.Helper()
	table, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	var found []process
	for _, p := range table {
		if !p.alive() || p.pid == os.Getpid() {
			continue
		}
		env, _, _ := environment(p.pid)
		args, _ := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline") // on macOS env has them
		if bytes.Contains(env, []byte(tag)) || bytes.Contains(args, []byte(tag)) {
			found = append(found, p)
		}
	}
	return found
}

// answers reports whether the node answers HTTP.
func answers(n *Node) bool {
	client := http.Client{
		Timeout:       5 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Get(n.URL() + "/kv/x")
	if err != nil {
		return false
	}
	response.Body.Close()
	return true
}

func readLog(t *testing.T, n *Node) string {
	t.Helper()
	data, err := os.ReadFile(n.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
