package challenges

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// Env is what a check works with: a running cluster and a client.
type Env struct {
	Cluster *cluster.Cluster
	Client  *workload.Client
	// prefix keeps each check's keys apart from all others'.
	prefix string
	values *atomic.Int64
	node   *cluster.Node // that requests go to; nil for the first one
	once   bool
}

// NewEnv returns the environment of the check with that number.
func NewEnv(c *cluster.Cluster, client *workload.Client, number int) *Env {
	return &Env{Cluster: c, Client: client, prefix: fmt.Sprintf("check%d:", number), values: new(atomic.Int64)}
}

// Node returns the node that requests go to: the first one, or that of On.
func (e *Env) Node() *cluster.Node {
	if e.node == nil {
		return e.Cluster.Nodes()[0]
	}
	return e.node
}

// On returns the same environment, but its requests go to this node.
func (e *Env) On(n *cluster.Node) *Env {
	on := *e
	on.node = n
	return &on
}

// Once returns the same environment, but a node that declines is not asked again.
func (e *Env) Once() *Env {
	once := *e
	once.once = true
	return &once
}

// Key returns a key that no other check uses.
func (e *Env) Key(name string) string { return e.prefix + name }

// Value returns a short value that was never returned before.
func (e *Env) Value() string { return fmt.Sprintf("value-%d", e.values.Add(1)) }

// Apart returns the same environment with connections of its own, for one of many
// who work at the same time: those who share a client open and close connections all
// the time. done closes them.
func (e *Env) Apart() (apart *Env, done func()) {
	own := *e
	own.Client = e.Client.Clone()
	return &own, own.Client.Close
}

// Request is a request to the node of the environment.
type Request struct {
	Method, Path string
	Body         string
}

func (r Request) String() string {
	s := r.Method + " " + r.Path
	if len(s) > 90 {
		s = s[:60] + "…" + s[len(s)-20:]
	}
	if r.Body != "" {
		s += " with body " + excerpt(r.Body, none)
	}
	return s
}

// path returns the path of a key. Keys need no escaping: their characters are
// all allowed in a path.
func path(key string) string { return "/kv/" + key }

// Try sends a request, and follows redirects to other nodes. The error says why
// there was no complete answer, which may be all right.
func (e *Env) Try(ctx context.Context, r Request) (*workload.Response, error) {
	var body []byte
	if r.Body != "" {
		body = []byte(r.Body)
	}
	return e.Client.SendTo(ctx, workload.Node{ID: e.Node().ID(), URL: e.Node().URL()}, r.Method, r.Path, body)
}

// Do sends a request, and follows redirects to other nodes. A request without a complete answer is a *Failure, or a
// *cluster.NodeError if the node is gone.
func (e *Env) Do(ctx context.Context, r Request) (*workload.Response, error) {
	res, err := e.Try(ctx, r)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if gone := e.Node().Err(); gone != nil {
		return nil, gone
	}
	if lost, ok := errors.AsType[*workload.RedirectError](err); ok {
		return nil, &Failure{
			Rule: RuleWrongRedirect, Summary: fmt.Sprintf("%s on %s: %v", r, e.Node().ID(), lost), Request: e.request(r), Err: err,
			Expected: "307 with Location: http://HOST:PORT/kv/KEY, HOST:PORT being the leader's in --peers",
			Actual:   "Location: " + lost.Location,
		}
	}
	return nil, &Failure{Rule: RuleNoAnswer, Summary: fmt.Sprintf("%s got no answer from %s: %v", r, e.Node().ID(), err), Request: e.request(r), Err: err}
}

// notNowTime is how long a node of a cluster may decline what it has to do. Leaders change
// at any time, also without a fault, and nobody can be asked while they do.
const notNowTime = 10 * time.Second

