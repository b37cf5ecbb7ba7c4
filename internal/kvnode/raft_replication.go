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
	// calledHeader names the node that a stream is meant for. An address may belong to another node by now, whose
	// answers would count for one that is not there.
	calledHeader = "Kvnode-Called"
)

// raftReplication brings the streams of consensus to it: they come to the one port as HTTP requests that ask for
// another protocol (RFC 9110, section 7.8).
type raftReplication struct{ store *raftStore }

func (r raftReplication) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	switch {
	case request.URL.Path != consensusPath || request.Header.Get("Upgrade") != consensusProtocol:
		http.Error(w, "not found", http.StatusNotFound)
	case request.Header.Get(calledHeader) != r.store.id:
		http.Error(w, "this is node "+r.store.id, http.StatusMisdirectedRequest)
	default:
		r.accept(w)
	}
}

// accept takes the connection over from the HTTP server, which does not wait for it when it shuts down. It ends with the
// consensus.
func (r raftReplication) accept(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Time{}) // If it is broken, the next line says so.
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

func (a ahead) Read(b []byte) (int, error) {
	if a.reader.Buffered() > 0 {
		return a.reader.Read(b)
	}
	return a.Conn.Read(b)
}

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
			return nil, fmt.Errorf("reach %s: %w", peer, err)
		}
		upgraded, err := upgrade(ctx, conn, peer)
		if err != nil {
			_ = conn.Close() // The first error says more.
			return nil, fmt.Errorf("reach %s at %s: %w", peer, address, err)
		}
		return upgraded, nil
	}
}

// upgrade asks a peer for the protocol of consensus. The link may hang at any moment.
func upgrade(ctx context.Context, conn net.Conn, peer string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	upgraded, err := exchange(conn, peer)
	if !stop() {
		return nil, context.Cause(ctx) // The deadline is set, or about to be.
	}
	return upgraded, err
}

func exchange(conn net.Conn, peer string) (net.Conn, error) {
	request := "GET " + consensusPath + " HTTP/1.1\r\nHost: kvnode\r\n" + calledHeader + ": " + peer +
		"\r\nConnection: Upgrade\r\nUpgrade: " + consensusProtocol + "\r\n\r\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusSwitchingProtocols:
		return nil, errors.New("the answer is " + response.Status)
	case response.Header.Get("Upgrade") != consensusProtocol:
		return nil, fmt.Errorf("the answer is another protocol, %q", response.Header.Get("Upgrade"))
	}
	return ahead{conn, reader}, nil
}
