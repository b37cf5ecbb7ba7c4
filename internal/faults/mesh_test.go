package faults

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// mesh is nodes on real links, each with a connection to each other.
type mesh struct {
	*world
	network *netsim.Network
	addrs   map[netsim.Direction]string
	conns   map[netsim.Direction]net.Conn
	arrived map[netsim.Direction]*atomic.Int64 // bytes
	sent    map[netsim.Direction]int64
}

func newMesh(t testing.TB, nodes int) *mesh {
	t.Helper()
	m := &mesh{
		world:   newWorld(nodes),
		network: netsim.New(context.Background(), netsim.Config{Seed: 1}),
		addrs:   make(map[netsim.Direction]string),
		conns:   make(map[netsim.Direction]net.Conn),
		arrived: make(map[netsim.Direction]*atomic.Int64),
		sent:    make(map[netsim.Direction]int64),
	}
	m.env.Network = m.network
	t.Cleanup(func() {
		if err := m.network.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, pair := range m.pairs() {
		link, err := m.network.Link(pair.From, pair.To)
		if err != nil {
			t.Fatal(err)
		}
		m.arrived[pair] = new(atomic.Int64)
		if err := link.Up(m.listen(t, m.arrived[pair])); err != nil {
			t.Fatal(err)
		}
		m.addrs[pair] = link.Addr()
		m.conns[pair] = m.dial(t, pair)
	}
	m.send(t) // so each connection has reached its target
	m.awaitAll(t)
	return m
}

// pairs are all directions, in order.
func (m *mesh) pairs() []netsim.Direction {
	return linksOf(identities(m.env.Nodes), identities(m.env.Nodes))
}

// listen is the node at the end of one link. It counts the bytes that arrive.
func (m *mesh) listen(t testing.TB, arrived *atomic.Int64) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(t.Context(), func() { _ = conn.Close() })()
				for buffer := make([]byte, 4096); ; {
					n, err := conn.Read(buffer)
					arrived.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		tasks.Wait()
	})
	return listener.Addr().String()
}

func (m *mesh) dial(t testing.TB, pair netsim.Direction) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", m.addrs[pair])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send sends a byte from each node to each other.
func (m *mesh) send(t testing.TB) { m.sendOn(t, m.pairs()...) }

func (m *mesh) sendOn(t testing.TB, pairs ...netsim.Direction) {
	t.Helper()
	for _, pair := range pairs {
		if _, err := m.conns[pair].Write([]byte("x")); err != nil {
			t.Fatalf("%s: %v", pair, err)
		}
		m.sent[pair]++
	}
}

// missing are the directions in which not everything has arrived.
func (m *mesh) missing() []netsim.Direction {
	return slices.DeleteFunc(m.pairs(), func(p netsim.Direction) bool { return m.arrived[p].Load() == m.sent[p] })
}

func (m *mesh) awaitAll(t testing.TB) {
	t.Helper()
	eventually(t, "everything arrives", func() bool { return len(m.missing()) == 0 })
}

// observe sends a byte everywhere under a fault, and returns the directions in which
// it is held. Each byte either arrives or is hit, so there is no need to guess how long
// to wait.
func (m *mesh) observe(t testing.TB, f Fault, s Step, targets ...string) (held []netsim.Direction, i Injection) {
	t.Helper()
	var nodes []Node
	for _, n := range m.env.Nodes {
		if slices.Contains(targets, n.ID()) {
			nodes = append(nodes, n)
		}
	}
	i, err := f.Inject(t.Context(), &m.env, s, nodes)
	if err != nil {
		t.Fatal(err)
	}
	m.send(t)
	eventually(t, "each byte arrives or is held", func() bool { return i.Hits() >= len(m.missing()) })
	return m.missing(), i
}

// heal ends a fault, and everything arrives, also if ctx is cancelled.
func (m *mesh) heal(t testing.TB, i Injection) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	m.awaitAll(t)
}

func arrow(text string) netsim.Direction {
	from, to, _ := strings.Cut(text, ">")
	return netsim.Direction{From: from, To: to}
}

func arrows(text string) []netsim.Direction {
	var out []netsim.Direction
	for word := range strings.FieldsSeq(text) {
		out = append(out, arrow(word))
	}
	return out
}

// sees returns which nodes each node is connected with both ways, itself included.
func (m *mesh) sees(held []netsim.Direction) map[string][]string {
	ids := identities(m.env.Nodes)
	out := make(map[string][]string)
	for _, a := range ids {
		for _, b := range ids {
			if !slices.Contains(held, netsim.Direction{From: a, To: b}) && !slices.Contains(held, netsim.Direction{From: b, To: a}) {
				out[a] = append(out[a], b)
			}
		}
	}
	return out
}

func symmetric(held []netsim.Direction) bool {
	return !slices.ContainsFunc(held, func(d netsim.Direction) bool {
		return !slices.Contains(held, netsim.Direction{From: d.To, To: d.From})
	})
}
