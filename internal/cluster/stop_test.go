package cluster

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const isLinux = runtime.GOOS == "linux"

// grace is a short time for processes that do not heed SIGTERM.
func grace(cfg *Config) { cfg.StopGrace = time.Second }

func TestStopNamesWhatOutlivesIt(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, script, hint string }{
		{"the node itself", "exec " + role("deaf") + ` "$@"`, "on SIGTERM"},
		{"what its script started", role("deaf") + ` "$@" & wait`, "use exec"},
		{"a daemon that left group and session", role("daemon", "deaf") + ` "$@"`, "use exec"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, tt.script, grace)
			mustStart(t, n)
			failure := nodeError(t, n.Stop(t.Context()), StopTimeout)
			contains(t, failure.Error(), "node n1", "within 1 s", "SIGTERM", filepath.Base(os.Args[0]))
			contains(t, failure.Hint, tt.hint)
			if n.Running() || answers(n) {
				t.Error("it runs still")
			}
			if n.Err() != nil {
				t.Errorf("it counts as exited by itself: %v", n.Err())
			}
			mustStart(t, n) // what was killed is no obstacle
		})
	}
}

// It does not run in parallel: an orphan without any mark is laid at the door of
// whichever cluster of this process looks first.
func TestAProcessIsFoundWhereverItWent(t *testing.T) {
	setsid, err := exec.LookPath("setsid")
	if err != nil {
		t.Skip("no setsid here")
	}
	tests := []struct {
		name, script string
		linux        bool
	}{
		{"in the group", "sleep 3600 & " + serving(), false},
		{"in a session of its own", setsid + " sleep 3600 & " + serving(), false},
		{"orphaned in the group", "(sleep 3600 &) ; " + serving(), false},
		{"orphaned in a session of its own", "(" + setsid + " sleep 3600 &) ; " + serving(), false},
		{"orphaned in a session of its own, and deaf", "(" + setsid + ` sh -c 'trap "" TERM HUP INT; sleep 3600' &) ; ` + serving(), false},
		{"in a session of its own, without environment", "env -i " + setsid + " sleep 3600 & " + serving(), false},
		{"orphaned in a session of its own, without environment", "(env -i " + setsid + " sleep 3600 &) ; " + serving(), true},
		{"the server itself is a daemon", role("daemon", "serve") + ` "$@"`, false},
	}
	for _, tt := range tests {
		for _, end := range []string{"Kill", "Close"} {
			t.Run(tt.name+", by "+end, func(t *testing.T) {
				if tt.linux && !isLinux {
					t.Skip("orphans are adopted on Linux only")
				}
				n := newNode(t, tt.script)
				mustStart(t, n)
				var members []process
				eventually(t, "the processes are there", func() bool {
					var err error
					if members, err = n.family.scan(); err != nil {
						t.Fatal(err)
					}
					serverIsDaemon := strings.HasPrefix(tt.name, "the server")
					isSleep := func(p process) bool { return p.name == "sleep" }
					return serverIsDaemon && len(members) > 0 || slices.ContainsFunc(members, isSleep)
				})
				if end == "Kill" {
					err = n.Kill(t.Context())
				} else {
					err = n.cluster.Close()
				}
				if err != nil {
					fail(t, err)
				}
				for _, p := range members {
					if now, ok, err := lookup(p.pid); err != nil || ok && now.start == p.start && now.alive() {
						t.Errorf("%v survived: %v", p, err)
					}
				}
			})
		}
	}
}

func TestADaemonIsNotAnExitUntilItEnds(t *testing.T) {
	t.Parallel()
	n := newNode(t, role("daemon", "serve")+` "$@"; exit 7`)
	mustStart(t, n)
	<-n.current().rootEnded
	if !n.Running() || n.Err() != nil || !answers(n) {
		t.Fatalf("running %v, error %v", n.Running(), n.Err())
	}
	alive, err := n.family.scan()
	if err != nil || len(alive) != 1 {
		t.Fatalf("got %v, %v, want the daemon alone", alive, err)
	}
	if err := alive[0].signal(9); err != nil {
		t.Fatal(err)
	}
	failure := <-n.cluster.Failures()
	if failure.Kind != Exited || failure.ExitCode != 7 {
		fail(t, failure)
	}
	contains(t, failure.Error(), "while it was running")
}

