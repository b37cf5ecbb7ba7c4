package workload

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Route finds the node that an address leads to, such as "127.0.0.1:30412" in a
// Location: nodes know each other by addresses of their own. It returns false if
// that is no node of the cluster.
type Route func(address string) (Node, bool)

// longestChase is how many redirects an operation follows: in a sharded cluster the
// first leads to the right group, the second to its leader, and leaders may change
// on the way.
const longestChase = 5

// RedirectError says that a node redirected to where no client can go.
type RedirectError struct {
	// Node is the ID of the node that answered so.
	Node string
	// Location is the header as it came, Problem a clause about it.
	Location, Problem string
}

// Error returns one sentence.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirected to %q, %s", e.Node, clipped(e.Location), e.Problem)
}

func clipped(s string) string {
	const longest = 120
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return s
}

// SendTo sends a request for a path to a node, and follows its redirects (status
// 307) through the cluster. All of it takes at most the client's timeout. The error
// is a *RedirectError if a Location leads nowhere.
func (c *Client) SendTo(ctx context.Context, node Node, method, path string, body []byte) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for hop := 0; ; hop++ {
		res, err := c.Send(ctx, method, node.URL+path, body)
		if err != nil && hop > 0 {
			return nil, fmt.Errorf("redirected to %s: %w", node.ID, err)
		}
		if err != nil || res.Status != http.StatusTemporaryRedirect || c.route == nil {
			return res, err
		}
		location := res.Header.Get("Location")
		if hop == longestChase {
			return nil, &RedirectError{Node: node.ID, Location: location, Problem: fmt.Sprintf("the last of %d redirects in a row", hop+1)}
		}
		next, target, problem := c.follow(location)
		if problem != "" {
			return nil, &RedirectError{Node: node.ID, Location: location, Problem: problem}
		}
		node, path = next, target
	}
}

// follow maps a Location to its node and the path to ask for there.
func (c *Client) follow(location string) (node Node, path, problem string) {
	if location == "" {
		return Node{}, "", "which is an answer of 307 without a Location"
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return Node{}, "", "which is no address of the form http://HOST:PORT/kv/KEY"
	}
	node, ok := c.route(u.Host)
	if !ok {
		return Node{}, "", "which is no node of the cluster"
	}
	return node, u.RequestURI(), ""
}
