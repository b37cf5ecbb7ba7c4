package kvnode

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
)

// Mistakes of nodes that share the keys among groups. Those that are not here are a line at their place in shards.go.
const (
	hashDiffers        bug = "hash-differs"
	hashRandomSeed     bug = "hash-random-seed"
	hashAfterRestart   bug = "hash-after-restart"
	oneShard           bug = "one-shard"
	prefixHash         bug = "prefix-hash"
	servesAnyKey       bug = "serves-any-key-after-restart"
	storesEverything   bug = "stores-everything"
	shardForwardNoBody bug = "shard-forward-loses-body"
	deadGroupBlocks    bug = "dead-group-blocks"
	deadGroup404       bug = "dead-group-404"
	needsAllGroups     bug = "needs-all-groups"
	electionStopsAll   bug = "election-stops-all"
	shardCopyReads     bug = "shard-copy-reads"
	retriesOtherNode   bug = "retries-other-node"
	emptyShardKey      bug = "empty-shard-key"
	infoOtherShard     bug = "info-other-shard"
)

// hashedPrefix is how many characters of a key count with prefix-hash.
const hashedPrefix = 8

// newPlacement is the placement of the node's keys, with the bug's mistake.
func newPlacement(shards []string, b bug, id string, restarted bool) placement {
	p := placement{shards: shards, bug: b}
	switch {
	case b == hashDiffers:
		p.seed = id
	case b == hashRandomSeed:
		p.seed = rand.Text()
	case b == hashAfterRestart && restarted:
		p.seed = "restarted"
	case b == oneShard:
		p.shards = shards[:1]
	}
	return p
}

// mistakePlacedKey is what the bug hashes of a key.
func (b bug) mistakePlacedKey(key string) string {
	if b == prefixHash {
		return key[:min(len(key), hashedPrefix)]
	}
	return key
}

// mistakeShard is the shard that the node says it belongs to: with info-other-shard the last node of a group is wrong.
func (b *clusterBugs) mistakeShard() string {
	c := b.cluster
	if c.bug != infoOtherShard {
		return c.shard
	}
	for _, m := range c.group() {
		if compareIDs(m.id, c.id) > 0 {
			return c.shard
		}
	}
	for _, shard := range c.placement.shards {
		if shard != c.shard {
			return shard
		}
	}
	return c.shard
}

// shardBugs is what the bugs of shards remember. Without a bug nothing in it is used.
type shardBugs struct {
	shards *shards
	single sync.Mutex // dead-group-blocks
	turns  int        // of own keys

	mu     sync.Mutex
	copies map[string]string // stores-everything: what other groups have
}

func (b *shardBugs) open(s *shards) {
	b.shards = s
	b.copies = make(map[string]string)
}

// takes says that a node takes the key for its own: with serves-any-key-after-restart. So does a leader whom another node
// of the group has passed it on to.
func (b *shardBugs) takes(r *http.Request) bool {
	return b.shards.cluster.bug == servesAnyKey && (b.shards.cluster.restarted || r.Header.Get(passedOnHeader) != "")
}

// readsCopy says that a read is answered from this node's copy.
func (b *shardBugs) readsCopy(r *http.Request) bool {
	return b.shards.cluster.bug == shardCopyReads && r.Method == http.MethodGet && groupHops(r) > 0
}

// refuses answers a request that the node could answer, or has it wait for others.
func (b *shardBugs) refuses(w http.ResponseWriter, r *http.Request) bool {
	if b.shards.cluster.bug == deadGroupBlocks && fromClient(r) {
		b.single.Lock()
		b.turns++ // Its turn has come.
		b.single.Unlock()
	}
	if b.shards.cluster.bug != needsAllGroups && b.shards.cluster.bug != electionStopsAll {
		return false
	}
	for _, shard := range b.shards.cluster.placement.shards {
		if shard != b.shards.cluster.shard && b.misses(b.shards.nodes(shard)) {
			refuse(w, "shard "+shard+" is not complete")
			return true
		}
	}
	return false
}

// misses tells whether the bug minds the state of a group: that none of its nodes answers, or not its leader.
func (b *shardBugs) misses(nodes []*peer) bool {
	leader, missing := b.shards.leaderOf(nodes), 0
	for _, p := range nodes {
		_, failing := p.liveness.seems()
		switch {
		case !failing:
		case b.shards.cluster.bug == electionStopsAll && p.id == leader:
			return true
		default:
			missing++
		}
	}
	return missing == len(nodes) && b.shards.cluster.bug == needsAllGroups
}

// fromClient says that no node has passed the request on.
func fromClient(r *http.Request) bool {
	return r.Header.Get(groupHopsHeader) == "" && r.Header.Get(passedOnHeader) == ""
}

// ask asks another group.
func (b *shardBugs) ask(ctx context.Context, shard string, nodes []*peer, r peerRequest) answer {
	switch b.shards.cluster.bug {
	case deadGroupBlocks:
		if r.hops == 1 {
			b.single.Lock()
			defer b.single.Unlock()
		}
	case shardForwardNoBody:
		r.body = ""
	case retriesOtherNode:
		return b.askOneAfterTheOther(ctx, nodes, r)
	}
	got := b.shards.ask(ctx, shard, nodes, r)
	silent := got.status == http.StatusServiceUnavailable || got.status == http.StatusGatewayTimeout
	switch {
	case b.shards.cluster.bug == storesEverything:
		return b.store(r, got, silent)
	case b.shards.cluster.bug == deadGroup404 && silent && r.method == http.MethodGet:
		return failure(http.StatusNotFound, "key not found")
	}
	return got
}

// askOneAfterTheOther does not wait long for a node, and then sends the request to the next one.
func (b *shardBugs) askOneAfterTheOther(ctx context.Context, nodes []*peer, r peerRequest) answer {
	r.limit = impatientLimit
	for _, node := range nodes {
		if got, err := node.requests.do(ctx, r); err == nil && got.header.Get(nothingDoneHeader) == "" {
			return got
		}
	}
	return failure(http.StatusServiceUnavailable, "no node answers")
}

// store keeps what another group has acknowledged, and answers in its place when it does not.
func (b *shardBugs) store(r peerRequest, got answer, silent bool) answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := strings.TrimPrefix(r.url.Path, keyPrefix)
	value, stored := b.copies[key]
	switch read := r.method == http.MethodGet; {
	case read && silent && stored:
		return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(value)}
	case read && silent:
		return failure(http.StatusNotFound, "key not found")
	case read && got.status == http.StatusOK:
		b.copies[key] = string(got.body)
		return got
	case r.method == http.MethodPut && (silent || got.status == http.StatusOK):
		b.copies[key] = r.body
	case r.method == http.MethodDelete && (silent || got.status == http.StatusOK), got.status == http.StatusNotFound:
		delete(b.copies, key)
	}
	if silent {
		return answer{status: http.StatusOK}
	}
	return got
}