func TestAnExitWhileRunningIsReportedAtOnceAndByEveryMethod(t *testing.T) {
	t.Parallel()
	n := newNode(t, role("serve")+` "$@" & trap '' TERM; echo $! > pid; wait $!; echo crashed; exit 5`)
	mustStart(t, n)
	kill := exec.Command("/bin/sh", "-c", "kill -9 $(cat pid)")
	kill.Dir = n.cluster.cfg.Dir
	if out, err := kill.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	failure := <-n.cluster.Failures()
	if failure.Kind != Exited || failure.ExitCode != 5 {
		fail(t, failure)
	}
	contains(t, strings.Join(failure.LogTail, "\n"), "listening", "crashed")
	for name, err := range map[string]error{
		"Err": n.Err(), "Stop": n.Stop(t.Context()), "Kill": n.Kill(t.Context()),
		"Pause": n.Pause(t.Context()), "Resume": n.Resume(t.Context()), "WaitReady": n.WaitReady(t.Context()),
	} {
		if nodeError(t, err, Exited) != failure {
			t.Errorf("%s returns another failure: %v", name, err)
		}
	}
	mustStart(t, n)
	if n.Err() != nil {
		t.Errorf("after a new start the old failure remains: %v", n.Err())
	}
}

func TestAPausedNodeHangsAndAResumedOneAnswers(t *testing.T) {
	t.Parallel()
	n := newNode(t, role("serve")+` "$@" & wait`)
	mustStart(t, n)
	for range 2 {
		if err := n.Pause(t.Context()); err != nil {
			fail(t, err)
		}
		alive, err := n.family.scan()
		if err != nil || len(alive) < 2 {
			t.Fatalf("got %v, %v", alive, err)
		}
		for _, p := range alive {
			if !p.stopped {
				t.Errorf("%v is not stopped", p)
			}
		}
		// The kernel accepts the connection, but nobody answers.
		client := http.Client{Timeout: 200 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		if response, err := client.Get(n.URL() + "/health"); err == nil {
			response.Body.Close()
			t.Error("it answers while it is paused")
		}
		if n.Err() != nil {
			t.Errorf("a pause counts as a failure: %v", n.Err())
		}
		if err := n.Resume(t.Context()); err != nil {
			fail(t, err)
		}
		if !answers(n) {
			t.Error("it does not answer after it was resumed")
		}
	}
}

func TestAPausedNodeIsEndedLikeAnyOther(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	for _, end := range []string{"stop", "kill", "close"} {
		mustStart(t, n)
		if err := n.Pause(t.Context()); err != nil {
			fail(t, err)
		}
		var err error
		switch end {
		case "stop":
			err = n.Stop(t.Context())
			contains(t, readLog(t, n), " stopping\n") // it saw the signal
		case "kill":
			err = n.Kill(t.Context())
		case "close":
			err = n.cluster.Close()
		}
		if err != nil {
			fail(t, err)
		}
		if n.Running() {
			t.Errorf("it runs after %s", end)
		}
	}
}

func TestWithoutAProcessThereIsNothingToEndAndNothingToPause(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	check := func(when string) {
		t.Helper()
		if err := errors.Join(n.Stop(t.Context()), n.Kill(t.Context())); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		for _, err := range []error{n.Pause(t.Context()), n.Resume(t.Context()), n.WaitReady(t.Context())} {
			if !errors.Is(err, ErrNotRunning) {
				t.Errorf("%s: got %v", when, err)
			}
		}
	}
	check("before the first start")
	mustStart(t, n)
	if err := n.Start(t.Context()); err == nil || !n.Running() {
		t.Errorf("a second start: %v", err)
	}
	if err := n.Stop(t.Context()); err != nil {
		fail(t, err)
	}
	check("after a stop")
}

func TestStartsStopsAndKillsMayRaceEachOther(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving(), func(cfg *Config) { cfg.FirstStart = time.Hour })
	repeat := func(do func() error) {
		for range 10 {
			var failure *NodeError
			if err := do(); errors.As(err, &failure) {
				t.Errorf("a verdict on a correct node: %v", err)
			}
		}
	}
	// The last to act may be the pause: then a start would wait for ever.
	starting, cancel := context.WithCancel(t.Context())
	defer cancel()
	var starts, others sync.WaitGroup
	starts.Go(func() { repeat(func() error { return n.Start(starting) }) })
	for _, do := range []func(context.Context) error{n.Kill, n.Stop, n.Pause, n.Resume} {
		others.Go(func() { repeat(func() error { return do(t.Context()) }) })
	}
	others.Wait()
	cancel()
	starts.Wait()
	if err := n.Kill(t.Context()); err != nil {
		fail(t, err)
	}
	mustStart(t, n)
}

// A stop looks for a pause once. One that comes later would make it wait in vain.
func TestAPauseOfANodeThatIsBeingEndedIsUndone(t *testing.T) {
	t.Parallel()
	for _, ending := range []bool{false, true} {
		n := newNode(t, serving())
		mustStart(t, n)
		inc := n.current()
		if ending && !inc.expectEnd() {
			t.Fatal("it has ended by itself")
		}
		if err := n.Pause(t.Context()); err != nil {
			fail(t, err)
		}
		row, ok, err := lookup(inc.pid)
		if err != nil || !ok {
			t.Fatalf("it is gone: %v", err)
		}
		if row.stopped == ending || inc.isPaused() == ending {
			t.Errorf("ending %v: stopped %v, paused %v", ending, row.stopped, inc.isPaused())
		}
	}
}
