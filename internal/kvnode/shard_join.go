package kvnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
)

// maxJoinBytes bounds the body of a request that tells of a new group.
const maxJoinBytes = 64 << 10

// serveJoin is told of a group that joins the cluster. When it answers 200 the node remembers it, also after a crash. The
// keys move on their own from then on; it may be told again, as after an answer that was lost.
func (s *shards) serveJoin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	var group joinedGroup
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJoinBytes))
	if err == nil {
		err = json.Unmarshal(body, &group)
	}
	if err == nil {
		err = s.check(group)
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case s.cluster.bug == joinIgnored:
		return
	}
	switch err := s.remember(group); {
	case errors.Is(err, errAnotherJoined):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// check tells what is wrong with a group as such, and with regard to those that are there.
func (s *shards) check(group joinedGroup) error {
	if checkID(group.Shard) != nil || slices.Contains(s.cluster.placement.shards, group.Shard) {
		return fmt.Errorf("%q is no name of a new shard", group.Shard)
	}
	if len(group.Nodes) == 0 {
		return fmt.Errorf("shard %s has no nodes", group.Shard)
	}
	var seen []string
	for _, node := range group.Nodes {
		host, port, err := net.SplitHostPort(node.Address)
		number, portErr := strconv.ParseUint(port, 10, 16)
		taken := node.ID == s.cluster.id && group.Shard != s.cluster.shard || slices.Contains(seen, node.ID) ||
			slices.ContainsFunc(s.cluster.members, func(m member) bool { return m.id == node.ID && m.shard != group.Shard })
		switch {
		case checkID(node.ID) != nil || taken:
			return fmt.Errorf("%q is no name of a new node", node.ID)
		case err != nil || portErr != nil || number == 0 || host == "":
			return fmt.Errorf("node %s: %q is not HOST:PORT", node.ID, node.Address)
		}
		seen = append(seen, node.ID)
	}
	return nil
}

var errAnotherJoined = errors.New("another shard has joined already, and there is room for one")

// remember notes the group durably, and begins to talk to its nodes.
func (s *shards) remember(group joinedGroup) error {
	if group.Shard == s.cluster.shard {
		return nil // This node belongs to it.
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known.Joined != nil {
		if s.known.Joined.Shard != group.Shard {
			return errAnotherJoined
		}
		return nil
	}
	known := knownShards{Founders: s.known.Founders, Joined: &group}
	if err := known.save(s.dir); err != nil {
		return err
	}
	s.known = known
	s.logf("shard %s joins", group.Shard)
	s.talkTo(group)
	select {
	case s.joining <- struct{}{}:
	default: // It is about to be noticed.
	}
	return nil
}

// talkTo needs mu.
func (s *shards) talkTo(group joinedGroup) {
	for _, m := range group.addTo(s.cluster.members) {
		if s.cluster.peers[m.id] != nil || s.ended {
			continue
		}
		p := s.cluster.newPeer(m)
		s.added = append(s.added, p)
		s.cluster.running.Go(func() { p.keepPinging(s.ctx) })
	}
}
