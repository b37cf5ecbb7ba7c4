package kvnode

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func clusterSymptoms() map[bug]symptom {
	return map[bug]symptom{
		twoLeaders:             inCluster(func(c *clusterTest) bool { return *c.info("n2").Leader != "n1" }, fixedLeads...),
		waitsForOrder:          leaderNeverFound,
		leadsWhileAlone:        writesWithNobodyElse,
		staleMembership:        deadIsAlive,
		neverReturns:           returnedIsDead,
		infoOmitsItself:        inCluster(func(c *clusterTest) bool { return len(c.info("n2").Nodes) != 3 }, fixedLeads...),
		ackWithoutForwarding:   atLeader("n2 PUT /kv/k v", "n1 GET /kv/k → 200 v"),
		ackBeforeForwarding:    rounds(5, atLeader("n2 PUT /kv/k v", "n1 GET /kv/k → 200 v")),
		redirectToWrongNode:    redirectsElsewhere,
		wrongSlot:              rounds(10, answersMixed),
		localReads:             rounds(5, atLeader("n1 PUT /kv/k v", "n2 GET /kv/k → 200 v")),
		cachesForwardedReads:   rounds(5, atLeader("n2 GET /kv/k", "n1 PUT /kv/k v", "n2 GET /kv/k → 200 v")),
		retriesForwarding:      writeComesBack,
		timeoutMeansNotWritten: refusedWriteIsThere,
		forwardCutsBody:        atLeader("n2 PUT /kv/k "+strings.Repeat("x", 100_000), "n1 GET /kv/k → 200 "+strings.Repeat("x", 100_000)),
		forwardLosesStatus:     atLeader("n2 GET /kv/k → 404 key not found"),

		dropsReplicatedWrite: inCluster(replicaMissesKeys, copiesLag...),
		appliesOutOfOrder:    olderWins,
		deletesNotReplicated: inCluster(deletedStays, copiesLag...),
		catchUpSkips:         snapshotClaimsMore,
		snapshotMerges:       mergedStays,
		positionForgotten:    inCluster(missesWhatCameWhileDown, copiesLag...),
		positionBeforeData:   inCluster(losesInCrash, copiesLag...),
		neverReconnects:      givesUp,
		oneQueueForAll:       askedOnceIsGone,
		shipsOneBehind:       newestNotSent,
		readsNeedLeader:      inCluster(refusesWithoutLeader("GET"), copiesLag...),
		readsGoToLeader:      inCluster(refusesWithoutLeader("GET"), copiesLag...),
		acceptsWhenAlone:     inCluster(func(c *clusterTest) bool { return !refusesWithoutLeader("PUT")(c) }, copiesLag...),
	}
}

// inCluster runs a symptom in a cluster that is up.
func inCluster(s func(c *clusterTest) bool, args ...string) symptom {
	return func(t *testing.T, b bug) bool { return s(runningCluster(t, b, args...)) }
}

// atLeader sends requests, "NODE METHOD PATH BODY → STATUS ANSWER", to a cluster where the leader answers all reads.
func atLeader(requests ...string) symptom {
	return inCluster(func(c *clusterTest) bool {
		for _, request := range requests {
			request, want, compared := strings.Cut(request, " → ")
			parts := append(strings.SplitN(request, " ", 4), "")
			status, answer := c.do(parts[0], parts[1], parts[2], parts[3])
			if compared && fmt.Sprintf("%d %s", status, answer) != want {
				return true
			}
		}
		return false
	}, fixedLeads...)
}

// Symptoms of stage clustering.

func leaderNeverFound(t *testing.T, b bug) bool {
	c := newClusterTest(t, b, fixedLeads...)
	c.start("n3")
	if b == waitsForOrder {
		for c.nodes["n3"].more.Scan() && c.nodes["n3"].more.Text() != "no leader found" {
		}
	}
	c.start("n1")
	status, _ := c.do("n3", "PUT", "/kv/k", "v")
	return status != http.StatusOK
}

