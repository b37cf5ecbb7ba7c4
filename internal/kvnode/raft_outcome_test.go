package kvnode

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// elected is an election whose outcome a test sets.
type elected struct {
	id   string
	term uint64
}

func (e *elected) leader() (string, uint64) { return e.id, e.term }

// scripted is a store whose writes end as a test sets it.
type scripted struct {
	err    error
	writes atomic.Int64
}

func (s *scripted) get(string) (string, bool) { return "v", true }
func (s *scripted) write(record) error        { s.writes.Add(1); return s.err }
func (s *scripted) close() error              { return nil }

// outcomeTest is a node, n1, of three, whose store and election are scripted.
type outcomeTest struct {
	serveTest
	cluster   *cluster
	election  *elected
	store     *scripted
	confirmed error
}

func newOutcomeTest(t *testing.T, b bug, peers ...member) *outcomeTest {
	t.Helper()
	if len(peers) == 0 {
		peers = []member{{id: "n2", address: "127.0.0.1:1"}, {id: "n3", address: "127.0.0.1:1"}}
	}
	o := &outcomeTest{election: &elected{}, store: &scripted{}}
	h := &handler{store: o.store, bug: b}
	o.cluster = &cluster{
		clusterConfig: clusterConfig{id: "n1", members: peers, reads: readsLeader, replicated: replicationRaft, forward: forwardPass},
		bug:           b, election: o.election, client: h, peers: make(map[string]*peer),
		confirm: func(context.Context) error { return o.confirmed },
	}
	h.cluster = o.cluster
	for _, m := range peers {
		o.cluster.peers[m.id] = &peer{member: m, requests: newPeerClient(m.address, 1)}
	}
	o.cluster.bugs.open(o.cluster, o.store, t.Logf)
	o.serveTest = serveTest{t: t, server: httptest.NewServer(o.cluster)}
	t.Cleanup(func() {
		o.server.Close()
		o.cluster.close()
	})
	o.cluster.stop = func() {}
	return o
}

func TestAnswersPromiseNothingThatIsNotKnown(t *testing.T) {
	unknown := fmt.Errorf("%w: %w", consensus.ErrUnknown, errNoMajority)
	for _, c := range []struct {
		name             string
		leader           string
		write, confirmed error
		writes, reads    int
	}{
		{"a leader that a majority follows", "n1", nil, nil, 200, 200},
		{"no leader", "", nil, nil, 503, 503},
		{"a leader that cannot be reached", "n2", nil, nil, 503, 503},
		{"a leader that hears from nobody", "n1", unknown, errNoMajority, 503, 503},
		{"a leader that has just been deposed", "n1", consensus.ErrNotLeader, consensus.ErrNotLeader, 503, 503},
		{"a leader that ends", "n1", consensus.ErrClosed, consensus.ErrClosed, 503, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOutcomeTest(t, noBug)
			o.election.id, o.store.err, o.confirmed = c.leader, c.write, c.confirmed
			for method, want := range map[string]int{"PUT": c.writes, "DELETE": c.writes, "GET": c.reads} {
				if status, answer := o.do(method, "/kv/k", "v"); status != want {
					t.Errorf("%s: %d %q, want %d", method, status, answer, want)
				}
			}
			// What is wrong with a request does not depend on who leads.
			if status, _ := o.do("PUT", "/kv/", "v"); status != http.StatusBadRequest {
				t.Errorf("PUT without a key: %d", status)
			}
		})
	}
}

func TestAWriteWithoutALeaderDoesNotReachTheStore(t *testing.T) {
	o := newOutcomeTest(t, noBug)
	for _, leader := range []string{"", "n2"} {
		o.election.id = leader
		o.do("PUT", "/kv/k", "v")
	}
	if n := o.store.writes.Load(); n > 0 {
		t.Errorf("%d writes reached the store of a node that does not lead", n)
	}
}

