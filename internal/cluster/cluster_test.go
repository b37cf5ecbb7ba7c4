package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func guarded(cfg *Config) { cfg.Guard = guardCommand() }

func TestNodesHaveTheirOwnPortsFoldersAndLogs(t *testing.T) {
	t.Parallel()
	c := newCluster(t, folder(t, serving()), guarded)
	seen := make(map[string]bool)
	for i := range 5 {
		n, err := c.AddNode(t.Context(), "n"+strconv.Itoa(i+1))
		if err != nil {
			t.Fatal(err)
		}
		for _, own := range []string{strconv.Itoa(n.Port()), n.WorkingDir(), n.LogPath()} {
			if seen[own] {
				t.Errorf("%s is used twice", own)
			}
			seen[own] = true
		}
		if n.Port() < firstPort || n.Port() > lastPort {
			t.Errorf("port %d is out of range", n.Port())
		}
		if c.Node(n.ID()) != n {
			t.Error("it cannot be found")
		}
	}
	if c.Node("n9") != nil {
		t.Error("a node that was never added is found")
	}
	errs := make(chan error)
	for _, n := range c.Nodes() {
		go func() { errs <- n.Start(t.Context()) }()
	}
	for range c.Nodes() {
		if err := <-errs; err != nil {
			fail(t, err)
		}
	}
	// What ends one node leaves the others alone.
	if err := errors.Join(c.Node("n1").Kill(t.Context()), c.Node("n2").Stop(t.Context())); err != nil {
		fail(t, err)
	}
	for i, n := range c.Nodes() {
		if got, want := answers(n), i >= 2; got != want {
			t.Errorf("%s answers: %v", n.ID(), got)
		}
	}
}

func TestUnusableNodeNamesAreRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, folder(t, serving()))
	for _, id := range []string{"", "..", "a/b", "nodes", "-x", strings.Repeat("n", 65)} {
		if _, err := c.AddNode(t.Context(), id); err == nil {
			t.Errorf("%q is accepted", id)
		}
	}
	if _, err := c.AddNode(t.Context(), "n1"); err != nil {
		t.Error(err)
	}
	if _, err := c.AddNode(t.Context(), "n1"); err == nil {
		t.Error("a name is accepted twice")
	}
}

func TestAClosedClusterStartsNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, folder(t, serving()), guarded)
	n, err := c.AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	mustStart(t, n)
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	if _, open := <-c.Failures(); open {
		t.Error("Close counts as a failure of the node")
	}
	if err := n.Start(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("start: %v", err)
	}
	if _, err := c.AddNode(t.Context(), "n2"); !errors.Is(err, ErrClosed) {
		t.Errorf("add: %v", err)
	}
	if n.Running() || n.Err() != nil {
		t.Errorf("running %v, error %v", n.Running(), n.Err())
	}
}

func TestCloseEndsAStartThatIsWaiting(t *testing.T) {
	t.Parallel()
	c := newCluster(t, folder(t, "exec sleep 3600"), func(cfg *Config) { cfg.FirstStart = time.Hour })
	n, err := c.AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Spawn(t.Context()); err != nil {
		fail(t, err)
	}
	ready := make(chan error, 1)
	go func() { ready <- n.WaitReady(t.Context()) }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ready; !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestManyCyclesLeaveNothingBehind(t *testing.T) {
	// Not in parallel: it counts what the whole process has.
	cycles := 50
	if testing.Short() {
		cycles = 10
	}
	n := newNode(t, serving(), guarded)
	cycle := func(i int) {
		mustStart(t, n)
		end := n.Kill
		if i%2 == 0 {
			end = n.Stop
		}
		if err := end(t.Context()); err != nil {
			fail(t, err)
		}
	}
	for i := range 3 {
		cycle(i)
	}
	files, routines, children := openFiles(t), runtime.NumGoroutine(), len(childrenOf(t))
	for i := range cycles {
		cycle(i)
	}
	eventually(t, fmt.Sprintf("back to %d files, %d goroutines, %d children", files, routines, children), func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= routines && len(childrenOf(t)) <= children
	})
}

func openFiles(t *testing.T) int {
	t.Helper()
	for _, path := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(path); err == nil {
			return len(entries)
		}
	}
	t.Skip("open files cannot be counted here")
	return 0
}

// childrenOf returns this process's children, also dead ones.
func childrenOf(t *testing.T) []process {
	t.Helper()
	table, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	var children []process
	for _, p := range table {
		if p.ppid == os.Getpid() {
			children = append(children, p)
		}
	}
	return children
}

func TestOtherProcessesOfLsfrAreSpared(t *testing.T) {
	// Not in parallel, lest another cluster be to blame.
	mine := exec.Command("sleep", "3600")
	if err := mine.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		_ = mine.Process.Kill()
		_ = mine.Wait()
	}()
	n := newNode(t, serving(), guarded)
	during := exec.Command("sleep", "3600")
	if err := during.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = during.Process.Kill()
		_ = during.Wait()
	}()
	mustStart(t, n)
	if err := errors.Join(n.Kill(t.Context()), n.cluster.Close()); err != nil {
		fail(t, err)
	}
	for _, cmd := range []*exec.Cmd{mine, during} {
		if p, ok, err := lookup(cmd.Process.Pid); err != nil || !ok || !p.alive() {
			t.Errorf("pid %d was ended: %v", cmd.Process.Pid, err)
		}
	}
}

func TestACancelledContextMakesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := folder(t, serving())
	if _, err := New(ctx, Config{Dir: dir, Command: []string{"./run.sh"}, RunDir: "run"}); !errors.Is(err, context.Canceled) {
		t.Errorf("New: %v", err)
	}
	if _, err := newCluster(t, dir).AddNode(ctx, "n1"); !errors.Is(err, context.Canceled) {
		t.Errorf("AddNode: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run", "n1")); err == nil {
		t.Error("a folder was made")
	}
}

func TestAFolderThatCannotBeMadeIsAnErrorOfLsfr(t *testing.T) {
	t.Parallel()
	dir := folder(t, serving())
	if err := os.WriteFile(filepath.Join(dir, "run"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := newCluster(t, dir).AddNode(t.Context(), "n1")
	var failure *NodeError
	if err == nil || errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}
