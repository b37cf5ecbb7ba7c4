package kvnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A peerClient sends requests to one peer. The link to it may hang, at any moment and without an error, so every
// request has a limit of time; and after one that failed, the next uses a new connection.
type peerClient struct {
	address   string
	http      http.Client
	transport *http.Transport
}

// newPeerClient returns a client that has at most so many connections to the peer.
func newPeerClient(address string, maxConns int) *peerClient {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxConnsPerHost:     maxConns,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
	}
	stayHere := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &peerClient{address: address, transport: transport, http: http.Client{Transport: transport, CheckRedirect: stayHere}}
}

// close ends the connections that are not in use.
func (p *peerClient) close() { p.transport.CloseIdleConnections() }

// An answer is a peer's whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// A peerRequest is a request to a peer.
type peerRequest struct {
	method string
	url    url.URL // path and query
	body   string
	from   string        // the node that passes a client's request on; "" for other requests
	called string        // the node that it is meant for, if it matters
	hops   int           // how often it was passed on between shard groups
	limit  time.Duration // for the whole answer, or, if stalls is set, between two pieces of it
	stalls bool
}

// do sends a request, once: net/http would send some again on its own when a connection breaks, but none that has a
// method that changes something and, if it has a body, none whose body cannot be had again.
func (p *peerClient) do(ctx context.Context, r peerRequest) (answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(r.limit, func() { cancel(errLate) })
	defer timer.Stop()
	got, err := p.exchange(ctx, r, func() {
		if r.stalls {
			timer.Reset(r.limit)
		}
	})
	if err != nil {
		p.close() // The others may be as dead, and only look idle.
		if errors.Is(context.Cause(ctx), errLate) {
			err = fmt.Errorf("%w within %v", errLate, r.limit)
		}
		return answer{}, fmt.Errorf("ask %s: %w", p.address, err)
	}
	return got, nil
}

var errLate = errors.New("no answer")

func (p *peerClient) exchange(ctx context.Context, r peerRequest, progress func()) (answer, error) {
	r.url.Scheme, r.url.Host = "http", p.address
	var body io.Reader
	if r.body != "" {
		body = struct{ io.Reader }{strings.NewReader(r.body)} // hides that it could be read again
	}
	request, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return answer{}, err
	}
	request.ContentLength = int64(len(r.body))
	if r.from != "" {
		request.Header.Set(passedOnHeader, r.from)
	}
	if r.called != "" {
		request.Header.Set(calledHeader, r.called)
	}
	if r.hops > 0 {
		request.Header.Set(groupHopsHeader, strconv.Itoa(r.hops))
	}
	response, err := p.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	progress()
	got := answer{status: response.StatusCode, header: response.Header}
	got.body, err = io.ReadAll(progressReader{response.Body, progress})
	return got, err
}

// progressReader tells when something has arrived.
type progressReader struct {
	io.Reader
	progress func()
}

func (r progressReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.progress()
	}
	return n, err
}

// unreached says that no connection could be made, so that the peer has never heard of the request.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
