package workload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// MaxBody is the longest answer that is read, in bytes: a node's output is hostile.
const MaxBody = 4 << 20

// DefaultTimeout is how long an operation waits for its answer.
const DefaultTimeout = 2 * time.Second

// Node is where a client sends its operations.
type Node struct {
	ID string
	// URL is the node's base address, such as http://127.0.0.1:8001.
	URL string
}

// Response is a complete answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// open is set if the body ends where the connection does: then a node that
	// is killed while it answers looks as if it had finished.
	open bool
}

// Client sends requests to nodes over kept-alive connections, one socket per
// node and client that works at a time. It follows redirects only as SendTo says.
type Client struct {
	http    *http.Client
	timeout time.Duration
	route   Route
}

// NewClient returns a client whose requests take at most timeout; Close it
// when it is no longer needed. Without a route it follows no redirects.
func NewClient(timeout time.Duration, route Route) *Client {
	return &Client{timeout: timeout, route: route, http: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:               nil, // the environment's proxy must not stand between lsfr and a node
			DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
			MaxIdleConnsPerHost: 1,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Clone returns another client of the same kind, with connections of its own.
func (c *Client) Clone() *Client { return NewClient(c.timeout, c.route) }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// KeyPath returns the path of a key.
func KeyPath(key string) string { return "/kv/" + url.PathEscape(key) }

// Send sends one request and reads its whole answer. An answer longer than
// MaxBody is an error.
func (c *Client) Send(ctx context.Context, method, url string, body []byte) (*Response, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.plain(err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing is lost with it
	b, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the answer (status %d) broke off: %w", res.StatusCode, c.plain(err))
	}
	if len(b) > MaxBody {
		return nil, fmt.Errorf("the answer is longer than %d bytes", MaxBody)
	}
	open := res.ContentLength < 0 && len(res.TransferEncoding) == 0
	return &Response{Status: res.StatusCode, Header: res.Header, Body: b, open: open}, nil
}

// plain removes the method and address that net/http puts in front, and its
// jargon for a timeout.
func (c *Client) plain(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &timeoutError{after: c.timeout, err: err}
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// timeoutError says how long was waited.
type timeoutError struct {
	after time.Duration
	err   error
}

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }
func (e *timeoutError) Unwrap() error { return e.err }

// Do sends an operation to a node, follows its redirects, and fills in the
// outcome. A redirect promises that nothing was done.
func (c *Client) Do(ctx context.Context, node Node, op *history.Operation) {
	method, body := http.MethodGet, []byte(nil)
	switch op.Kind {
	case history.Put:
		method, body = http.MethodPut, Body(op.Value)
	case history.Delete:
		method = http.MethodDelete
	}
	op.Node = node.ID
	res, err := c.SendTo(ctx, node, method, KeyPath(op.Key), body)
	settle(op, res, err)
}

// settle is the table of outcomes (the contract, "Client API"). It is the only
// place where an answer is judged.
func settle(op *history.Operation, res *Response, err error) {
	switch {
	case err != nil && errors.Is(err, syscall.ECONNREFUSED):
		// No connection, so no request. It holds for a retry as well: net/http
		// sends a write again only if nothing of it had been written.
		op.Outcome, op.Error = history.Failed, "connection refused"
		return
	case err != nil:
		op.Outcome, op.Error = history.Unknown, shortError(err)
		return
	}
	op.Status = res.Status
	switch {
	case res.Status >= 200 && res.Status < 300:
		if op.Kind == history.Get {
			name, defect, cut := identify(res.Body)
			if cut && res.open {
				op.Error = fmt.Sprintf("the answer, %d bytes without a Content-Length, may have been cut off with its connection", len(res.Body))
				return // unknown
			}
			op.Present, op.Value, op.Defect = true, name, defect
		}
		op.Outcome = history.OK
	case res.Status == http.StatusNotFound && op.Kind == history.Get:
		op.Outcome = history.OK
	case res.Status >= 400 && res.Status < 500 && res.Status != http.StatusRequestTimeout:
		op.Outcome = history.Failed
	default:
		op.Outcome = history.Unknown
	}
	if op.Outcome != history.OK {
		op.Error = fmt.Sprintf("status %d: %s", res.Status, sample(bytes.TrimSpace(res.Body)))
	}
}

func shortError(err error) string {
	s := strings.ToValidUTF8(err.Error(), "\uFFFD")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