func writesWithNobodyElse(t *testing.T, b bug) bool {
	c := newClusterTest(t, b, fixedLeads...)
	c.start("n2")
	status, _ := c.do("n2", "PUT", "/kv/k", "v")
	return status == http.StatusOK || *c.info("n2").Leader != "n1"
}

func deadIsAlive(_ *testing.T, b bug) bool {
	l := liveness{bug: b, answered: time.Now().Add(-aliveTime)}
	return l.alive()
}

func returnedIsDead(_ *testing.T, b bug) bool {
	l := liveness{bug: b, answered: time.Now().Add(-aliveTime)}
	l.pinged(true)
	return !l.alive()
}

func redirectsElsewhere(t *testing.T, b bug) bool {
	c := runningCluster(t, b, append(fixedLeads, "--forward", "redirect")...)
	response, err := c.client.Get("http://" + c.nodes["n2"].address + "/kv/k")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return !strings.Contains(response.Header.Get("Location"), c.link("n2", "n1").Addr())
}

func answersMixed(t *testing.T, b bug) bool {
	return inCluster(func(c *clusterTest) bool {
		keys := []string{"a", "b", "c", "d", "e", "f"}
		for _, key := range keys {
			c.mustDo("n1", "PUT", "/kv/"+key, key)
		}
		mixed := make([]bool, len(keys))
		var running sync.WaitGroup
		for i, key := range keys {
			running.Go(func() { mixed[i] = !c.reads("n2", key, key) })
		}
		running.Wait()
		return fmt.Sprint(mixed) != fmt.Sprint(make([]bool, len(keys)))
	}, fixedLeads...)(t, b)
}

// writeComesBack overwrites each value that it has read while its write is still under way.
func writeComesBack(t *testing.T, b bug) bool {
	c := runningCluster(t, b, fixedLeads...)
	for i := range 2 * lateAnswerEvery {
		key := fmt.Sprintf("k%d", i)
		written := make(chan struct{})
		go func() {
			defer close(written)
			c.do("n2", "PUT", "/kv/"+key, "first")
		}()
		c.eventuallyReads("n1", key, "first")
		c.mustDo("n1", "PUT", "/kv/"+key, "second")
		<-written
		if !c.reads("n1", key, "second") {
			return true
		}
	}
	return false
}

func refusedWriteIsThere(t *testing.T, b bug) bool {
	c := runningCluster(t, b, fixedLeads...)
	for i := range 2 * lateAnswerEvery {
		key := fmt.Sprintf("k%d", i)
		status, _ := c.do("n2", "PUT", "/kv/"+key, "v")
		if status >= 400 && status < 500 && c.reads("n1", key, "v") {
			return true
		}
	}
	return false
}

// Symptoms of stage read-replicas.

// caughtUp waits until a follower has what was written before: a marker after it, or the next one if that is dropped.
func (c *clusterTest) caughtUp(id string) {
	c.t.Helper()
	c.eventually(id+" has caught up", func() bool {
		c.markers++ // each is new: an old one may be there already
		key := fmt.Sprintf("marker%d", c.markers)
		c.mustDo("n1", "PUT", "/kv/"+key, "v")
		return within(time.Second, func() bool { return c.reads(id, key, "v") })
	})
}

func replicaMissesKeys(c *clusterTest) bool {
	c.put("n1", "k", 2*dropsEvery, "v")
	c.caughtUp("n2")
	for i := range 2 * dropsEvery {
		if !c.reads("n2", fmt.Sprintf("k%d", i), "v") {
			return true
		}
	}
	return false
}

func deletedStays(c *clusterTest) bool {
	c.mustDo("n1", "PUT", "/kv/k", "v")
	c.eventuallyReads("n2", "k", "v")
	c.mustDo("n1", "DELETE", "/kv/k", "")
	c.caughtUp("n2")
	return !c.reads("n2", "k", "")
}

func missesWhatCameWhileDown(c *clusterTest) bool {
	c.caughtUp("n2")
	c.stop(os.Kill, "n2")
	c.mustDo("n1", "PUT", "/kv/k", "v")
	c.start("n2")
	c.caughtUp("n2")
	return !c.reads("n2", "k", "v")
}

