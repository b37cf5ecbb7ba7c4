package kvnode

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A cluster is a node's part in a cluster: who is there, who leads, what it passes on, and how its data is copied.
type cluster struct {
	clusterConfig
	bug      bug
	election election
	// confirm returns nil if a read from now on sees all that was acknowledged before; nil where the leader is fixed.
	confirm     func(ctx context.Context) error
	replication replication
	peers       map[string]*peer
	client      http.Handler // serves the client API
	shards      *shards      // nil where all nodes hold the same data
	unused      *unusedConnections
	bugs        clusterBugs

	stop    context.CancelFunc
	running sync.WaitGroup
}

// A peer is another node as this one sees it.
type peer struct {
	member
	requests *peerClient // passes on what clients ask
	liveness liveness
}

// A replication keeps the copies of the data alike. It also serves what its counterparts on other nodes ask for.
type replication interface {
	http.Handler
	// run does this node's part until ctx ends.
	run(ctx context.Context)
}

// startCluster makes a node with a store, and a folder for what it is told, part of a cluster. close ends it.
func startCluster(cfg clusterConfig, dir string, st store, h *handler, logf logFunc) (*cluster, error) {
	ctx, stop := context.WithCancel(context.Background())
	c := &cluster{
		clusterConfig: cfg,
		bug:           h.bug,
		peers:         make(map[string]*peer),
		client:        h,
		unused:        newUnusedConnections(),
		stop:          stop,
	}
	for _, m := range cfg.members {
		c.peers[m.id] = c.newPeer(m)
	}
	c.bugs.open(c, st, logf)
	if err := c.replicate(ctx, st, logf); err != nil {
		stop()
		return nil, err
	}
	if s, ok := st.(*raftStore); ok && cfg.shard != "" {
		c.shards = newShards(ctx, c, dir, s, logf)
		c.running.Go(func() { c.shards.run(ctx) })
	}
	h.cluster = c
	for _, p := range c.peers {
		c.running.Go(func() { p.keepPinging(ctx) })
	}
	c.running.Go(func() { c.replication.run(ctx) })
	c.running.Go(func() { c.bugs.run(ctx) })
	return c, nil
}

func (c *cluster) newPeer(m member) *peer {
	conns := passOnConns
	switch {
	case c.shard == "":
	case c.shard == m.shard:
		conns = groupConns
	default:
		conns = otherGroupConns
	}
	p := &peer{member: m, requests: newPeerClient(m.address, conns)}
	p.liveness.bug = c.bug
	return p
}

// everyone is all other nodes.
func (c *cluster) everyone() []*peer {
	all := make([]*peer, 0, 8)
	for _, p := range c.peers {
		all = append(all, p)
	}
	if c.shards != nil {
		all = append(all, c.shards.later()...)
	}
	return all
}

// replicate chooses how the store's copies are kept alike, and with that who leads.
func (c *cluster) replicate(ctx context.Context, st store, logf logFunc) (err error) {
	switch st := st.(type) {
	case *raftStore:
		c.election, c.replication, c.confirm = st, raftReplication{st}, st.confirm
	case *engine:
		leader := leastID(c.clusterConfig)
		c.election = c.bugs.election(fixedLeader(leader))
		if leader == c.id {
			c.replication, err = newLogSender(ctx, c.id, st)
		} else {
			c.replication = newLogReceiver(st, c.peers[leader].address, logf)
		}
	default:
		err = fmt.Errorf("the bug %s works only without --peers", c.bug)
	}
	return err
}

func leastID(cfg clusterConfig) string {
	if compareIDs(cfg.id, cfg.members[0].id) < 0 {
		return cfg.id
	}
	return cfg.members[0].id
}

// shutDown ends what the node does by itself, answers the peers' requests that wait, and lets those of clients
// finish: some are on their way to the leader.
func (c *cluster) shutDown(server *http.Server, _ net.Listener) error {
	c.stop()
	c.running.Wait()
	drained := make(chan struct{})
	var closing sync.WaitGroup
	closing.Go(func() { c.unused.closeUntil(drained) })
	defer closing.Wait()
	defer close(drained)
	return drain(server, clusterDrainTime)
}

// close ends everything, once no request is served any more.
func (c *cluster) close() {
	c.stop()
	c.running.Wait()
	for _, p := range c.everyone() {
		p.requests.close()
	}
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == pingPath:
		c.tellLeader(w.Header())
		_, _ = io.WriteString(w, c.id)
	case c.shards != nil && c.shards.serves(path):
		c.shards.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/internal/"):
		c.replication.ServeHTTP(w, r)
	case path == "/cluster/info":
		c.serveInfo(w, r)
	case path == "/clear":
		http.Error(w, "not found", http.StatusNotFound)
	default:
		c.client.ServeHTTP(w, r)
		c.bugs.answerLate(r)
	}
}

// clusterInfo is the answer to GET /cluster/info.
type clusterInfo struct {
	ID     string       `json:"id"`
	Role   string       `json:"role"`
	Leader *string      `json:"leader"`
	Term   uint64       `json:"term"`
	Shard  string       `json:"shard,omitempty"`
	Nodes  []memberInfo `json:"nodes"`
}

type memberInfo struct {
	ID    string `json:"id"`
	Alive bool   `json:"alive"`
}

func (c *cluster) info() clusterInfo {
	leader, term := c.election.leader()
	info := clusterInfo{ID: c.id, Role: "follower", Term: term, Shard: c.bugs.mistakeShard(), Nodes: []memberInfo{{ID: c.id, Alive: true}}}
	if leader != "" {
		info.Leader = &leader
	}
	switch {
	case leader == c.id:
		info.Role = "leader"
	case leader == "":
		info.Role = "candidate"
	}
	for _, p := range c.everyone() {
		info.Nodes = append(info.Nodes, memberInfo{ID: p.id, Alive: p.liveness.alive()})
	}
	if c.bug == infoOmitsItself {
		info.Nodes = info.Nodes[1:]
	}
	slices.SortFunc(info.Nodes, func(a, b memberInfo) int { return compareIDs(a.ID, b.ID) })
	return info
}

func (c *cluster) serveInfo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(c.info())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // An error means that the client has gone.
}

// newEpoch names a history that the leader with this ID begins.
func newEpoch(leader string) string { return fmt.Sprintf("%s-%s", leader, rand.Text()) }
