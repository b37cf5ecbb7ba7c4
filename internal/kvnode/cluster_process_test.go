package kvnode

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// clusterTest is nodes in processes of their own, over links that can be cut.
type clusterTest struct {
	t      *testing.T
	bug    bug
	args   []string
	ids    []string
	net    *netsim.Network
	dirs   map[string]string
	nodes  map[string]*nodeProcess
	client *http.Client

	// What follows is for clusters with shards.
	shards  map[string]string // of each node
	joining map[string]bool   // nodes of a group that joins
	told    map[string]bool   // nodes that were told of it

	markers int // of caughtUp
}

// Flags of a cluster whose leader is fixed, and whether it alone answers reads.
var (
	fixedLeads = []string{"--replication", "async", "--reads", "leader"}
	copiesLag  = []string{"--replication", "async", "--reads", "local"}
)

// newClusterTest prepares a cluster of three; start starts its nodes.
func newClusterTest(t *testing.T, b bug, args ...string) *clusterTest {
	t.Helper()
	return newClusterOf(t, 3, b, args...)
}

func newClusterOf(t *testing.T, size int, b bug, args ...string) *clusterTest {
	t.Helper()
	client := newClient(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = 10 * time.Second
	c := &clusterTest{t: t, bug: b, args: slices.Clone(args), net: netsim.New(t.Context(), netsim.Config{}),
		dirs: make(map[string]string), nodes: make(map[string]*nodeProcess), client: client}
	t.Cleanup(func() {
		if err := c.net.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range size {
		id := fmt.Sprintf("n%d", i+1)
		c.ids = append(c.ids, id)
		c.dirs[id] = t.TempDir()
	}
	return c
}

// runningCluster starts all nodes and waits until each reports the others alive, and a leader, which need not be the same.
func runningCluster(t *testing.T, b bug, args ...string) *clusterTest {
	t.Helper()
	c := newClusterTest(t, b, args...)
	c.start(c.ids...)
	c.waitUntilSettled()
	return c
}

func (c *clusterTest) waitUntilSettled() {
	c.t.Helper()
	for _, id := range c.ids {
		c.eventually("node "+id+" sees all others alive, and a leader", func() bool {
			info := c.info(id)
			return info.Leader != nil && !slices.ContainsFunc(info.Nodes, func(n memberInfo) bool { return !n.Alive })
		})
	}
}

func (c *clusterTest) link(from, to string) *netsim.Link {
	c.t.Helper()
	link, err := c.net.Link(from, to)
	if err != nil {
		c.t.Fatal(err)
	}
	return link
}

// others are all nodes but one.
func (c *clusterTest) others(id string) []string {
	return slices.DeleteFunc(slices.Clone(c.ids), func(other string) bool { return other == id })
}

func (c *clusterTest) start(ids ...string) {
	c.t.Helper()
	for _, id := range ids {
		if !c.tryStart(id) {
			c.t.Fatalf("%s does not listen: %q", id, c.nodes[id].log)
		}
	}
}

// tryStart is start for a node that may end instead.
func (c *clusterTest) tryStart(id string) (listens bool) {
	c.t.Helper()
	var peers []string
	for _, other := range c.others(id) {
		if !c.joining[other] || c.joining[id] || c.told[id] {
			peers = append(peers, c.name(other)+"="+c.link(id, other).Addr())
		}
	}
	args := append([]string{"--id", id, "--peers", strings.Join(peers, ",")}, c.args...)
	if shard := c.shards[id]; shard != "" {
		args = append(args, "--shard", shard, "--join="+strconv.FormatBool(c.joining[id]))
	}
	if c.nodes[id], listens = tryNode(c.t, c.dirs[id], c.bug, args...); !listens {
		return false
	}
	for _, other := range c.others(id) {
		if err := c.link(other, id).Up(c.nodes[id].address); err != nil {
			c.t.Fatal(err)
		}
	}
	return true
}

// name is how --peers calls a node.
func (c *clusterTest) name(id string) string {
	if shard := c.shards[id]; shard != "" {
		return shard + "/" + id
	}
	return id
}

// stop ends nodes by a signal and returns the exit code of the last one.
func (c *clusterTest) stop(signal os.Signal, ids ...string) (code int) {
	c.t.Helper()
	for _, id := range ids {
		code = c.nodes[id].end(signal)
		for _, other := range c.others(id) {
			if err := c.link(other, id).Down(); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	return code
}

func (c *clusterTest) signal(id string, signal os.Signal) {
	c.t.Helper()
	if err := c.nodes[id].cmd.Process.Signal(signal); err != nil {
		c.t.Fatal(err)
	}
}

// cut cuts a node off from all others, until the function is called that it returns.
func (c *clusterTest) cut(id string) (heal func()) {
	c.t.Helper()
	var directions []netsim.Direction
	for _, other := range c.others(id) {
		directions = append(directions, netsim.Direction{From: id, To: other}, netsim.Direction{From: other, To: id})
	}
	fault, err := c.net.Inject(netsim.Conditions{Cut: true}, directions...)
	if err != nil {
		c.t.Fatal(err)
	}
	return fault.Heal
}

// do sends a request to a node; a request without an answer has status 0.
func (c *clusterTest) do(id, method, path, body string) (int, string) {
	status, answer, err := c.nodes[id].do(c.client, method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	if status >= 400 {
		answer = strings.TrimSuffix(answer, "\n")
	}
	return status, answer
}

// mustDo sends a request that has to be answered 200.
func (c *clusterTest) mustDo(id, method, path, body string) string {
	c.t.Helper()
	status, answer := c.do(id, method, path, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s at %s: %d %.100q", method, path, id, status, answer)
	}
	return answer
}

// put writes keys PREFIX0, PREFIX1, … at a node, with a few clients.
func (c *clusterTest) put(id, prefix string, keys int, value string) {
	c.t.Helper()
	var running sync.WaitGroup
	for w := range 8 {
		running.Go(func() {
			for i := w; i < keys; i += 8 {
				if status, answer := c.do(id, "PUT", fmt.Sprintf("/kv/%s%d", prefix, i), value); status != 200 {
					c.t.Errorf("PUT %s%d at %s: %d %.100q", prefix, i, id, status, answer)
					return
				}
			}
		})
	}
	running.Wait()
}

func (c *clusterTest) info(id string) clusterInfo {
	c.t.Helper()
	var info clusterInfo
	if err := json.Unmarshal([]byte(c.mustDo(id, "GET", "/cluster/info", "")), &info); err != nil {
		c.t.Fatal(err)
	}
	return info
}

// alive tells whether a node reports another one alive.
func (c *clusterTest) alive(id, other string) bool {
	c.t.Helper()
	for _, n := range c.info(id).Nodes {
		if n.ID == other {
			return n.Alive
		}
	}
	return false
}

// patience is how long something may take that a correct node does within two seconds, on a machine that does much else.
const patience = 20 * time.Second

func (c *clusterTest) eventually(what string, holds func() bool) {
	c.t.Helper()
	if !within(patience, holds) {
		c.t.Fatalf("not after %v: %s", patience, what)
	}
}

// within polls until a condition holds, or the time is over.
func within(limit time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// reads tells whether a node answers a read with a value, or with 404 for "".
func (c *clusterTest) reads(id, key, value string) bool {
	status, answer := c.do(id, "GET", "/kv/"+key, "")
	if value == "" {
		return status == http.StatusNotFound
	}
	return status == http.StatusOK && answer == value
}

func (c *clusterTest) eventuallyReads(id, key, value string) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%s reads %s = %.20q", id, key, value), func() bool { return c.reads(id, key, value) })
}

// hasKeys checks that a node has the keys PREFIX0, PREFIX1, …
func (c *clusterTest) hasKeys(id, prefix string, keys int, value string) {
	c.t.Helper()
	for i := range keys {
		if key := fmt.Sprintf("%s%d", prefix, i); !c.reads(id, key, value) {
			c.t.Errorf("%s does not have %s", id, key)
			return
		}
	}
}
