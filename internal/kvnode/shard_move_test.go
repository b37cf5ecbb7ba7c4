package kvnode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// shardLoad is clients that write, read and delete keys through nodes of their own, and what they saw.
type shardLoad struct {
	c     *clusterTest
	keys  []string
	began time.Time

	mu         sync.Mutex
	operations []history.Operation
	clients    int
}

// startLoad begins with so many clients at each of these nodes. stop ends them.
func startLoad(c *clusterTest, keys []string, each int, ids ...string) (l *shardLoad, stop func()) {
	l = &shardLoad{c: c, keys: keys, began: time.Now()}
	ctx, cancel := context.WithCancel(c.t.Context())
	var running sync.WaitGroup
	for _, id := range ids {
		address := c.nodes[id].address // What a restarted node listens on later is not for this client.
		for range each {
			running.Go(func() { l.run(ctx, id, address, rand.New(rand.NewPCG(7, uint64(len(keys))))) })
		}
	}
	return l, func() { cancel(); running.Wait() }
}

func (l *shardLoad) nextClient() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients++
	return l.clients
}

func (l *shardLoad) run(ctx context.Context, id, address string, r *rand.Rand) {
	me := l.nextClient()
	r = rand.New(rand.NewPCG(uint64(me), r.Uint64()))
	for i := 0; ctx.Err() == nil; i++ {
		o := history.Operation{Client: me, Node: id, Key: l.keys[r.IntN(len(l.keys))]}
		switch n := r.IntN(10); {
		case n < 5:
			o.Kind = history.Get
		case n < 9:
			o.Kind, o.Value = history.Put, fmt.Sprintf("c%d-%d", me, i)
		default:
			o.Kind = history.Delete
		}
		if !l.do(address, &o) {
			me = l.nextClient()
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// do carries out an operation and records it; it returns false if its outcome is not known.
func (l *shardLoad) do(address string, o *history.Operation) bool {
	method := map[history.Kind]string{history.Get: "GET", history.Put: "PUT", history.Delete: "DELETE"}[o.Kind]
	node := &nodeProcess{address: address}
	o.Call = time.Since(l.began)
	status, answer, err := node.do(l.c.client, method, "/kv/"+o.Key, o.Value)
	o.Return, o.Status = time.Since(l.began), status
	switch {
	case err == nil && status == http.StatusOK:
		o.Outcome = history.OK
		if o.Kind == history.Get {
			o.Value, o.Present = answer, true
		}
	case err == nil && status == http.StatusNotFound && o.Kind == history.Get:
		o.Outcome = history.OK
	case err != nil && unreached(err):
		o.Outcome = history.Failed
	default:
		o.Outcome = history.Unknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o.ID = int64(len(l.operations))
	l.operations = append(l.operations, *o)
	return o.Outcome == history.OK
}

// judge tells whether what was seen is linearizable, and how long a key was not served at most.
func (l *shardLoad) judge() (worst time.Duration) {
	t := l.c.t
	t.Helper()
	h := &history.History{Operations: l.operations}
	h.Model = "linearizable"
	verdict, err := models.Check(t.Context(), h, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdict.Violations {
		t.Errorf("%s: %s: %s", v.Key, v.Rule, v.Sentence)
	}
	if verdict.Status != models.Valid {
		t.Errorf("the history is %v: %s", verdict.Status, verdict.Reason)
	}
	down := make(map[string]time.Duration) // since when a key is not served
	acknowledged := 0
	for _, o := range l.operations { // They are in the order of their ends.
		switch since, ok := down[o.Key]; {
		case o.Outcome != history.OK && !ok:
			down[o.Key] = o.Call
		case o.Outcome == history.OK && ok:
			worst = max(worst, o.Return-since)
			delete(down, o.Key)
		}
		if o.Outcome == history.OK {
			acknowledged++
		}
	}
	t.Logf("%d of %d operations succeeded; no key was down for more than %v", acknowledged, len(l.operations), worst.Round(time.Millisecond))
	if acknowledged < 100 {
		t.Error("too few succeeded")
	}
	return worst
}

// moved waits until all nodes name the same shard for each key, s3 for those that it is to have, and reads them all.
func (c *clusterTest) moved(l *shardLoad) {
	c.t.Helper()
	after := placement{shards: threeShards}
	for _, id := range c.ids {
		c.eventually("all keys have moved, says "+id, func() bool {
			for _, key := range l.keys {
				if c.shardOf(id, key) != after.owner(key) {
					return false
				}
			}
			return true
		})
	}
	for i, key := range l.keys {
		o := history.Operation{Client: l.nextClient(), Kind: history.Get, Key: key, Node: c.ids[i%len(c.ids)], Final: true}
		if !within(patience, func() bool { return l.do(c.nodes[o.Node].address, &o) }) {
			status, answer := c.do(o.Node, "GET", "/kv/"+key, "")
			c.t.Fatalf("%s does not read %s, which %s has: %d %q", o.Node, key, after.owner(key), status, answer)
		}
	}
}

func numbered(count int) []string {
	var keys []string
	for i := range count {
		keys = append(keys, fmt.Sprintf("k%d", i))
	}
	return keys
}

func TestAGroupJoinsWhileClientsAreRedirected(t *testing.T) {
	t.Parallel()
	c := runningShards(t, noBug, []int{2, 1}, "--forward", "redirect")
	c.client = &http.Client{Timeout: patience, Transport: c.client.Transport}
	large := strings.Repeat("large 😀\n", 60_000)
	for i := range 6 {
		c.writes("n1", "PUT", fmt.Sprint("large", i), large)
	}
	c.prepareJoin(2)
	l, stop := startLoad(c, numbered(60), 2, c.ids...)
	c.tell(c.founders()...)
	c.tell(c.founders()...) // as after answers that were lost
	c.moved(l)
	stop()
	for i := range 6 {
		c.readsNothingElse("n5", fmt.Sprintf("large%d", i), large)
	}
	l.judge()
}

func TestAGroupJoinsWhileNodesFail(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(c *clusterTest) (heal func()){
		"leaders are killed and paused": func(c *clusterTest) func() {
			paused, _ := c.leader(c.group("s1")...)
			killed, _ := c.leader(c.group("s3")...)
			c.signal(paused, syscall.SIGSTOP)
			c.stop(os.Kill, killed)
			return func() {
				c.signal(paused, syscall.SIGCONT)
				c.start(killed)
			}
		},
		"groups are killed": func(c *clusterTest) func() {
			killed := append(c.group("s1"), c.group("s3")...)
			c.stop(os.Kill, killed...)
			return func() { c.start(killed...) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := runningShards(t, noBug, []int{3, 1})
			c.prepareJoin(3)
			l, stop := startLoad(c, numbered(60), 2, c.founders()...)
			c.tell(c.founders()...)
			heal := fail(c)
			time.Sleep(1500 * time.Millisecond) // long enough for a new leader, if the fault needs one
			heal()
			c.moved(l)
			stop()
			l.judge()
		})
	}
}
