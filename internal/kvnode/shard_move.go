package kvnode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

const (
	importPath = "/internal/import"
	// pieceBytes bounds what is handed over at once; a larger value goes alone.
	pieceBytes = 512 << 10
	// moveInterval is how often a node looks whether there is something to hand over.
	moveInterval = 50 * time.Millisecond
	// deliverAgain is the pause after no node of the new group has taken a piece.
	deliverAgain = 20 * time.Millisecond
)

// run hands keys over to a group that joins while this node leads, until ctx ends.
func (s *shards) run(ctx context.Context) {
	defer s.end()
	ticker := time.NewTicker(moveInterval)
	defer ticker.Stop()
	failed := false
	for ctx.Err() == nil {
		progress, err := s.move(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			s.logf("handing over keys stands still: %v", err)
		}
		failed = err != nil
		if progress {
			continue
		}
		select {
		case <-s.joining:
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (s *shards) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// move takes the next step, and tells whether there may be another one at once.
func (s *shards) move(ctx context.Context) (progress bool, err error) {
	joined := s.joined()
	if joined == nil || !s.leads() {
		return false, nil
	}
	switch leaves, left := s.store.leaving(); {
	case left || leaves != "" && leaves != joined.Shard:
		return false, nil
	case leaves == "" && !s.ready(joined.Shard):
		return false, nil // Keys are better here than on their way to nobody.
	case leaves == "":
		if err := s.bugs.beforeLeaving(ctx, joined.Shard); err != nil {
			return false, err
		}
		err := s.record(ctx, record{op: opLeave, key: joined.Shard})
		return err == nil, err
	}
	err = s.handOver(ctx, joined.Shard)
	return err == nil, err
}

func (s *shards) leads() bool {
	leader, _ := s.cluster.election.leader()
	return leader == s.cluster.id
}

// ready tells whether a group has a leader that answers.
func (s *shards) ready(shard string) bool {
	nodes := s.nodes(shard)
	if len(nodes) == 0 {
		return false
	}
	alive, failing := nodes[0].liveness.seems()
	return alive && !failing && nodes[0].id == s.leaderOf(nodes)
}

func (s *shards) record(ctx context.Context, r record) error {
	return s.store.propose(ctx, binaryFormat{}.encode(nil, r))
}

// handOver brings the new group all that the keys hold, which does not change any more, and then drops it here.
func (s *shards) handOver(ctx context.Context, to string) error {
	start := time.Now()
	values := s.store.going(to)
	if !s.bugs.copiedBefore() {
		if err := s.deliverAll(ctx, to, values); err != nil {
			return err
		}
	}
	if err := s.deliver(ctx, to, record{op: opArrived, key: s.cluster.shard}); err != nil {
		return err
	}
	if err := s.record(ctx, record{op: opLeft, key: to}); err != nil {
		return err
	}
	s.logf("handed over %d keys to shard %s in %v", len(values), to, since(start))
	return s.bugs.afterLeaving(ctx, to, values)
}

// deliverAll brings the new group these values in pieces.
func (s *shards) deliverAll(ctx context.Context, to string, values []record) error {
	for len(values) > 0 {
		size, count := len(values[0].value), 1
		for count < len(values) && size < pieceBytes {
			size += len(values[count].key) + len(values[count].value)
			if size < pieceBytes {
				count++
			}
		}
		piece := append([]record{{op: opImport, key: s.cluster.shard}}, values[:count]...)
		if err := s.deliver(ctx, to, piece...); err != nil {
			return err
		}
		values = values[count:]
	}
	return nil
}

// deliver has the new group's log take an entry, as often as it needs: it may come twice.
func (s *shards) deliver(ctx context.Context, to string, entry ...record) error {
	var body []byte
	for _, r := range entry {
		body = binaryFormat{}.encode(body, r)
	}
	for {
		for _, node := range s.nodes(to) {
			request := peerRequest{method: http.MethodPost, url: url.URL{Path: importPath}, body: string(body), called: node.id, limit: passOnTime}
			got, err := node.requests.do(ctx, request)
			switch {
			case err == nil && got.status == http.StatusOK:
				return nil
			case err == nil && got.status < http.StatusInternalServerError:
				return fmt.Errorf("node %s answers %d %.100s", node.id, got.status, got.body)
			case err != nil && ctx.Err() == nil:
				node.liveness.failed()
			}
			if !s.leads() {
				return consensus.ErrNotLeader // Whoever leads now does it.
			}
		}
		select {
		case <-time.After(deliverAgain):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// serveImport takes what another group hands over.
func (s *shards) serveImport(w http.ResponseWriter, r *http.Request) {
	switch body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRecordBytes+pieceBytes)); {
	case r.Method != http.MethodPost:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case r.Header.Get(calledHeader) != s.cluster.id:
		http.Error(w, "this is node "+s.cluster.id, http.StatusMisdirectedRequest)
	case err != nil:
		http.Error(w, "cannot read what is handed over", http.StatusServiceUnavailable)
	case !s.cluster.join || !s.handedOver(body):
		http.Error(w, "this group takes no such keys", http.StatusConflict)
	default:
		if err := s.store.propose(r.Context(), body); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

// handedOver tells whether an entry is one that another group's leader sends.
func (s *shards) handedOver(entry []byte) bool {
	found := scan(entry, binaryFormat{})
	if found.torn || len(found.records) == 0 || !slices.Contains(s.cluster.placement.shards, found.records[0].key) {
		return false
	}
	switch first := found.records[0]; first.op {
	case opImport:
		return !slices.ContainsFunc(found.records[1:], func(r record) bool { return r.op != opPut })
	case opArrived:
		return len(found.records) == 1
	}
	return false
}

// leaving returns the group that keys leave to, "" for none, and whether they have all left.
func (s *raftStore) leaving() (to string, left bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.leaves, s.keys.left
}

// hands tells whether the key is being handed over to another group.
func (s *raftStore) hands(key string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !s.keys.left && s.keys.goes(key)
}

// going is what the keys hold that belong to a group that joins.
func (s *raftStore) going(to string) []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	after := s.keys.before.with(to)
	var going []record
	for key, value := range s.values {
		if after.owner(key) == to {
			going = append(going, record{op: opPut, key: key, value: value})
		}
	}
	return going
}
