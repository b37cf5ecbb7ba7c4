package challenges

import (
	"context"
	"fmt"
	"net/http"

	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// ShardPath is where a node tells the shard of a key.
func ShardPath(key string) string { return "/cluster/shards/" + key }

// ShardOf asks the node of the environment for the shard of a key. Any answer but 200
// in the contract's form is a *cluster.InfoError.
func (e *Env) ShardOf(ctx context.Context, key string) (string, error) {
	r := Request{Method: http.MethodGet, Path: ShardPath(key)}
	res, err := e.Do(ctx, r)
	if err != nil {
		return "", err
	}
	problem, shard := fmt.Sprintf("it answered %s, want 200 OK", statusText(res.Status)), ""
	if res.Status == http.StatusOK {
		shard, problem = e.Cluster.ParseShard(res.Body, key)
	}
	if problem != "" {
		return "", cluster.NewInfoError(e.Node().ID(), r.Path, problem, res.Body)
	}
	return shard, nil
}

// keyTries is how many keys are tried for one of a certain shard. With a third of the
// keys in it, all are in others once in 10^14 times.
const keyTries = 80

// KeyIn returns a key of that shard, as the node of the environment says.
func (e *Env) KeyIn(ctx context.Context, shard, name string) (string, error) {
	for i := range keyTries {
		key := e.Key(fmt.Sprintf("%s.%d", name, i))
		found, err := e.ShardOf(ctx, key)
		if err != nil {
			return "", err
		}
		if found == shard {
			return key, nil
		}
	}
	return "", Failf(RuleSpread, "none of %d keys is in shard %s", keyTries, shard)
}