// notNow reports whether a status says that the one who would know cannot be asked now.
func notNow(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// ask is Do, again and again while a node of a cluster says that it cannot answer now.
func (e *Env) ask(ctx context.Context, r Request) (*workload.Response, error) {
	patient := !e.once && len(e.Cluster.Nodes()) > 1
	for began := time.Now(); ; {
		res, err := e.Do(ctx, r)
		if err != nil || !notNow(res.Status) || !patient || time.Since(began) >= notNowTime {
			return res, err
		}
		if err := Wait(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

// Expect sends a request and compares the status, and the body byte for byte.
func (e *Env) Expect(ctx context.Context, r Request, status int, body string) error {
	res, err := e.ask(ctx, r)
	if err != nil {
		return err
	}
	if res.Status == status && string(res.Body) == body {
		return nil
	}
	if res.Status >= 400 && res.Status == status && strings.TrimSuffix(strings.TrimSuffix(string(res.Body), "\n"), "\r") == body {
		return nil // error bodies may end with a newline
	}
	return e.mismatch(r, res, status, body)
}

// ExpectStatus sends a request and compares the status only.
func (e *Env) ExpectStatus(ctx context.Context, r Request, status int) error {
	res, err := e.ask(ctx, r)
	if err != nil {
		return err
	}
	if res.Status != status {
		return e.mismatch(r, res, status, "")
	}
	return nil
}

// request tells a request for a Failure, and in a cluster the node it went to.
func (e *Env) request(r Request) string {
	if len(e.Cluster.Nodes()) == 1 {
		return r.String()
	}
	return r.String() + " on " + e.Node().ID()
}

func (e *Env) mismatch(r Request, res *workload.Response, status int, body string) error {
	f := &Failure{Rule: mismatchRule(r, res, status, body), Request: e.request(r)}
	if res.Status != status {
		f.Summary = fmt.Sprintf("%s answered %s, want %s", f.Request, statusText(res.Status), statusText(status))
		f.Expected, f.Actual = statusText(status), statusText(res.Status)
		if body != "" {
			f.Expected += " " + excerpt(body, none)
		}
		if len(res.Body) > 0 {
			f.Actual += " " + excerpt(string(res.Body), none)
		}
		return f
	}
	f.Summary = fmt.Sprintf("%s answered %s with another body than expected", f.Request, statusText(status))
	f.Expected, f.Actual = Contrast(body, string(res.Body))
	return f
}

// mismatchRule is what an answer violates where another status or body was expected.
// body is empty if any will do.
func mismatchRule(r Request, res *workload.Response, status int, body string) Rule {
	got := strings.TrimSpace(string(res.Body))
	switch {
	case notNow(res.Status):
		return RuleUnavailable
	case r.Method != http.MethodGet:
		return RuleWrongAnswer
	case status == http.StatusOK:
		return ReadRule(res, body)
	case status == http.StatusNotFound && res.Status == http.StatusOK && got != "" && got != body:
		return RuleDeletedCameBack // nothing at all, or the text of the error, is no value
	}
	return RuleWrongAnswer
}

// tornLength is from how many bytes on a value may come back in part. The beginning of a
// short one is more likely another value: value-1 for value-12.
const tornLength = 1_000

// ReadRule is what an answer to a GET violates that is not 200 with this value.
func ReadRule(res *workload.Response, want string) Rule {
	switch got := string(res.Body); {
	case notNow(res.Status):
		return RuleUnavailable
	case res.Status == http.StatusNotFound:
		return RuleValueMissing
	case res.Status != http.StatusOK:
		return RuleWrongAnswer
	case len(want) >= tornLength && len(got) < len(want) && strings.HasPrefix(want, got):
		return RuleTornValue
	}
	return RuleWrongValue
}

func statusText(status int) string {
	if t := http.StatusText(status); t != "" {
		return fmt.Sprintf("%d %s", status, t)
	}
	return fmt.Sprint(status)
}

// Put writes a value and expects 200.
func (e *Env) Put(ctx context.Context, key, value string) error {
	return e.ExpectStatus(ctx, Request{http.MethodPut, path(key), value}, http.StatusOK)
}

// Get reads a key and expects this value.
func (e *Env) Get(ctx context.Context, key, value string) error {
	return e.Expect(ctx, Request{Method: http.MethodGet, Path: path(key)}, http.StatusOK, value)
}

// Absent reads a key and expects that it is not there.
func (e *Env) Absent(ctx context.Context, key string) error {
	return e.Expect(ctx, Request{Method: http.MethodGet, Path: path(key)}, http.StatusNotFound, "key not found")
}

// Delete deletes a key and expects 200.
func (e *Env) Delete(ctx context.Context, key string) error {
	return e.ExpectStatus(ctx, Request{Method: http.MethodDelete, Path: path(key)}, http.StatusOK)
}

// Clear deletes every key and expects 200.
func (e *Env) Clear(ctx context.Context) error {
	return e.ExpectStatus(ctx, Request{Method: http.MethodDelete, Path: "/clear"}, http.StatusOK)
}

// Restart stops the first node with SIGTERM and starts it again.
func (e *Env) Restart(ctx context.Context) error {
	if err := e.Node().Stop(ctx); err != nil {
		return err
	}
	return e.Node().Start(ctx)
}

// Crash kills the first node with SIGKILL and starts it again.
func (e *Env) Crash(ctx context.Context) error {
	if err := e.Node().Kill(ctx); err != nil {
		return err
	}
	return e.Node().Start(ctx)
}

// pollEvery is how often Eventually tries.
const pollEvery = 50 * time.Millisecond

// Eventually tries until it succeeds, and at least once after the time is over. It
// returns the last error; a *NodeError, or one of lsfr itself, at once.
func Eventually(ctx context.Context, within time.Duration, try func() error) error {
	for began := time.Now(); ; {
		last := time.Since(began) >= within
		err := try()
		f, failed := errors.AsType[*Failure](err)
		info, misinformed := errors.AsType[*cluster.InfoError](err)
		switch {
		case err == nil || !failed && !misinformed:
			return err
		case last && failed:
			late := *f
			late.Summary = fmt.Sprintf("after %g s still: %s", within.Seconds(), f.Summary)
			return &late
		case last:
			late := *info
			late.Problem = fmt.Sprintf("after %g s still: %s", within.Seconds(), info.Problem)
			return &late
		}
		if err := Wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// Wait lets time pass, unless ctx ends first.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Steps runs steps in order and returns the first error.
func Steps(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}
