package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestNodesDieWithLsfr(t *testing.T) {
	t.Parallel()
	setsid, err := exec.LookPath("setsid")
	if err != nil {
		setsid = ""
	}
	tests := []struct {
		name, script string
		guard        string
		linux        bool
	}{
		{"a plain node", serving(), "guarded", false},
		{"a plain node, without a guard", serving(), "unguarded", true},
		{"a node that is deaf", "exec " + role("deaf") + ` "$@"`, "guarded", false},
		{"a node with a helper", "sleep 3600 & " + serving(), "guarded", false},
		{"a daemon in a session of its own", role("daemon", "deaf") + ` "$@"`, "guarded", false},
		{"an orphan in a session of its own", "(" + setsid + " sleep 3600 &); " + serving(), "guarded", false},
		{"an orphan without environment", "(exec env -i " + setsid + ` sleep 3600 "$PWD" 2>/dev/null &); ` + serving(), "guarded", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.linux && !isLinux {
				t.Skip("it takes what only Linux has")
			}
			dir := folder(t, tt.script)
			lsfr := exec.Command(ownProgram(), roleArgument, "lsfr", dir, tt.guard)
			output, err := lsfr.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := lsfr.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(output).ReadString('\n'); line != "ready\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			if err := lsfr.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = lsfr.Wait() // it was killed
			eventually(t, "no process is left", func() bool { return len(processesOf(t, dir)) == 0 })
		})
	}
}

// runGuard runs a guard that gets this stream, and returns its exit code. It is a
// process of its own: a guard ignores signals for good, and children inherit that.
func runGuard(t *testing.T, stream string) int {
	t.Helper()
	guard := exec.Command(ownProgram(), roleArgument, "guard")
	guard.Stdin = strings.NewReader(stream)
	if err := guard.Run(); err != nil {
		t.Log(err)
	}
	return guard.ProcessState.ExitCode()
}

func TestAGuardLeavesOtherRunsAlone(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving(), guarded)
	mustStart(t, n)
	// The run that ends knows neither this one's marker nor its group.
	stream := fmt.Sprintf("run %s %d\n", "other", n.family.born)
	if code := runGuard(t, stream); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	if !answers(n) {
		t.Error("the node of another run is gone")
	}
}

func TestAGuardEndsWhatItWasToldOf(t *testing.T) {
	t.Parallel()
	born := timeNow() - 1
	told, err := os.StartProcess("/bin/sleep", []string{"sleep", "3600"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Setpgid: true}})
	if err != nil {
		t.Skip(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := told.Wait()
		gone <- err
	}()
	row, _, err := lookup(told.Pid)
	if err != nil {
		t.Fatal(err)
	}
	stream := fmt.Sprintf("run some %d\ngroup %d %d\ngarbage\nmember x\nmember %d", born, told.Pid, row.start, told.Pid)
	if code := runGuard(t, stream); code != 0 {
		t.Errorf("got exit code %d", code)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
}

func TestAGuardThatWasDismissedDoesNothing(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	mustStart(t, n)
	for _, stream := range []string{
		fmt.Sprintf("run %s %d\nend\n", n.cluster.run, n.family.born),
		"",
		"run broken",
	} {
		if code := runGuard(t, stream); code != 0 {
			t.Errorf("%q: got exit code %d", stream, code)
		}
	}
	if !answers(n) {
		t.Error("the node is gone")
	}
}

func TestAGuardThatCannotBeStartedIsAnErrorOfLsfr(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Config{
		Dir: folder(t, serving()), Command: []string{"./run.sh"}, RunDir: "run", Guard: []string{"./no-such-guard"},
	})
	var failure *NodeError
	if err == nil || errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}
