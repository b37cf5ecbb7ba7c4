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

// longestAnswer bounds an answer in bytes, its head included.
const longestAnswer = 256 << 10

// errNoConnection means that nothing accepts connections there.
var errNoConnection = errors.New("no connection")

// fetch sends a GET on a connection of its own. It is written by hand because
// http.Transport logs what a server that does not speak HTTP sends it.
func fetch(ctx context.Context, host string, port int, path string) (status int, body []byte, err error) {
	var dialer net.Dialer
	address := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errNoConnection, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return exchange(conn, address, path)
}

// exchange sends the request and reads the answer. An answer that does not end is
// cut off.
func exchange(conn net.Conn, address, path string) (status int, body []byte, err error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: lsfr\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, nil, err
	}
	reader := bufio.NewReader(io.LimitReader(conn, longestAnswer))
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return 0, nil, err
		}
		if response.StatusCode < 200 {
			continue // it announces the answer proper
		}
		// Closing before the rest was read would reset the connection, which some
		// servers report at length. A server that never ends is not waited for.
		_ = conn.SetReadDeadline(time.Now().Add(endOfAnswer))
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, body, nil
	}
}

// endOfAnswer is how long the rest of an answer may take to come after its head.
const endOfAnswer = 250 * time.Millisecond
