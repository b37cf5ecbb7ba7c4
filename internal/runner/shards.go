package runner

import (
	"context"
	"errors"
	"sync"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// shardReaders ask in parallel where keys are.
const shardReaders = 4

// shards knows in which shard keys are, as the nodes say. Its methods may be called
// concurrently.
type shards struct {
	cluster *cluster.Cluster
	client  *workload.Client

	mu    sync.Mutex
	known map[string]string
}

func newShards(c *cluster.Cluster) *shards {
	return &shards{cluster: c, client: workload.NewClient(workload.DefaultTimeout, routes(c)), known: make(map[string]string)}
}

func (s *shards) close() { s.client.Close() }

// sharded reports whether there is more than one shard.
func (s *shards) sharded() bool { return len(s.cluster.Groups()) > 1 }

// of returns the shard of a key as any node says that answers, "" in a cluster without
// shards. It reports whether one did.
func (s *shards) of(ctx context.Context, key string) (shard string, ok bool) {
	if !s.sharded() {
		return "", true
	}
	s.mu.Lock()
	shard, ok = s.known[key]
	s.mu.Unlock()
	if ok {
		return shard, true
	}
	for _, n := range s.cluster.Nodes() {
		if shard, err := s.ask(ctx, n, key); err == nil {
			return shard, true
		}
	}
	return "", false
}

func (s *shards) ask(ctx context.Context, n *cluster.Node, key string) (string, error) {
	shard, err := challenges.NewEnv(s.cluster, s.client, 0).On(n).ShardOf(ctx, key)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[key] = shard
	return shard, nil
}

// all asks for these keys, each at one node; all nodes must run. The errors are those of
// Env.ShardOf.
func (s *shards) all(ctx context.Context, keys []string) (map[string]string, error) {
	nodes := s.cluster.Nodes()
	errs := make([]error, shardReaders)
	var asking sync.WaitGroup
	for r := range shardReaders {
		asking.Go(func() {
			for i := r; i < len(keys) && errs[r] == nil; i += shardReaders {
				_, errs[r] = s.ask(ctx, nodes[i%len(nodes)], keys[i])
			}
		})
	}
	asking.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[string]string, len(keys))
	for _, k := range keys {
		found[k] = s.known[k]
	}
	return found, errors.Join(errs...)
}
