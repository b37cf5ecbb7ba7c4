package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// The first probes come fast, so that a quick restart is seen as one.
	earlyProbes   = 50
	earlyInterval = 20 * time.Millisecond
	lateInterval  = 100 * time.Millisecond
	// A probe may take longer the longer the node has been starting: one that
	// recovers in a single thread accepts connections long before it answers.
	shortestProbe = time.Second
	longestProbe  = 5 * time.Second
)

// loopbacks are the hosts to try: a program that listens on "localhost" may have
// chosen either.
var loopbacks = [...]string{"127.0.0.1", "::1"}

// probe asks once. It returns the host that answered, or in said why the node is
// not ready.
func probe(ctx context.Context, port int, timeout time.Duration) (host, said string) {
	for _, host := range loopbacks {
		answer, refused := ask(ctx, host, port, timeout)
		if answer == "" {
			return host, ""
		}
		if said == "" || !refused {
			said = answer
		}
		if !refused {
			break
		}
	}
	return "", said
}

// ask sends GET /health; said is empty if the answer means ready.
func ask(ctx context.Context, host string, port int, timeout time.Duration) (said string, refused bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	status, _, err := fetch(ctx, host, port, "/health")
	var broken net.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("GET /health was not answered within %s", seconds(timeout.Round(100*time.Millisecond))), false
	case err == nil && status == http.StatusServiceUnavailable:
		return saidNotReady, false
	case err == nil:
		return "", false
	case errors.Is(err, errNoConnection):
		return fmt.Sprintf("nothing accepts connections on port %d", port), true
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken):
		return "the connection broke before GET /health was answered", false
	}
	return fmt.Sprintf("port %d accepts connections, but GET /health got no HTTP answer: %s", port, printable([]byte(err.Error()))), false
}

// saidNotReady is what a node says that runs, but waits for something.
const saidNotReady = "GET /health answered 503 (not ready yet)"

func baseURL(host string, port int) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}
