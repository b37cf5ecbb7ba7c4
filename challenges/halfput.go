package challenges

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/st3v3nmw/lsfr/workload"
)

// HalfPut is a PUT of which the headers and half of the body have been sent:
// the node is at work on it beyond doubt.
type HalfPut struct {
	Key, Value string
	conn       net.Conn
}

// BeginPut connects to the first node and sends the headers and half of the
// body. Close it in the end.
func (e *Env) BeginPut(ctx context.Context, key, value string) (*HalfPut, error) {
	node, err := url.Parse(e.Node().URL())
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", e.Node().ID(), err)
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", node.Host)
	if err != nil {
		return nil, &Failure{Rule: RuleNoAnswer, Summary: fmt.Sprintf("%s did not accept a connection: %v", e.Node().ID(), err), Err: err}
	}
	h := &HalfPut{Key: key, Value: value, conn: conn}
	head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-Type: text/plain\r\n\r\n%s",
		path(key), node.Host, len(value), value[:len(value)/2])
	if _, err := io.WriteString(conn, head); err != nil {
		h.Close()
		return nil, &Failure{Rule: RuleNoAnswer, Summary: fmt.Sprintf("%s broke off a request: %v", e.Node().ID(), err), Err: err}
	}
	return h, nil
}

// Finish sends the rest of the body and waits for the answer.
func (h *HalfPut) Finish(timeout time.Duration) (*workload.Response, error) {
	if err := h.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	if _, err := io.WriteString(h.conn, h.Value[len(h.Value)/2:]); err != nil {
		return nil, fmt.Errorf("send the rest of the body: %w", err)
	}
	req, err := http.NewRequest(http.MethodPut, "http://node"+path(h.Key), nil)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(h.conn), req)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing is lost with it
	body, err := io.ReadAll(io.LimitReader(res.Body, workload.MaxBody))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &workload.Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// Close closes the connection.
func (h *HalfPut) Close() { h.conn.Close() } //nolint:errcheck // nothing is lost with it
