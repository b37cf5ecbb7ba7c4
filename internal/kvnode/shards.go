package kvnode

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// shards is a node's part in a cluster that is divided into shard groups: which group has a key, how to reach its nodes,
// and how keys move to a group that joins.
type shards struct {
	cluster *cluster
	store   *raftStore
	dir     string
	logf    logFunc
	ctx     context.Context // of what the node does by itself
	joining chan struct{}   // has an item when the node was told of a group

	mu    sync.Mutex
	known knownShards
	added []*peer // those that this node was told of since its start
	ended bool    // none is added any more

	bugs shardBugs
}

const (
	shardsPath = "/cluster/shards"
	// groupConns and otherGroupConns bound the connections to pass on to a node of the own and of another group. Nine nodes
	// and 100 connections of clients leave enough of 256 for pings, streams and files.
	groupConns      = 8
	otherGroupConns = 5
)

func newShards(ctx context.Context, c *cluster, dir string, st *raftStore, logf logFunc) *shards {
	s := &shards{cluster: c, store: st, dir: dir, logf: logf, ctx: ctx, known: c.known, joining: make(chan struct{}, 1)}
	s.bugs.open(s)
	return s
}

// owner names the shard that has the key, as far as this node knows.
func (s *shards) owner(key string) string {
	told := ""
	if joined := s.joined(); joined != nil {
		told = joined.Shard
	}
	return s.store.owner(key, told)
}

// joined is the group that this node was told of, nil for none.
func (s *shards) joined() *joinedGroup {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Joined
}

// later are the peers that this node was told of since its start.
func (s *shards) later() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.added)
}

// serves tells whether a path is for shards to answer.
func (s *shards) serves(path string) bool {
	return path == shardsPath || strings.HasPrefix(path, shardsPath+"/") || path == importPath
}

func (s *shards) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; path {
	case importPath:
		s.serveImport(w, r)
	case shardsPath:
		s.serveJoin(w, r)
	default:
		s.serveOwner(w, r, strings.TrimPrefix(path, shardsPath+"/"))
	}
}

// keyShard is the answer to GET /cluster/shards/KEY.
type keyShard struct {
	Key   string `json:"key"`
	Shard string `json:"shard"`
}

func (s *shards) serveOwner(w http.ResponseWriter, r *http.Request, key string) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if key == "" && s.cluster.bug != emptyShardKey {
		http.Error(w, "key cannot be empty", http.StatusBadRequest)
		return
	}
	body, err := json.Marshal(keyShard{Key: key, Shard: s.owner(key)})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // An error means that the client has gone.
}
