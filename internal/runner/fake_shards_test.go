package runner_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"sync"
)

// fakeShard is a node that is a shard group by itself. Keys are in s1 or s2, and who is
// asked for another's redirects.
type fakeShard struct {
	behaviour, id, shard string
	peers                map[string]string // by shard

	mu   sync.Mutex
	data map[string][]byte
}

func fakeShards(args []string) int {
	flags := flag.NewFlagSet("shards", flag.ContinueOnError)
	port := flags.Int("port", 0, "")
	flags.String("working-dir", "", "")
	flags.Bool("join", false, "")
	s := &fakeShard{behaviour: args[0], data: make(map[string][]byte), peers: make(map[string]string)}
	flags.StringVar(&s.id, "id", "", "")
	flags.StringVar(&s.shard, "shard", "", "")
	peers := flags.String("peers", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	for peer := range strings.SplitSeq(*peers, ",") {
		name, address, _ := strings.Cut(peer, "=")
		shard, _, _ := strings.Cut(name, "/")
		s.peers[shard] = address
	}
	if err := http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), s); err != nil {
		return 1
	}
	return 0
}

func (s *fakeShard) shardOf(key string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, key)
	return fmt.Sprint("s", h.Sum32()%2+1)
}

func (s *fakeShard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	key, isKey := strings.CutPrefix(path, "/kv/")
	asked, isShard := strings.CutPrefix(path, "/cluster/shards/")
	switch {
	case path == "/cluster/info":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": s.id, "shard": s.shard, "role": "leader", "leader": s.id, "term": 1, "nodes": []string{},
		})
	case isShard:
		_ = json.NewEncoder(w).Encode(map[string]any{"key": asked, "shard": s.shardOf(asked)})
	case !isKey:
		http.NotFound(w, r)
	case s.shardOf(key) != s.shard:
		w.Header().Set("Location", "http://"+s.peers[s.shardOf(key)]+path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case s.behaviour == "half" && s.shard == "s2" && r.Method != http.MethodGet:
		http.Error(w, "not now", http.StatusServiceUnavailable)
	default:
		s.serve(w, r, key)
	}
}

func (s *fakeShard) serve(w http.ResponseWriter, r *http.Request, key string) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		s.data[key] = body
	case http.MethodDelete:
		delete(s.data, key)
	default:
		value, ok := s.data[key]
		if !ok {
			http.Error(w, "key not found", http.StatusNotFound)
			return
		}
		_, _ = w.Write(value)
	}
}
