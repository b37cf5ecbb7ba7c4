package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestReadyIsAnyAnswerButServiceUnavailable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, role string
		host       string
	}{
		{"not found", "serve", "127.0.0.1"},
		{"a redirect, which is not followed", "redirect", "127.0.0.1"},
		{"service unavailable, then something else", "recovering", "127.0.0.1"},
		{"an answer on the IPv6 loopback only", "ipv6", "[::1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.role == "ipv6" {
				listener, err := net.Listen("tcp", "[::1]:0")
				if err != nil {
					t.Skip("no IPv6 here")
				}
				listener.Close()
			}
			n := newNode(t, "exec "+role(tt.role)+` "$@"`)
			mustStart(t, n)
			if want := "http://" + tt.host + ":" + strconv.Itoa(n.Port()); n.URL() != want {
				t.Errorf("URL is %s, want %s", n.URL(), want)
			}
			if !answers(n) {
				t.Error("it does not answer at its URL")
			}
		})
	}
}

func TestANodeThatIsNeverReadyIsExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		problem      string
		hint         string
		linux        bool // the hint is known on Linux only
	}{
		{"it listens nowhere", "echo hello; exec sleep 3600", "nothing accepts connections", "--port", false},
		{"it answers 503", "exec " + role("never-ready") + ` "$@"`, "answered 503", "", false},
		{"it does not speak HTTP", "exec " + role("no-http") + ` "$@"`, "no HTTP answer", "", false},
		{"it listens elsewhere", "exec " + role("elsewhere") + ` "$@"`, "nothing accepts connections", "instead of", true},
		{"its first process ended", "sleep 3600 &", "nothing accepts connections", "itself has ended", false},
		{"it says that the address is in use", "echo 'bind: Address already in use'; exec sleep 3600", "nothing accepts", "listen on it once", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := func(cfg *Config) { cfg.FirstStart = time.Second }
			n := newNode(t, tt.script, limit)
			failure := nodeError(t, n.Start(t.Context()), NotReady)
			contains(t, failure.Error(), "node n1", "within 1 s", tt.problem)
			if !tt.linux || isLinux {
				contains(t, failure.Hint, tt.hint)
			}
			contains(t, strings.Join(failure.Details(), "\n"), n.LogPath(), n.CommandLine())
			if !n.Running() || n.Err() != nil {
				t.Error("it counts as exited, though it runs")
			}
		})
	}
}

func TestAnExitBeforeReadyIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		code         int
		signal       syscall.Signal
		hint         string
	}{
		{"with an error", "echo one; echo two >&2; exit 3", 3, 0, ""},
		{"without an error", "echo one; echo two; exit 0", 0, 0, "foreground"},
		{"after a program that does not exist", "echo one; echo two; no-such-program-of-lsfr; exit $?", 127, 0, "does not exist"},
		{"by a signal", "echo one; echo two; kill -SEGV $$", -1, syscall.SIGSEGV, ""},
		{"by a signal that looks like lack of memory", "echo one; echo two; kill -KILL $$", -1, syscall.SIGKILL, "memory"},
		{"when only a helper was left, which ends too", "sleep 0.2 & echo one; echo two; exit 4", 4, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The limit is far beyond the patience of the test: waiting for it fails.
			n := newNode(t, tt.script, func(cfg *Config) { cfg.FirstStart = time.Hour })
			failure := nodeError(t, n.Start(t.Context()), Exited)
			if failure.ExitCode != tt.code || failure.Signal != tt.signal {
				t.Errorf("got code %d and signal %v, want %d and %v", failure.ExitCode, failure.Signal, tt.code, tt.signal)
			}
			contains(t, failure.Error(), "node n1", "before it was ready")
			contains(t, strings.Join(failure.LogTail, "\n"), "one", "two")
			contains(t, failure.Hint, tt.hint)
			if !errors.Is(n.Err(), error(failure)) {
				t.Errorf("Err returns %v", n.Err())
			}
			if reported := <-n.cluster.Failures(); reported != failure {
				t.Errorf("Failures delivers %v", reported)
			}
		})
	}
}

func TestTheFirstStartHasTimeToBuildAndLaterOnesHaveNot(t *testing.T) {
	t.Parallel()
	// A start that does not find the mark builds: it takes longer than a restart may.
	script := `if [ -e built ]; then sleep 3600; fi; sleep 1; touch built; ` + serving()
	n := newNode(t, script, func(cfg *Config) { cfg.Restart = 500 * time.Millisecond })
	mustStart(t, n)
	if err := n.Stop(t.Context()); err != nil {
		fail(t, err)
	}
	failure := nodeError(t, n.Start(t.Context()), NotReady)
	contains(t, failure.Error(), "0.5 s")
}

func TestALongFirstStartIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	announce := make(chan string, 10)
	gate := "while [ ! -e gate ]; do sleep 0.05; done; "
	n := newNode(t, gate+serving(), func(cfg *Config) {
		cfg.OnBuilding = func(node string) { calls.Add(1); announce <- node }
	})
	started := make(chan error, 1)
	go func() { started <- n.Start(t.Context()) }()
	select {
	case node := <-announce:
		if node != "n1" {
			t.Errorf("announced %q", node)
		}
	case err := <-started:
		t.Fatalf("ready before it was let go: %v", err)
	}
	if err := os.WriteFile(filepath.Join(n.cluster.cfg.Dir, "gate"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		fail(t, err)
	}
	if calls.Load() != 1 {
		t.Errorf("announced %d times", calls.Load())
	}
}

func TestACancelledStartReturnsAtOnceAndLeavesTheRestToClose(t *testing.T) {
	t.Parallel()
	n := newNode(t, "exec sleep 3600", func(cfg *Config) { cfg.FirstStart = time.Hour })
	if err := n.Spawn(t.Context()); err != nil {
		fail(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan error, 1)
	go func() { ready <- n.WaitReady(ctx) }()
	cancel()
	if err := <-ready; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if !n.Running() {
		t.Error("the node was ended")
	}
	for name, do := range map[string]func(context.Context) error{
		"start": n.Start, "stop": n.Stop, "kill": n.Kill, "pause": n.Pause, "resume": n.Resume,
	} {
		if err := do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
}

func TestAKillHitsANodeThatIsStarting(t *testing.T) {
	t.Parallel()
	n := newNode(t, "exec sleep 3600", func(cfg *Config) { cfg.FirstStart = time.Hour })
	if err := n.Spawn(t.Context()); err != nil {
		fail(t, err)
	}
	ready := make(chan error, 1)
	go func() { ready <- n.WaitReady(t.Context()) }()
	if err := n.Kill(t.Context()); err != nil {
		fail(t, err)
	}
	err := <-ready
	var failure *NodeError
	if !errors.Is(err, ErrNotRunning) || errors.As(err, &failure) {
		t.Fatalf("got %v, want ErrNotRunning and no verdict", err)
	}
	if n.Err() != nil {
		t.Fatalf("the kill counts as a failure: %v", n.Err())
	}
}

func TestAPortThatWasTakenIsNamed(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", ""} {
		n := newNode(t, serving())
		mustStart(t, n)
		if err := n.Kill(t.Context()); err != nil {
			fail(t, err)
		}
		var listener net.Listener
		eventually(t, "the port can be taken", func() (ok bool) {
			var err error
			listener, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n.Port())))
			return err == nil
		})
		failure := nodeError(t, n.Start(t.Context()), PortTaken)
		contains(t, failure.Error(), "n1", strconv.Itoa(n.Port()))
		if isLinux {
			contains(t, failure.Error(), "pid "+strconv.Itoa(os.Getpid()))
		}
		listener.Close()
		// A child that a parallel test is just forking may hold the socket until its exec.
		eventually(t, "the node starts once its port is free", func() bool { return n.Start(t.Context()) == nil })
	}
}

func TestAnAddressInUseAfterARestartGetsItsHint(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"listen tcp 127.0.0.1:8001: bind: address already in use",
		"OSError: [Errno 98] Address already in use",
		"Error: listen EADDRINUSE: address already in use 127.0.0.1:8001",
		`Os { code: 98, kind: AddrInUse, message: "Address in use" }`,
	} {
		script := "if [ -e again ]; then echo " + shellQuote(message) + "; exit 1; fi; touch again; " + serving()
		n := newNode(t, script)
		mustStart(t, n)
		if err := n.Kill(t.Context()); err != nil {
			fail(t, err)
		}
		failure := nodeError(t, n.Start(t.Context()), Exited)
		contains(t, failure.Hint, "SO_REUSEADDR", strconv.Itoa(n.Port()))
	}
}

func TestAnOtherErrorAfterARestartGetsNoSuchHint(t *testing.T) {
	t.Parallel()
	n := newNode(t, "if [ -e again ]; then echo 'errno 980: no address'; exit 1; fi; touch again; "+serving())
	mustStart(t, n)
	if err := n.Kill(t.Context()); err != nil {
		fail(t, err)
	}
	if failure := nodeError(t, n.Start(t.Context()), Exited); failure.Hint != "" {
		t.Errorf("got hint %q", failure.Hint)
	}
}
