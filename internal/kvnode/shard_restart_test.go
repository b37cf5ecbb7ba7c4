package kvnode

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// scriptedGroup is a new group of one node, n9, that takes what it is handed over as the test wants it.
type scriptedGroup struct {
	server *httptest.Server

	mu      sync.Mutex
	leads   bool
	holdAt  int           // the piece that is taken but not answered; 0 for none
	held    chan struct{} // closed then
	pieces  int
	values  map[string]string
	arrived int // how often all was said to be there
	missing int // values that came only then
}

func newScriptedGroup(t *testing.T) *scriptedGroup {
	g := &scriptedGroup{held: make(chan struct{}), values: make(map[string]string)}
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	return g
}

func (g *scriptedGroup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case pingPath:
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.leads {
			w.Header().Set(leaderHeader, "n9")
			w.Header().Set(termHeader, "1")
		}
		_, _ = io.WriteString(w, "n9")
	case importPath:
		body, err := io.ReadAll(r.Body)
		if err == nil && g.take(scan(body, binaryFormat{}).records) {
			<-r.Context().Done() // until the one who asks is gone
		}
	default:
		_, _ = io.WriteString(w, "the new group's")
	}
}

func (g *scriptedGroup) take(records []record) (hold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pieces++
	for _, r := range records {
		switch r.op {
		case opArrived:
			g.arrived++
		case opPut:
			if g.arrived > 0 && g.values[r.key] != r.value {
				g.missing++
			}
			g.values[r.key] = r.value
		}
	}
	if g.pieces == g.holdAt {
		close(g.held)
		return true
	}
	return false
}

func (g *scriptedGroup) lead() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leads = true
}

func (g *scriptedGroup) complete() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.arrived > 0
}

// A node that hands over keys is killed in the middle, at each step, and is not told again.
func TestAHandoverGoesOnAfterACrashAtAnyStep(t *testing.T) {
	t.Parallel()
	keys := moving(3)
	want := make(map[string]string)
	for i, key := range keys {
		want[key] = strings.Repeat(fmt.Sprint(i), pieceBytes*2/3) // Each is a piece.
	}
	for step, name := range map[int]string{0: "before it begins", 2: "the second piece", 4: "all have arrived", 5: "it is done"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClusterOf(t, 1, noBug)
			c.startAlone("s1")
			for key, value := range want {
				c.writes("n1", "PUT", key, value)
			}
			g := newScriptedGroup(t)
			if step < 5 {
				g.holdAt = step
			}
			c.mustDo("n1", "POST", "/cluster/shards",
				fmt.Sprintf(`{"shard":"s3","nodes":[{"id":"n9","address":%q}]}`, g.server.Listener.Addr()))
			switch step {
			case 0:
				if !c.reads("n1", keys[0], want[keys[0]]) {
					t.Error("while the new group has no leader, its keys are not served")
				}
			case 5:
				g.lead()
				c.eventually("all is handed over", func() bool { return c.handedOver(g) })
			default:
				g.lead()
				<-g.held
				if status, answer := c.do("n1", "GET", "/kv/"+keys[0], ""); status == http.StatusOK && answer != "the new group's" {
					t.Errorf("a key that goes is served: %d %.20q", status, answer)
				}
			}
			c.stop(os.Kill, "n1")
			c.startAlone("s1")
			g.lead()
			c.eventually("all is handed over", func() bool { return c.handedOver(g) })
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.missing > 0 || !maps.Equal(g.values, want) {
				t.Errorf("%d values were handed over, %d came too late, want %d", len(g.values), g.missing, len(want))
			}
		})
	}
}

// startAlone starts n1 in a shard of its own. There are nodes of s1 and s2 as well, which are gone.
func (c *clusterTest) startAlone(shard string, args ...string) {
	c.t.Helper()
	peers := "s1/n2=127.0.0.1:1,s2/n3=127.0.0.1:1"
	if shard == "s1" {
		_, peers, _ = strings.Cut(peers, ",")
	}
	c.nodes["n1"] = startNode(c.t, c.dirs["n1"], noBug, append([]string{"--id", "n1", "--shard", shard, "--peers", peers}, args...)...)
	c.leader("n1")
}

// handedOver tells whether n1 has brought the group all keys, and says so.
func (c *clusterTest) handedOver(g *scriptedGroup) bool {
	status, answer := c.do("n1", "GET", "/kv/"+moving(1)[0], "")
	return g.complete() && status == http.StatusOK && answer == "the new group's" && c.shardOf("n1", moving(1)[0]) == "s3"
}

// A node of a group that joins is killed after each thing that it was handed.
func TestWhatHasArrivedIsThereAfterACrash(t *testing.T) {
	t.Parallel()
	c := newClusterOf(t, 1, noBug)
	key := moving(1)[0]
	start := func() { c.startAlone("s3", "--join") }
	start()
	hand := func(records ...record) {
		t.Helper()
		var body []byte
		for _, r := range records {
			body = binaryFormat{}.encode(body, r)
		}
		c.eventually("a piece is taken", func() bool {
			request, err := http.NewRequest("POST", "http://"+c.nodes["n1"].address+importPath, strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set(calledHeader, "n1")
			response, err := c.client.Do(request)
			if err != nil {
				return false
			}
			response.Body.Close()
			return response.StatusCode == http.StatusOK
		})
		c.stop(os.Kill, "n1")
		start()
	}
	hand(record{op: opImport, key: "s1"}, put(key, "v"))
	if c.shardOf("n1", key) != "s1" {
		t.Error("a key has arrived before all have")
	}
	if status, _ := c.do("n1", "GET", "/kv/"+key, ""); status != http.StatusServiceUnavailable {
		t.Errorf("a key that has not arrived, of a group that is gone: %d", status)
	}
	hand(record{op: opArrived, key: "s1"})
	c.readsNothingElse("n1", key, "v")
	c.eventually("a write", func() bool { status, _ := c.do("n1", "PUT", "/kv/"+key, "w"); return status == http.StatusOK })
	hand(record{op: opImport, key: "s1"}, put(key, "v"))
	c.readsNothingElse("n1", key, "w")
	if c.shardOf("n1", key) != "s3" {
		t.Error("a key that has arrived is elsewhere")
	}
}
