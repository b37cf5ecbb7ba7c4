package cluster

import (
	"bufio"
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
	// longestHead bounds the head of an answer in bytes.
	longestHead = 64 << 10
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

// ask sends GET /health on a connection of its own; said is empty if the answer
// means ready. It is written by hand because http.Transport logs what a server that
// does not speak HTTP sends it.
func ask(ctx context.Context, host string, port int, timeout time.Duration) (said string, refused bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	late := fmt.Sprintf("GET /health was not answered within %s", seconds(timeout.Round(100*time.Millisecond)))

	var dialer net.Dialer
	address := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if ctx.Err() != nil {
		return late, false
	}
	if err != nil {
		return fmt.Sprintf("nothing accepts connections on port %d", port), true
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	status, err := exchange(conn, address)
	switch {
	case ctx.Err() != nil:
		return late, false
	case err == nil && status == http.StatusServiceUnavailable:
		return "GET /health answered 503 (not ready yet)", false
	case err == nil:
		return "", false
	}
	var broken net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) {
		return "the connection broke before GET /health was answered", false
	}
	return fmt.Sprintf("port %d accepts connections, but GET /health got no HTTP answer: %s", port, printable([]byte(err.Error()))), false
}

// exchange sends the request and reads the head of the answer.
func exchange(conn net.Conn, address string) (status int, err error) {
	request := "GET /health HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: lsfr\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	reader := bufio.NewReader(io.LimitReader(conn, longestHead))
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return 0, err
		}
		if response.StatusCode < 200 {
			continue // it announces the answer proper
		}
		// Closing before the rest was read would reset the connection, which some
		// servers report at length. A server that never ends is not waited for.
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode, nil
	}
}

func baseURL(host string, port int) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}
