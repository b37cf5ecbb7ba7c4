package kvnode

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

// handler serves the client API. It routes by hand because http.ServeMux cleans paths, which would
// redirect away from keys such as "." and "..".
type handler struct {
	store   store
	bug     bug
	cluster *cluster // nil for a node that is alone
	// writing counts the writes under way.
	writing atomic.Int64
}

const keyPrefix = "/kv/"

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, keyPrefix):
		h.serveKey(w, r, h.bug.mistakeKey(path[len(keyPrefix):]))
	case path == "/clear":
		h.serveClear(w, r)
	case path == "/health":
		h.serveHealth(w, r)
	default:
		http.Error(w, "not found", http.StatusNotFound)
	}
}

func (h *handler) serveKey(w http.ResponseWriter, r *http.Request, key string) {
	switch r.Method {
	case http.MethodGet, http.MethodPut, http.MethodDelete:
	default:
		h.methodNotAllowed(w, "GET, PUT, DELETE")
		return
	}
	if key == "" && h.bug != emptyKeyAccepted {
		http.Error(w, "key cannot be empty", http.StatusBadRequest)
		return
	}
	switch r.Method {
	case http.MethodGet:
		if !h.elsewhere(w, r, key, "") {
			h.get(w, r, key)
		}
	case http.MethodPut:
		h.put(w, r, key)
	case http.MethodDelete:
		if !h.elsewhere(w, r, key, "") {
			h.delete(w, r, key)
		}
	}
}

// elsewhere answers a valid request that another node of the cluster has to carry out, and tells whether it did.
func (h *handler) elsewhere(w http.ResponseWriter, r *http.Request, key, value string) bool {
	return h.cluster != nil && h.cluster.elsewhere(w, r, key, value)
}

func (h *handler) get(w http.ResponseWriter, r *http.Request, key string) {
	value, ok, err := h.find(key)
	if err != nil { // The key has left since this node was found to be the one to answer.
		h.cluster.shards.passOn(w, r, key, "")
		return
	}
	if !ok && h.bug != absentIsEmpty {
		http.Error(w, "key not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(value)))
	// An error means that the client has gone, so there is nobody to tell.
	_, _ = io.WriteString(w, value)
}

func (h *handler) find(key string) (value string, ok bool, err error) {
	if h.cluster != nil && h.cluster.shards != nil {
		return h.cluster.shards.store.find(key)
	}
	value, ok = h.store.get(key)
	return value, ok, nil
}

func (h *handler) put(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxValueBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "value is larger than 8 MiB", http.StatusRequestEntityTooLarge)
		return
	case err != nil: // The client went away in the middle of it: half a value is no value.
		http.Error(w, "cannot read the value", http.StatusBadRequest)
		return
	}
	value := h.bug.mistakeValue(string(body))
	if value == "" && h.bug != emptyValueAccepted {
		http.Error(w, "value cannot be empty", http.StatusBadRequest)
		return
	}
	if !h.elsewhere(w, r, key, value) {
		h.write(w, r, record{op: opPut, key: key, value: value})
	}
}

func (h *handler) delete(w http.ResponseWriter, r *http.Request, key string) {
	if h.bug == deleteAbsent404 {
		if _, ok := h.store.get(key); !ok {
			http.Error(w, "key not found", http.StatusNotFound)
			return
		}
	}
	h.write(w, r, record{op: opDelete, key: key})
}

func (h *handler) serveClear(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodDelete {
		h.methodNotAllowed(w, "DELETE")
		return
	}
	if h.bug == clearForgetsNothing {
		w.WriteHeader(http.StatusOK)
		return
	}
	h.write(w, r, record{op: opClear})
}

func (h *handler) serveHealth(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		h.methodNotAllowed(w, "GET")
		return
	}
	w.WriteHeader(http.StatusOK)
}

// write answers 200 when the store has done it. A failed write is answered 500 or the like, which tells
// the client that it may have happened: an answer of the 4xx kind would promise that it never will. That holds for a full
// disk too: of writes that share an append, the first ones may survive a crash before they are cut off.
func (h *handler) write(w http.ResponseWriter, r *http.Request, change record) {
	alone := h.writing.Add(1) == 1
	defer h.writing.Add(-1)
	switch err := h.store.write(change); {
	case errors.Is(err, errLeft):
		h.cluster.shards.passOn(w, r, change.key, change.value)
		return
	case err != nil:
		h.unsure(change, err)
		if errors.Is(err, consensus.ErrNotLeader) || errors.Is(err, consensus.ErrClosed) {
			w.Header().Set(nothingDoneHeader, nothingDone)
		}
		http.Error(w, err.Error(), h.failed(err))
		return
	}
	if h.bug == refusedButStored && change.op == opPut && !alone {
		h.refuse(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// unsure tells the cluster's bugs of a write that failed, unless it is certain that it has not happened.
func (h *handler) unsure(r record, err error) {
	if h.cluster != nil && errors.Is(err, consensus.ErrUnknown) {
		h.cluster.bugs.unsure(h.cluster.id, h.cluster.request(r))
	}
}

// failed is the status for a write that failed. In a cluster it is worth another try, elsewhere or later.
func (h *handler) failed(err error) int {
	switch {
	case h.cluster == nil && errors.Is(err, errDiskFull):
		return http.StatusInsufficientStorage
	case h.cluster == nil:
		return http.StatusInternalServerError
	case h.bug == refusalMayHappen:
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

func (h *handler) methodNotAllowed(w http.ResponseWriter, allow string) {
	if h.bug == wrong405 {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Allow", allow)
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}
