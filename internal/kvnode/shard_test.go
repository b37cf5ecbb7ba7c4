package kvnode

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// shardsOf prepares groups s1, s2, … of so many nodes each: n1, n2, …
func shardsOf(t *testing.T, b bug, sizes []int, args ...string) *clusterTest {
	t.Helper()
	total := 0
	for _, size := range sizes {
		total += size
	}
	c := newClusterOf(t, total, b, args...)
	c.shards, c.joining, c.told = make(map[string]string), make(map[string]bool), make(map[string]bool)
	next := 0
	for i, size := range sizes {
		for range size {
			c.shards[c.ids[next]] = fmt.Sprintf("s%d", i+1)
			next++
		}
	}
	return c
}

// runningShards starts groups and waits until each has a leader, and everybody sees all alive.
func runningShards(t *testing.T, b bug, sizes []int, args ...string) *clusterTest {
	t.Helper()
	c := shardsOf(t, b, sizes, args...)
	c.start(c.ids...)
	c.waitUntilSettled()
	return c
}

// group is the nodes of a shard.
func (c *clusterTest) group(shard string) []string {
	return slices.DeleteFunc(slices.Clone(c.ids), func(id string) bool { return c.shards[id] != shard })
}

// cutBetween cuts two sets of nodes off from each other, until the function is called that it returns.
func (c *clusterTest) cutBetween(some, others []string) (heal func()) {
	c.t.Helper()
	var directions []netsim.Direction
	for _, from := range some {
		for _, to := range others {
			directions = append(directions, netsim.Direction{From: from, To: to}, netsim.Direction{From: to, To: from})
		}
	}
	fault, err := c.net.Inject(netsim.Conditions{Cut: true}, directions...)
	if err != nil {
		c.t.Fatal(err)
	}
	return fault.Heal
}

// shardOf is the shard that a node names for a key.
func (c *clusterTest) shardOf(id, key string) string {
	c.t.Helper()
	var got keyShard
	if err := json.Unmarshal([]byte(c.mustDo(id, "GET", "/cluster/shards/"+key, "")), &got); err != nil || got.Key != key {
		c.t.Fatalf("%s: shard of %s: %+v, %v", id, key, got, err)
	}
	return got.Shard
}

// writes has a node write or delete a key until that is acknowledged: on a busy machine a leader may be deposed at any time.
func (c *clusterTest) writes(id, method, key, value string) {
	c.t.Helper()
	c.eventually(method+" of "+key+" through "+id, func() bool {
		status, _ := c.do(id, method, "/kv/"+key, value)
		return status == http.StatusOK
	})
}

// findsNothing reads until there is an answer, which has to be that there is no value.
func (c *clusterTest) findsNothing(id, key string) {
	c.t.Helper()
	c.eventually("a read through "+id, func() bool {
		status, answer := c.do(id, "GET", "/kv/"+key, "")
		if status == http.StatusOK {
			c.t.Fatalf("%s reads %s = %.60q, which is deleted", id, key, answer)
		}
		return status == http.StatusNotFound
	})
}

// keysIn are some keys of a shard, as a correct node places them among these.
func keysIn(shard string, shards []string, prefix string, count int) []string {
	var keys []string
	for i := 0; len(keys) < count; i++ {
		if key := fmt.Sprintf("%s%d", prefix, i); (placement{shards: shards}).owner(key) == shard {
			keys = append(keys, key)
		}
	}
	return keys
}

var twoShards, threeShards = []string{"s1", "s2"}, []string{"s1", "s2", "s3"}

func TestAnyNodeAnswersForAnyKey(t *testing.T) {
	t.Parallel()
	for _, forward := range []string{"pass", "redirect"} {
		t.Run(forward, func(t *testing.T) {
			t.Parallel()
			c := runningShards(t, noBug, []int{2, 2}, "--forward", forward)
			c.client = &http.Client{Timeout: patience, Transport: c.client.Transport} // It follows redirects.
			value := strings.Repeat("large 😀\n", 80_000)
			for _, shard := range twoShards {
				for i, key := range keysIn(shard, twoShards, "k", len(c.ids)) {
					c.writes(c.ids[i], "PUT", key, value)
					for _, id := range c.ids {
						c.readsNothingElse(id, key, value)
						if got := c.shardOf(id, key); got != shard {
							t.Errorf("%s says that %s has %s, want %s", id, got, key, shard)
						}
					}
					value = fmt.Sprint("small ", i)
					c.writes(c.ids[len(c.ids)-1-i], "DELETE", key, "")
					for _, id := range c.ids {
						c.findsNothing(id, key)
					}
				}
			}
			for _, id := range c.ids {
				info := c.info(id)
				if info.Shard != c.shards[id] || info.Leader == nil || c.shards[*info.Leader] != info.Shard || len(info.Nodes) != len(c.ids) {
					t.Errorf("%s: %+v", id, info)
				}
			}
		})
	}
}

