package kvnode

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// groupHopsHeader counts how often a request was passed on from one shard group to another. Groups that disagree about
// a key, as while it moves, would send it round and round.
const groupHopsHeader = "Kvnode-Group-Hops"

const (
	maxGroupHops = 2
	// otherGroupTime is how long a node waits for another group, all of its nodes together: more than that group takes to
	// find its leader and a majority.
	otherGroupTime = 1650 * time.Millisecond
	// deadGroupTime is the same for a group of which no node has answered for a while.
	deadGroupTime = 500 * time.Millisecond
)

func groupHops(r *http.Request) int {
	value := r.Header.Get(groupHopsHeader)
	if value == "" {
		return 0
	}
	hops, err := strconv.Atoi(value)
	if err != nil || hops < 0 {
		return maxGroupHops
	}
	return hops
}

// elsewhere answers a client's valid request if another group has the key, and tells whether it did.
func (s *shards) elsewhere(w http.ResponseWriter, r *http.Request, key, value string) bool {
	if s.bugs.takes(r) || s.owner(key) == s.cluster.shard {
		return false
	}
	s.passOn(w, r, key, value)
	return true
}

// passOn brings a request to the group that has the key.
func (s *shards) passOn(w http.ResponseWriter, r *http.Request, key, value string) {
	owner, hops := s.owner(key), groupHops(r)
	nodes := s.nodes(owner)
	switch {
	case owner == s.cluster.shard: // It was refused here, and has arrived since.
		refuse(w, "the key is on its way to shard "+owner+", try again")
	case hops >= maxGroupHops: // Not as a refusal that is worth asking the next node: that one would say the same.
		http.Error(w, "the key is on its way to shard "+owner+", or the nodes disagree about it", http.StatusServiceUnavailable)
	case len(nodes) == 0:
		refuse(w, "this node does not know yet how to reach shard "+owner)
	case s.cluster.forward == forwardRedirect:
		s.redirect(w, nodes[0], key)
	default:
		request := peerRequest{method: r.Method, url: keyURL(key), body: value, hops: hops + 1}
		s.bugs.ask(r.Context(), owner, nodes, request).write(w)
	}
}

// redirect sends the client to the node, unless it seems to be dead, or would only send the client back.
func (s *shards) redirect(w http.ResponseWriter, to *peer, key string) {
	switch alive, _ := to.liveness.seems(); {
	case !alive:
		refuse(w, "no node of shard "+to.shard+" is alive")
	case s.store.hands(key):
		refuse(w, "the key is on its way to shard "+to.shard)
	default:
		location := keyURL(key)
		location.Scheme, location.Host = "http", to.address
		w.Header().Set("Location", location.String())
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

// ask sends a request to the nodes of a shard, one after the other, until it may have arrived at one that has not refused
// it: so it happens once at most. An answer that says less than that it has happened promises nothing.
func (s *shards) ask(ctx context.Context, shard string, nodes []*peer, r peerRequest) answer {
	limit := otherGroupTime
	if alive, _ := nodes[0].liveness.seems(); !alive {
		limit = deadGroupTime
	}
	deadline := time.Now().Add(limit)
	for _, node := range nodes {
		r.limit = time.Until(deadline)
		got, err := node.requests.do(ctx, r)
		if err != nil && ctx.Err() == nil {
			node.liveness.failed()
		}
		switch {
		case err == nil && got.header.Get(nothingDoneHeader) == "":
			return got
		case err != nil && !unreached(err):
			return failure(http.StatusGatewayTimeout, "shard "+shard+" did not answer, it may have happened or not")
		}
	}
	refused := failure(http.StatusServiceUnavailable, "no node of shard "+shard+" can be reached that can answer now")
	refused.header.Set(nothingDoneHeader, nothingDone)
	return refused
}

// failure is an answer in place of one that did not come.
func failure(status int, why string) answer {
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}}
	return answer{status: status, header: header, body: []byte(why + "\n")}
}

// nodes are those of another shard, the best one to ask first: its leader, if it is known and answers.
func (s *shards) nodes(shard string) []*peer {
	nodes := slices.DeleteFunc(s.cluster.everyone(), func(p *peer) bool { return p.shard != shard })
	leader := s.leaderOf(nodes)
	rank := func(p *peer) int {
		alive, failing := p.liveness.seems()
		switch {
		case !alive:
			return 3
		case failing:
			return 2
		case p.id != leader || s.cluster.bug == shardCopyReads:
			return 1
		}
		return 0
	}
	ranks := make(map[*peer]int, len(nodes)) // They change while others sort.
	for _, p := range nodes {
		ranks[p] = rank(p)
	}
	slices.SortFunc(nodes, func(a, b *peer) int {
		return cmp.Or(cmp.Compare(ranks[a], ranks[b]), compareIDs(a.id, b.id))
	})
	return nodes
}

// leaderOf is the leader that the nodes of a shard have named in the latest term.
func (s *shards) leaderOf(nodes []*peer) string {
	var leader string
	var latest uint64
	for _, p := range nodes {
		if named, term := p.liveness.heard(); named != "" && term >= latest {
			leader, latest = named, term
		}
	}
	return leader
}
