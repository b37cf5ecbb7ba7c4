package runner_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fakeMember is a node of a cluster whose leader is n1. The leader keeps all keys and
// pushes each write to the others some time later; redirects lead everyone to it, and
// reads come from the own copy.
type fakeMember struct {
	behaviour, id string
	peers         map[string]string
	lag           time.Duration
	served        atomic.Int64

	mu     sync.Mutex
	data   map[string][]byte
	pushes []*fakeQueue
}

// fakeQueue is what is yet to be pushed to one node, in order.
type fakeQueue struct {
	url     string
	changes chan fakeChange
}

type fakeChange struct {
	method, path string
	body         []byte
	due          time.Time
}

// fakeLags is how long the copies of a behaviour lag behind.
var fakeLags = map[string]time.Duration{"lags": 700 * time.Millisecond, "never-replicates": time.Hour}

func fakeCluster(args []string) int {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	port := flags.Int("port", 0, "")
	flags.String("working-dir", "", "")
	m := &fakeMember{behaviour: args[0], lag: fakeLags[args[0]], data: make(map[string][]byte), peers: make(map[string]string)}
	flags.StringVar(&m.id, "id", "", "")
	peers := flags.String("peers", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	for peer := range strings.SplitSeq(*peers, ",") {
		id, address, _ := strings.Cut(peer, "=")
		m.peers[id] = address
		if m.id == "n1" {
			q := &fakeQueue{url: "http://" + address, changes: make(chan fakeChange, 1<<20)}
			m.pushes = append(m.pushes, q)
			go q.push()
		}
	}
	if err := http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), m); err != nil {
		return 1
	}
	return 0
}

func (q *fakeQueue) push() {
	for c := range q.changes {
		time.Sleep(time.Until(c.due))
		for {
			request, _ := http.NewRequest(c.method, q.url+"/copy"+c.path, bytes.NewReader(c.body))
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (m *fakeMember) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path, replicated := strings.CutPrefix(r.URL.Path, "/copy")
	switch {
	case r.URL.Path == "/cluster/info":
		m.info(w)
	case !strings.HasPrefix(path, "/kv/"):
		http.NotFound(w, r)
	case replicated:
		m.change(r.Method, path, body)
	case r.Method == http.MethodGet:
		m.get(w, path)
	case m.behaviour == "idle" && m.id == "n3":
		http.Error(w, "not today", http.StatusServiceUnavailable)
	case m.behaviour == "redirects-nowhere" && m.id == "n3":
		w.Header().Set("Location", "http://192.0.2.1:80"+path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case m.id != "n1":
		w.Header().Set("Location", "http://"+m.peers["n1"]+path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	default:
		m.served.Add(1)
		m.change(r.Method, path, body)
	}
}

func (m *fakeMember) get(w http.ResponseWriter, path string) {
	m.mu.Lock()
	value, ok := m.data[path]
	m.mu.Unlock()
	if !ok {
		http.Error(w, "key not found", http.StatusNotFound)
		return
	}
	_, _ = w.Write(value)
}

// change applies a write, and pushes it on in the order of application.
func (m *fakeMember) change(method, path string, body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if method == http.MethodPut {
		m.data[path] = body
	} else {
		delete(m.data, path)
	}
	for _, q := range m.pushes {
		q.changes <- fakeChange{method, path, body, time.Now().Add(m.lag)}
	}
}

func (m *fakeMember) info(w http.ResponseWriter) {
	role, leader := "follower", "n1"
	if m.id == "n1" {
		role = "leader"
		// It loses its mind in the middle of a scenario.
		if m.behaviour == "resigns" && m.served.Load() > 50 {
			role, leader = "follower", "n2"
		}
	}
	var nodes []map[string]any
	for _, id := range append([]string{m.id}, slices.Collect(maps.Keys(m.peers))...) {
		nodes = append(nodes, map[string]any{"id": id, "alive": true})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"id": m.id, "role": role, "leader": leader, "term": 1, "nodes": nodes})
}