func TestShardsAreAskedForAsTheContractSays(t *testing.T) {
	t.Parallel()
	c := runningShards(t, noBug, []int{1, 1})
	for _, r := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/cluster/shards/", 400, "key cannot be empty"},
		{"PUT", "/cluster/shards/k", 405, "method not allowed"},
		{"GET", "/cluster/shards", 405, "method not allowed"},
		{"POST", "/cluster/shards", 400, ""},
		{"GET", "/cluster/shards/a:b_c.d-e", 200, `{"key":"a:b_c.d-e","shard":"s`},
		{"PUT", "/kv/", 400, "key cannot be empty"},
		{"POST", "/kv/k", 405, "method not allowed"},
		{"DELETE", "/clear", 404, "not found"},
		{"POST", importPath, 421, "n2"},
	} {
		for _, id := range c.ids[1:] {
			if status, answer := c.do(id, r.method, r.path, "{}"); status != r.status || !strings.Contains(answer, r.says) {
				t.Errorf("%s %s: %d %q, want %d %q", r.method, r.path, status, answer, r.status, r.says)
			}
		}
	}
	for _, key := range keysIn("s2", twoShards, "k", 3) {
		for _, id := range c.ids {
			if status, answer := c.do(id, "PUT", "/kv/"+key, ""); status != 400 || answer != "value cannot be empty" {
				t.Errorf("an empty value through %s: %d %q", id, status, answer)
			}
		}
	}
	for hops, want := range map[string]int{"": 200, "0": 200, "1": 200, "2": 503, "3": 503, "-1": 503, "x": 503} {
		if status := c.hopping("n1", "PUT", keysIn("s2", twoShards, "k", 1)[0], hops); status != want {
			t.Errorf("a request that was passed on between groups %q times: %d, want %d", hops, status, want)
		}
	}
}

// The nodes of a group are killed, and come back.
func TestADeadGroupTakesOnlyItsOwnKeys(t *testing.T) {
	t.Parallel()
	c := runningShards(t, noBug, []int{2, 2})
	key, lost := keysIn("s1", twoShards, "k", 1)[0], keysIn("s2", twoShards, "k", 1)[0]
	c.writes("n3", "PUT", key, "v")
	c.writes("n1", "PUT", lost, "v")
	c.stop(os.Kill, c.group("s2")...)
	for _, id := range c.group("s1") {
		start := time.Now()
		for method, body := range map[string]string{"GET": "", "PUT": "w", "DELETE": ""} {
			if status, answer := c.do(id, method, "/kv/"+lost, body); status != http.StatusServiceUnavailable {
				t.Errorf("%s of a dead group's key at %s: %d %q", method, id, status, answer)
			}
		}
		t.Logf("it took %v", time.Since(start).Round(time.Millisecond))
		c.writes(id, "PUT", key, id)
		c.readsNothingElse(id, key, id)
	}
	c.start(c.group("s2")...)
	for _, id := range c.ids {
		c.readsNothingElse(id, lost, "v")
	}
}

func TestACutBetweenGroupsLeavesEachItsOwnKeys(t *testing.T) {
	t.Parallel()
	c := runningShards(t, noBug, []int{2, 2})
	heal := c.cutBetween(c.group("s1"), c.group("s2"))
	for i, shard := range twoShards {
		key, other := keysIn(shard, twoShards, "k", 1)[0], keysIn(twoShards[1-i], twoShards, "k", 1)[0]
		for _, id := range c.group(shard) {
			c.writes(id, "PUT", key, id)
		}
		status, answer := c.do(c.group(shard)[0], "PUT", "/kv/"+other, "lost?")
		if status != http.StatusServiceUnavailable && status != http.StatusGatewayTimeout {
			t.Errorf("a write to the other side of a cut: %d %q", status, answer)
		}
	}
	heal()
	for i, shard := range twoShards {
		key := keysIn(shard, twoShards, "k", 1)[0]
		c.eventuallyReads(c.group(twoShards[1-i])[0], key, c.group(shard)[1])
	}
}

func TestALostLeaderIsNotMissedByTheOtherGroup(t *testing.T) {
	t.Parallel()
	c := runningShards(t, noBug, []int{1, 3})
	old, _ := c.leader(c.group("s2")...)
	key, other := keysIn("s1", twoShards, "k", 1)[0], keysIn("s2", twoShards, "k", 1)[0]
	c.writes("n1", "PUT", other, "v")
	c.stop(os.Kill, old)
	for _, id := range c.group("s1") {
		c.writes(id, "PUT", key, id)
	}
	for _, id := range c.group("s1") {
		c.readsNothingElse(id, other, "v")
	}
	left := slices.DeleteFunc(c.group("s2"), func(id string) bool { return id == old })
	c.leader(left...)
	c.start(old)
	c.readsNothingElse(old, key, "n1")
}

// hopping sends a request as if it had been passed on between groups so often, and returns the status.
func (c *clusterTest) hopping(id, method, key, hops string) int {
	c.t.Helper()
	request, err := http.NewRequest(method, "http://"+c.nodes[id].address+"/kv/"+key, strings.NewReader("v"))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set(groupHopsHeader, hops)
	response, err := c.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
