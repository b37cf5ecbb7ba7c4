package kvnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	consensusPath     = "/internal/consensus"
	consensusProtocol = "kvnode-consensus"
)

// raftReplication brings the streams of consensus to it: they come to the one port as HTTP requests that ask for
// another protocol (RFC 9110, section 7.8).
type raftReplication struct{ store *raftStore }

func (r raftReplication) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path != consensusPath || request.Header.Get("Upgrade") != consensusProtocol {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + consensusProtocol + "\r\n\r\n"
	if _, err := conn.Write([]byte(answer)); err != nil {
		_ = conn.Close() // The peer has gone, and tries again.
		return
	}
	r.store.node.Accept(ahead{conn, buffered.Reader})
}

// run has nothing to do: consensus runs by itself.
func (r raftReplication) run(context.Context) {}

// ahead is a stream of which some bytes have been read already.
type ahead struct {
	net.Conn
	reader *bufio.Reader
}

func (a ahead) Read(b []byte) (int, error) { return a.reader.Read(b) }

// dialConsensus opens streams to the peers at these addresses.
func dialConsensus(addresses map[string]string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, peer string) (net.Conn, error) {
		address, ok := addresses[peer]
		if !ok {
			return nil, fmt.Errorf("there is no node %q", peer)
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		upgraded, err := upgrade(ctx, conn, address)
		if err != nil {
			_ = conn.Close() // The first error says more.
			return nil, fmt.Errorf("reach %s: %w", peer, err)
		}
		return upgraded, nil
	}
}

// upgrade asks for the protocol of consensus. The link may hang at any moment.
func upgrade(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	request := "GET " + consensusPath + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: " + consensusProtocol + "\r\n\r\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.New(response.Status)
	}
	if !stop() {
		return nil, context.Cause(ctx) // the deadline is set, or about to be
	}
	return ahead{conn, reader}, nil
}