func TestCopiesMayBeReadWithoutALeaderIfThatIsAsked(t *testing.T) {
	o := newOutcomeTest(t, noBug)
	o.cluster.reads, o.confirmed = readsLocal, errNoMajority
	for _, leader := range []string{"", "n1", "n2"} {
		o.election.id = leader
		if status, value := o.do("GET", "/kv/k", ""); status != http.StatusOK || value != "v" {
			t.Errorf("leader %q: %d %q", leader, status, value)
		}
	}
}

func TestInfoSaysWhoLeadsAndInWhichTerm(t *testing.T) {
	o := newOutcomeTest(t, noBug)
	for _, c := range []struct{ leader, info string }{
		{"", `"role":"candidate","leader":null,"term":7`},
		{"n1", `"role":"leader","leader":"n1","term":7`},
		{"n3", `"role":"follower","leader":"n3","term":7`},
	} {
		*o.election = elected{id: c.leader, term: 7}
		status, answer := o.do("GET", "/cluster/info", "")
		if status != http.StatusOK || !strings.HasPrefix(answer, `{"id":"n1",`+c.info+`,"nodes":[{"id":"n1","alive":true},{"id":"n2",`) {
			t.Errorf("leader %q: %d %s", c.leader, status, answer)
		}
		if !json.Valid([]byte(answer)) {
			t.Errorf("no JSON: %s", answer)
		}
	}
}

// Symptoms of bugs at this level; a correct node is driven in the same way.

func readFindsNothingMeanwhile(t *testing.T, b bug) bool {
	o := newOutcomeTest(t, b)
	status, _ := o.do("GET", "/kv/k", "")
	return status == http.StatusNotFound
}

// refusesAfterUnknowns lets many writes end without knowing whether they have happened.
func refusesAfterUnknowns(t *testing.T, b bug) bool {
	o := newOutcomeTest(t, b)
	o.election.id, o.store.err = "n1", fmt.Errorf("%w: %w", consensus.ErrUnknown, errNoMajority)
	for range pendingPlaces {
		o.do("PUT", "/kv/k", "v")
		o.do("GET", "/kv/k", "")
	}
	o.store.err = consensus.ErrNotLeader // has not happened
	o.do("PUT", "/kv/k", "v")
	if o.store.writes.Load() < pendingPlaces {
		t.Error("it takes no more before all places are taken")
	}
	o.store.err = nil
	put, _ := o.do("PUT", "/kv/k", "v")
	del, _ := o.do("DELETE", "/kv/k", "")
	if get, _ := o.do("GET", "/kv/k", ""); get != http.StatusOK || put != del {
		t.Errorf("a read %d, a write %d, a delete %d", get, put, del)
	}
	return put == http.StatusServiceUnavailable
}

func unknownIsRefused(t *testing.T, b bug) bool {
	o := newOutcomeTest(t, b)
	o.election.id, o.store.err = "n1", fmt.Errorf("%w: %w", consensus.ErrUnknown, errNoMajority)
	status, _ := o.do("PUT", "/kv/k", "v")
	return status >= 400 && status < 500
}

// inTurn are leaders of which each look finds the next.
type inTurn struct {
	mu      sync.Mutex
	leaders []string
}

func (i *inTurn) leader() (string, uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	next := i.leaders[0]
	i.leaders = append(i.leaders[1:], next)
	return next, 0
}

// lostWithTheLeaderIsRefused has a write that a leader takes, and then another leader instead of an answer.
func lostWithTheLeaderIsRefused(t *testing.T, b bug) bool {
	old := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler) // breaks the connection
	}))
	defer old.Close()
	ask := func(method, next string) int {
		o := newOutcomeTest(t, b, member{id: "n2", address: old.Listener.Addr().String()}, member{id: "n3", address: "127.0.0.1:1"})
		o.cluster.election = &inTurn{leaders: []string{"n2", next}}
		status, _ := o.do(method, "/kv/k", "v")
		return status
	}
	for _, next := range []string{"", "n2"} {
		if status := ask("PUT", next); status != http.StatusGatewayTimeout {
			t.Errorf("a write without an answer, while %q leads: %d", next, status)
		}
	}
	if status := ask("GET", "n3"); status != http.StatusGatewayTimeout {
		t.Errorf("a read without an answer: %d", status)
	}
	return ask("PUT", "n3") == http.StatusConflict
}