func losesInCrash(c *clusterTest) bool {
	c.mustDo("n1", "PUT", "/kv/k", "v")
	c.eventuallyReads("n2", "k", "v")
	c.stop(os.Kill, "n2")
	c.start("n2")
	c.caughtUp("n2")
	return !c.reads("n2", "k", "v")
}

// givesUp answers a follower's first fetch, and fails the next one. A follower either asks a third time or ends.
func givesUp(t *testing.T, b bug) bool {
	_, s := openSender(t, noBug)
	var fetches atomic.Int64
	askedAgain := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != logPath { // the snapshot belongs to the first fetch
			s.ServeHTTP(w, r)
			return
		}
		switch fetches.Add(1) {
		case 1:
			s.ServeHTTP(w, r)
		case 2:
			w.WriteHeader(http.StatusInternalServerError)
		case 3:
			close(askedAgain)
		}
	}))
	defer server.Close()
	e, err := openEngine(t.TempDir(), b, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, e)
	f := newLogReceiver(e, server.Listener.Addr().String(), t.Logf)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	select {
	case <-ended:
		return true
	case <-askedAgain:
		return false
	}
}

// refusesWithoutLeader tells whether a follower does not answer 200 once the leader is dead.
func refusesWithoutLeader(method string) func(c *clusterTest) bool {
	return func(c *clusterTest) bool {
		c.mustDo("n1", "PUT", "/kv/k", "v")
		c.eventually("the followers have the value", func() bool {
			status, _ := c.do("n2", "GET", "/kv/k", "")
			return status == http.StatusOK
		})
		c.stop(os.Kill, "n1")
		c.eventually("n2 sees n1 dead", func() bool { return !c.alive("n2", "n1") })
		status, _ := c.do("n2", method, "/kv/k", "w")
		return status != http.StatusOK
	}
}

// openCopy opens an engine that has a history.
func openCopy(t *testing.T, b bug) *engine {
	t.Helper()
	e, err := openEngine(t.TempDir(), b, t.Logf)
	if err == nil {
		err = e.beginEpoch("n1-test")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, e) })
	return e
}

func openSender(t *testing.T, b bug) (*engine, *logSender) {
	t.Helper()
	e := openCopy(t, b)
	s, err := newLogSender(t.Context(), "n1", e)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

func olderWins(t *testing.T, b bug) bool {
	e := openCopy(t, b)
	if err := e.replicate("n1-test", 0, []record{put("k", "old"), put("k", "new")}); err != nil {
		t.Fatal(err)
	}
	return within(2*heldTime, func() bool {
		if err := e.bugs.applyHeld(); err != nil {
			t.Fatal(err)
		}
		return has(e, map[string]string{"k": "old"})
	})
}

func snapshotClaimsMore(t *testing.T, b bug) bool {
	e, s := openSender(t, b)
	mustWrite(t, e, put("before", "v"))
	taken := e.copyOut()
	mustWrite(t, e, put("k", "v"))
	sent := s.bugs.misdate(taken)
	return sent.position != 1 && sent.values["k"] == ""
}

func mergedStays(t *testing.T, b bug) bool {
	e := openCopy(t, b)
	mustWrite(t, e, put("k", "v"))
	_, s := openSender(t, noBug)
	server := httptest.NewServer(s)
	defer server.Close()
	f := newLogReceiver(e, server.Listener.Addr().String(), t.Logf)
	if err := f.fetchSnapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	return !has(e, map[string]string{"k": ""})
}

func askedOnceIsGone(t *testing.T, b bug) bool {
	e, s := openSender(t, b)
	mustWrite(t, e, put("k", "v"))
	for range 2 {
		records, ok := s.wait(t.Context(), httptest.NewRecorder(), 0)
		if !ok || len(records) != 1 {
			return true
		}
	}
	return false
}

func newestNotSent(t *testing.T, b bug) bool {
	e, s := openSender(t, b)
	mustWrite(t, e, put("k", "v"), put("k", "w"))
	records, ok := s.wait(t.Context(), httptest.NewRecorder(), 0)
	return !ok || len(records) != 2
}
