package kvnode

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// leader waits until these nodes name the same one of them as the leader, and returns it and its term.
func (c *clusterTest) leader(ids ...string) (leader string, term uint64) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%q have a leader", ids), func() bool {
		leader = ""
		for _, id := range ids {
			info := c.info(id)
			if info.Leader == nil || leader != "" && *info.Leader != leader {
				return false
			}
			leader, term = *info.Leader, info.Term
		}
		return strings.Contains(strings.Join(ids, " ")+" ", leader+" ") && c.info(leader).Role == "leader"
	})
	return leader, term
}

// eventuallyPut writes through a node until it is acknowledged. A try without an answer may still take effect, so each
// has a key of its own, which is returned.
func (c *clusterTest) eventuallyPut(id, key, value string) string {
	c.t.Helper()
	tried := 0
	c.eventually("a write through "+id, func() bool {
		tried++
		status, _ := c.do(id, "PUT", fmt.Sprintf("/kv/%s.%d", key, tried), value)
		return status == http.StatusOK
	})
	return fmt.Sprintf("%s.%d", key, tried)
}

// everyoneWrites writes through each of these nodes, and reads through all of them what was written last.
func (c *clusterTest) everyoneWrites(prefix string, ids ...string) map[string]string {
	c.t.Helper()
	written := make(map[string]string)
	for _, writer := range ids {
		key := c.eventuallyPut(writer, prefix+writer, writer)
		written[key] = writer
		for _, reader := range ids {
			c.readsNothingElse(reader, key, writer)
		}
	}
	return written
}

// readsNothingElse reads until there is an answer, which has to be the value at once.
func (c *clusterTest) readsNothingElse(id, key, value string) {
	c.t.Helper()
	c.eventually("a read through "+id, func() bool {
		status, answer := c.do(id, "GET", "/kv/"+key, "")
		if status == http.StatusOK && answer != value || status == http.StatusNotFound {
			c.t.Fatalf("%s reads %s: %d %.60q, want %.60q", id, key, status, answer, value)
		}
		return status == http.StatusOK
	})
}

func (c *clusterTest) readsAll(id string, written map[string]string) {
	c.t.Helper()
	for key, value := range written {
		c.readsNothingElse(id, key, value)
	}
}

func TestElectedLeadersFailAndNothingIsLost(t *testing.T) {
	for _, size := range []int{3, 5} {
		t.Run(fmt.Sprint(size, " nodes"), func(t *testing.T) {
			t.Parallel()
			c := newClusterOf(t, size, noBug)
			c.start(c.ids...)
			old, term := c.leader(c.ids...)
			written := c.everyoneWrites("first-", c.ids...)

			others := c.others(old)
			c.stop(os.Kill, old)
			next, later := c.leader(others...)
			if later <= term {
				t.Errorf("%s led in term %d, %s leads in term %d", old, term, next, later)
			}
			for key, value := range c.everyoneWrites("second-", others...) {
				written[key] = value
			}
			c.start(old)
			c.readsAll(old, written)

			c.stop(os.Kill, c.ids...)
			c.start(c.ids...)
			for _, id := range c.ids {
				c.readsAll(id, written)
			}
		})
	}
}

func TestAMinorityAcknowledgesNothingAndIsStillThere(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug)
	leader, _ := c.leader(c.ids...)
	c.mustDo(leader, "PUT", "/kv/k", "v")
	c.stop(os.Kill, c.others(leader)...)
	for _, method := range []string{"PUT", "DELETE", "GET"} {
		if status, answer := c.do(leader, method, "/kv/k", "w"); status != http.StatusServiceUnavailable {
			t.Errorf("%s at a leader without followers: %d %q", method, status, answer)
		}
	}
	c.eventually("the leader notices that nobody follows", func() bool { return c.info(leader).Leader == nil })
	if info := c.info(leader); info.Role != "candidate" {
		t.Errorf("the role of a node that cannot be elected is %q", info.Role)
	}
	if status, answer := c.do(leader, "GET", "/kv/k", ""); status != 503 || answer != "there is no leader" {
		t.Errorf("a read without a leader: %d %q", status, answer)
	}
	if status, _ := c.do(leader, "GET", "/health", ""); status != http.StatusOK {
		t.Errorf("/health of a node without a leader: %d", status)
	}
	if code := c.stop(syscall.SIGTERM, leader); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestALeaderThatIsCutOffServesNothingOld(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug)
	old, _ := c.leader(c.ids...)
	c.mustDo(old, "PUT", "/kv/k", "old")
	heal := c.cut(old)
	others := c.others(old)
	c.leader(others...)
	c.eventually("the majority writes", func() bool {
		status, _ := c.do(others[0], "PUT", "/kv/k", "new")
		return status == http.StatusOK
	})
	if status, answer := c.do(old, "GET", "/kv/k", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a read at the old leader: %d %q", status, answer)
	}
	heal()
	c.readsNothingElse(old, "k", "new")
	c.leader(c.ids...)
	for _, id := range c.ids { // Streams that break are dialled again.
		for _, other := range c.others(id) {
			c.net.Reset(netsim.Direction{From: id, To: other})
		}
	}
	c.everyoneWrites("after-", c.ids...)
}

func TestANodeWithAnEmptyFolderCatchesUp(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug)
	leader, _ := c.leader(c.ids...)
	c.put(leader, "k", 100, "v")
	large := strings.Repeat("large 😀\n", 100_000)
	c.eventually("a large write", func() bool { // It may take a busy machine longer than a client waits.
		status, _ := c.do(leader, "PUT", "/kv/large", large)
		return status == http.StatusOK
	})
	fresh := c.others(leader)[0]
	if code := c.stop(syscall.SIGTERM, fresh); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.dirs[fresh] = t.TempDir()
	c.args = append(c.args, "--reads", "local") // shows the copy of the node that is started now
	c.start(fresh)
	c.eventuallyReads(fresh, "large", large)
	c.hasKeys(fresh, "k", 100, "v")
}

// A leader that is asked to end answers what it has begun, and hands over: the others need not miss it first.
func TestALeaderThatEndsAnswersRequestsInFlight(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug)
	leader, _ := c.leader(c.ids...)
	others := c.others(leader)
	begun := make(map[string]*halfRequest)
	for _, id := range c.ids {
		begun[id] = beginPut(t, c.nodes[id], "half-"+id, "half and ", "other half")
	}
	c.signal(leader, syscall.SIGTERM)
	c.nodes[leader].waitUntilRefused()
	if !begun[leader].finish() {
		t.Error("the leader that ends does not answer")
	}
	if code := c.stop(syscall.SIGTERM, leader); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.leader(others...)
	for _, id := range others {
		c.readsNothingElse(id, "half-"+leader, "half and other half")
		if !begun[id].finish() {
			t.Errorf("%s does not answer", id)
		}
	}
}

// A client that stops in the middle of its request, and links that hang, do not keep a node.
func TestANodeEndsThoughARequestNeverDoes(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug)
	leader, _ := c.leader(c.ids...)
	beginPut(t, c.nodes[leader], "k", "half", "never")
	heal := c.cut(leader)
	defer heal()
	start := time.Now()
	if code := c.stop(syscall.SIGTERM, leader); code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("it took %v", time.Since(start).Round(time.Millisecond))
}
