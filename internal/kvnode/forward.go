package kvnode

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// passedOnHeader names the node that passes a client's request on. Such a request is not passed on again: nodes
// that disagree about the leader would send it round and round.
const passedOnHeader = "Kvnode-Passed-On-By"

// nothingDoneHeader marks the answer to a request that has not happened and will not: another node may be asked instead.
const (
	nothingDoneHeader = "Kvnode-Nothing-Done"
	nothingDone       = "true"
)

const (
	// passOnTime is how long a follower waits for the leader's answer.
	passOnTime = 1500 * time.Millisecond
	// passOnConns bounds the connections for it. Those of four followers, those kept to four former leaders and 100 of
	// clients leave enough of 256 for pings, streams and files.
	passOnConns = 12
)

// elsewhere answers a client's valid request if it is not for this node to answer, and tells whether it did.
func (c *cluster) elsewhere(w http.ResponseWriter, r *http.Request, key, value string) bool {
	if c.shards != nil {
		switch {
		case c.shards.bugs.refuses(w, r), c.shards.elsewhere(w, r, key, value):
			return true
		case c.shards.bugs.readsCopy(r):
			return false
		}
	}
	leader := c.bugs.leader()
	switch {
	case c.bugs.refusesWrite(w, r):
	case leader == c.id:
		return r.Method == http.MethodGet && c.reads == readsLeader && c.refusesUnconfirmed(w, r)
	case c.bugs.keepsHere(r, leader):
		return false
	case r.Header.Get(passedOnHeader) != "":
		refuse(w, "this node is not the leader")
	case r.Method == http.MethodGet && c.reads == readsLocal:
		return c.bugs.refusesRead(w, leader)
	case leader == "" && c.bug == notFoundMeanwhile && r.Method == http.MethodGet:
		http.Error(w, "key not found", http.StatusNotFound)
	case leader == "":
		refuse(w, "there is no leader")
	case c.forward == forwardRedirect:
		c.redirect(w, leader, key)
	default:
		c.passOn(w, r, leader, key, value)
	}
	return true
}

// refuse answers a request that has not happened and will not.
func refuse(w http.ResponseWriter, why string) {
	w.Header().Set(nothingDoneHeader, nothingDone)
	http.Error(w, why, http.StatusServiceUnavailable)
}

// refusesUnconfirmed answers a read at a node that cannot be sure that it still leads.
func (c *cluster) refusesUnconfirmed(w http.ResponseWriter, r *http.Request) bool {
	if c.confirm == nil {
		return false
	}
	err := c.confirm(r.Context())
	if err != nil {
		refuse(w, err.Error())
	}
	return err != nil
}

func keyURL(key string) url.URL { return url.URL{Path: keyPrefix + key} }

func (c *cluster) redirect(w http.ResponseWriter, leader, key string) {
	location := keyURL(key)
	location.Scheme, location.Host = "http", c.peers[c.bugs.mistakeLeader(leader)].address
	w.Header().Set("Location", location.String())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// passOn sends a request to the leader, once, and its answer back. Whatever goes wrong is answered with a status
// that promises nothing: a request that a link holds may arrive at the leader long after this answer.
func (c *cluster) passOn(w http.ResponseWriter, r *http.Request, leader, key, value string) {
	request := peerRequest{method: r.Method, url: keyURL(key), body: value, from: c.id, hops: groupHops(r), limit: passOnTime}
	got, err := c.bugs.ask(r.Context(), c.peers[leader], request)
	switch {
	case err != nil && unreached(err):
		refuse(w, "the leader "+leader+" cannot be reached")
	case err != nil:
		c.bugs.unsure(leader, request)
		http.Error(w, "the leader "+leader+" did not answer, it may have happened or not", c.bugs.unansweredStatus(leader, request))
	default:
		got.write(w)
	}
}

// write passes the answer on unchanged.
func (a answer) write(w http.ResponseWriter) {
	for _, name := range []string{"Content-Type", "X-Content-Type-Options", "Allow", nothingDoneHeader} {
		if value := a.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // An error means that the client has gone, so there is nobody to tell.
}
