package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nodes that are hard to end.
const (
	// stubborn leaves a helper in a session of its own, and that ignores SIGTERM.
	stubborn = `setsid sh -c 'trap "" TERM; sleep 600' &
exec lsfr node "$@"`
	// shielded is a shell that ignores SIGTERM around a node in a session of its own.
	shielded = `trap "" TERM
setsid lsfr node "$@" &
wait`
	// daemon forks twice, and nothing of its process group stays.
	daemon = `trap "" TERM
(setsid lsfr node "$@" &)`
)

// readsAtLeader makes followers pass reads on, so that the check which pauses the
// leader, and the one which cuts it off, wait ten seconds each for what does not come.
const readsAtLeader = "export LSFR_KVNODE_READS=leader\n"

// replicas is a solution of read-replicas.
func replicas(t *testing.T, script string) string {
	t.Helper()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid here, with which nodes leave their session")
	}
	dir := solution(t, script)
	write(t, filepath.Join(dir, "lsfr.yaml"), 0o644, "challenge: kv-store\nstage: read-replicas\n")
	return dir
}

// pauses counts how often a node was paused so far.
func pauses(dir string) int {
	logs, _ := filepath.Glob(filepath.Join(dir, ".lsfr/latest/nodes/n*.log"))
	sum := 0
	for _, log := range logs {
		text, _ := os.ReadFile(log)
		sum += bytes.Count(text, []byte("sent SIGSTOP"))
	}
	return sum
}

// stopped reports whether a process of the node's run is stopped. Where that cannot be
// seen, the node's log has to do.
func (n startedNode) stopped() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	for _, folder := range processesWith("LSFR_RUN=" + n.marker) {
		stat, _ := os.ReadFile(filepath.Join(folder, "stat"))
		if end := bytes.LastIndexByte(stat, ')'); end > 0 && bytes.HasPrefix(stat[end:], []byte(") T")) {
			return true
		}
	}
	return false
}

// lastStarted returns the nodes as they were started last.
func lastStarted(t *testing.T, dir string) map[string]startedNode {
	t.Helper()
	last := make(map[string]startedNode)
	for _, n := range startedNodes(t, dir) {
		last[n.id] = n
	}
	return last
}

// waitForCluster waits until three nodes listen, and makes sure that assertGone would
// see them and a relay.
func waitForCluster(t *testing.T, dir string) {
	t.Helper()
	waitFor(t, "three nodes and their relays", func() bool {
		if _, err := os.Stat(filepath.Join(dir, "nodes.txt")); err != nil {
			return false
		}
		nodes := lastStarted(t, dir)
		for _, n := range nodes {
			if !n.listens() || !n.hasProcess() || len(n.peers) != 2 {
				return false
			}
			for _, relay := range n.peers {
				if !listens(relay) {
					return false
				}
			}
		}
		return len(nodes) == 3
	})
}

// answers reports whether an HTTP server answers soon.
func answers(port string) bool {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://127.0.0.1:" + port + "/health")
	if err == nil {
		_ = res.Body.Close()
	}
	return err == nil
}

// linkIsCut reports whether a link is silent that leads to a node which is not.
func linkIsCut(t *testing.T, dir string) bool {
	nodes := lastStarted(t, dir)
	for _, from := range nodes {
		for to, relay := range from.peers {
			if listens(relay) && answers(nodes[to].port) && !answers(relay) && answers(nodes[to].port) {
				return true
			}
		}
	}
	return false
}

// assertRuns makes sure that the next run in a folder finds nothing in its way.
func assertRuns(t *testing.T, dir string) {
	t.Helper()
	if code, out := lsfr(t, dir, "test", "http-api", "--duration", "1s"); code != 0 {
		t.Errorf("the next run: exit code %d, want 0: %s", code, out)
	}
	assertGoneAtOnce(t, dir)
}

func killLsfr(t *testing.T, p *program) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != -1 {
		t.Fatalf("lsfr ended with code %d, want a signal%s", code, p.output())
	}
}

func TestInterruptEndsAClusterUnderFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("a scenario comes after all checks")
	}
	t.Parallel()
	dir := replicas(t, shielded)
	p := startLsfr(t, dir, "test", "--duration", "5m")
	waitFor(t, "operations in history.json", func() bool {
		data, _ := os.ReadFile(filepath.Join(dir, ".lsfr/latest/history.json"))
		return bytes.Count(data, []byte(`"outcome":"ok"`)) > 200
	})
	waitForCluster(t, dir)
	before := pauses(dir)
	waitFor(t, "a paused node", func() bool { return pauses(dir) > before })
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != exitInterrupted {
		t.Errorf("exit code %d, want %d%s", code, exitInterrupted, p.output())
	}
	assertGoneAtOnce(t, dir)
	if !strings.Contains(p.stdout.String(), "INTERRUPTED") || p.stderr.Len() > 0 {
		t.Errorf("want INTERRUPTED, and nothing on stderr%s", p.output())
	}
	h := readHistory(t, dir)
	paused := 0
	for _, f := range h.Faults {
		if f.Fault == "pause" && len(f.Targets) == 1 {
			paused++
		}
	}
	if h.Truncated || len(h.Operations) < 200 || paused == 0 {
		t.Errorf("history has %d operations and faults %+v, truncated: %v; want all, a pause, and its end", len(h.Operations), h.Faults, h.Truncated)
	}
	assertRuns(t, dir)
}

func TestKilledLsfrLeavesNoPausedNode(t *testing.T) {
	for _, c := range []struct{ name, script string }{{"stubborn", stubborn}, {"shielded", shielded}, {"daemon", daemon}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := replicas(t, readsAtLeader+c.script)
			p := startLsfr(t, dir, "test")
			waitForCluster(t, dir)
			waitFor(t, "a paused node", func() bool { return pauses(dir) > 0 && startedNodes(t, dir)[0].stopped() })
			killLsfr(t, p)
			assertGone(t, dir)
			assertRuns(t, dir)
		})
	}
}

func TestKilledLsfrLeavesNoCutLink(t *testing.T) {
	if testing.Short() {
		t.Skip("the check that cuts links comes after one of ten seconds")
	}
	t.Parallel()
	dir := replicas(t, readsAtLeader+stubborn)
	p := startLsfr(t, dir, "test")
	waitForCluster(t, dir)
	waitFor(t, "a cut link", func() bool { return linkIsCut(t, dir) })
	killLsfr(t, p)
	assertGone(t, dir)
	assertRuns(t, dir)
}

func TestFinishedRunLeavesNothingOfACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole stage")
	}
	for _, c := range []struct {
		name, script string
		args         []string
		code         int
		faults       []string // families in the history
	}{
		{"passed", shielded, []string{"test", "--faults", "one-way,reset", "--duration", "4s", "--seed", "10"}, exitPassed, []string{"cut", "reset"}},
		{"failed", readsAtLeader + stubborn, []string{"test", "--fail-fast"}, exitViolation, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := replicas(t, c.script)
			p := startLsfr(t, dir, c.args...)
			waitForCluster(t, dir)
			if code := p.end(t); code != c.code {
				t.Errorf("exit code %d, want %d%s", code, c.code, p.output())
			}
			assertGoneAtOnce(t, dir)
			if len(c.faults) == 0 {
				return // it did not come to a scenario
			}
			var hit []string
			for _, f := range readHistory(t, dir).Faults {
				hit = append(hit, f.Fault)
				if f.Fault == "cut" && !strings.Contains(f.Detail, " -> ") {
					t.Errorf("got %+v, want cuts of one way only", f)
				}
			}
			slices.Sort(hit)
			if hit = slices.Compact(hit); !slices.Equal(hit, c.faults) {
				t.Errorf("got faults %v, want %v", hit, c.faults)
			}
		})
	}
}