// writeIsSentAgain has a write that a leader takes and does not answer, and then another leader.
func writeIsSentAgain(t *testing.T, b bug) bool {
	var peers []member
	var got [2]atomic.Int64
	again := make(chan struct{})
	for i, id := range []string{"n2", "n3"} {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			got[i].Add(1)
			if id == "n2" {
				panic(http.ErrAbortHandler) // breaks the connection
			}
			close(again)
		}))
		defer server.Close()
		peers = append(peers, member{id: id, address: server.Listener.Addr().String()})
	}
	o := newOutcomeTest(t, b, peers...)
	o.election.id = "n2"
	if status, _ := o.do("PUT", "/kv/k", "v"); status != http.StatusGatewayTimeout {
		t.Errorf("a write without an answer: %d", status)
	}
	if len(o.cluster.bugs.queue) == 0 {
		return false
	}
	o.election.id = "n3"
	ctx, stop := context.WithCancel(t.Context())
	o.cluster.running.Go(func() { o.cluster.bugs.run(ctx) })
	<-again
	stop()
	o.cluster.running.Wait()
	return got[0].Load() == 1 && got[1].Load() == 1
}

// leaderTriesAgain has a leader whose first try is of unknown fate.
func leaderTriesAgain(t *testing.T, b bug) bool {
	o := newOutcomeTest(t, b)
	o.election.id, o.store.err = "n1", fmt.Errorf("%w: %w", consensus.ErrUnknown, errNoMajority)
	o.do("PUT", "/kv/k", "v")
	o.do("DELETE", "/kv/k", "")
	var queued []record
	for range len(o.cluster.bugs.queue) {
		queued = append(queued, (<-o.cluster.bugs.queue).record())
	}
	if want := []record{put("k", "v"), del("k")}; len(queued) > 0 && fmt.Sprint(queued) != fmt.Sprint(want) {
		t.Errorf("to be tried again: %v, want %v", queued, want)
	}
	o.store.err = consensus.ErrNotLeader // has not happened
	o.do("PUT", "/kv/k", "v")
	if n := len(o.cluster.bugs.queue); n > 0 {
		t.Error("a write is tried again that has certainly not happened")
	}
	return len(queued) == 2
}

func takesWhatIsPassedOn(t *testing.T, b bug) bool {
	s, err := openRaftStore(t.Context(), t.TempDir(), b, clusterConfig{id: "n1", members: []member{{id: "n2", address: "127.0.0.1:1"}}}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	o := newOutcomeTest(t, b)
	o.cluster.client.(*handler).store = s
	o.election.id = "n2"
	request, err := http.NewRequest("PUT", o.server.URL+"/kv/k", strings.NewReader("v"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(passedOnHeader, "n3")
	response, err := o.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func remembersAnOldLeader(t *testing.T, b bug) bool {
	o := newOutcomeTest(t, b)
	for _, leader := range []string{"n2", "n3"} {
		o.election.id = leader
		o.cluster.bugs.leader()
	}
	old := o.cluster.bugs.leader() == "n2"
	o.election.id = "n1"
	if o.cluster.bugs.leader() != "n1" {
		t.Error("a node does not know that it leads itself")
	}
	o.election.id = "n3"
	o.cluster.bugs.looked = o.cluster.bugs.looked.Add(-2 * lookAgain)
	if o.cluster.bugs.leader() != "n3" {
		t.Error("a node does not look again")
	}
	return old
}
