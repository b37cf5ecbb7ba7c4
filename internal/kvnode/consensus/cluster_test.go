package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// patience is how long to wait for what must come, before giving up.
const patience = 30 * time.Second

// A cluster is nodes in this process, whose links a test can cut.
type cluster struct {
	t       *testing.T
	network *netsim.Network
	ids     []string
	faults  Faults
	timing  Timing
	fatal   func(error) // nil fails the test
	members map[string]*member
}

type member struct {
	id       string
	dir      string
	node     *Node // nil while it is down
	machine  *table
	listener net.Listener
	serving  sync.WaitGroup
}

func newCluster(t *testing.T, size int, configure ...func(*cluster)) *cluster {
	t.Helper()
	c := &cluster{
		t:       t,
		network: netsim.New(context.Background(), netsim.Config{Seed: 1}),
		members: make(map[string]*member),
		timing:  Timing{Heartbeat: 300 * time.Millisecond, Lease: 250 * time.Millisecond, Call: 500 * time.Millisecond},
	}
	for i := range size {
		c.ids = append(c.ids, fmt.Sprintf("n%d", i+1))
	}
	for _, f := range configure {
		f(c)
	}
	dir := t.TempDir() // removed after the nodes have ended
	t.Cleanup(func() {
		for _, id := range c.ids { // What a test that failed has left running may still use the nodes.
			if m := c.members[id]; m.node != nil {
				_ = m.listener.Close()
				m.serving.Wait()
				if err := m.node.crash(); err != nil {
					t.Errorf("end %s: %v", id, err)
				}
			}
		}
		if err := c.network.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, id := range c.ids {
		c.members[id] = &member{id: id, dir: filepath.Join(dir, id)}
	}
	for _, id := range c.ids {
		c.start(id)
	}
	return c
}

// config is that of a node; its machine is new.
func (c *cluster) config(m *member) Config {
	m.machine = newTable()
	return Config{
		ID: m.id, Members: c.ids, Dir: m.dir, Machine: m.machine, Timing: c.timing, Faults: c.faults,
		Dial: func(ctx context.Context, peer string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", c.link(m.id, peer).Addr())
		},
		Logf: func(format string, args ...any) { c.t.Logf(m.id+": "+format, args...) },
		Fatal: func(err error) {
			if c.fatal == nil {
				c.t.Errorf("%s: %v", m.id, err)
				return
			}
			c.fatal(err)
		},
	}
}

func (c *cluster) link(from, to string) *netsim.Link {
	l, err := c.network.Link(from, to)
	if err != nil {
		panic(err) // not the test's goroutine
	}
	return l
}

func (c *cluster) start(id string) {
	c.t.Helper()
	m := c.members[id]
	node, err := Open(context.Background(), c.config(m))
	if err != nil {
		c.t.Fatalf("open %s: %v", id, err)
	}
	m.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	m.node = node
	m.serving.Go(func() {
		for {
			conn, err := m.listener.Accept()
			if err != nil {
				return
			}
			node.Accept(conn)
		}
	})
	for _, peer := range c.ids {
		if peer != id {
			if err := c.link(peer, id).Up(m.listener.Addr().String()); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// stop ends a node as SIGTERM does.
func (c *cluster) stop(id string) { c.down(id, (*Node).Close) }

// crash ends it as nearly as SIGKILL does as one process can do it to itself.
func (c *cluster) crash(id string) { c.down(id, (*Node).crash) }

func (c *cluster) down(id string, end func(*Node) error) {
	c.t.Helper()
	m := c.members[id]
	if m == nil || m.node == nil {
		return
	}
	_ = m.listener.Close()
	m.serving.Wait()
	if err := end(m.node); err != nil {
		c.t.Errorf("end %s: %v", id, err)
	}
	m.node = nil
	for _, peer := range c.ids {
		if peer != id {
			if err := c.link(peer, id).Down(); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// cut stops traffic from a to b for all pairs, and, unless oneWay, back.
func (c *cluster) cut(a, b []string, oneWay bool) *netsim.Fault {
	c.t.Helper()
	var directions []netsim.Direction
	for _, from := range a {
		for _, to := range b {
			directions = append(directions, netsim.Direction{From: from, To: to})
			if !oneWay {
				directions = append(directions, netsim.Direction{From: to, To: from})
			}
		}
	}
	f, err := c.network.Inject(netsim.Conditions{Cut: true}, directions...)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c *cluster) node(id string) *Node { return c.members[id].node }

// up lists the nodes that are not down, without these.
func (c *cluster) up(without ...string) []string {
	return slices.DeleteFunc(slices.Clone(c.ids), func(id string) bool {
		return c.node(id) == nil || slices.Contains(without, id)
	})
}

// leader waits until these nodes agree on one of them that leads.
func (c *cluster) leader(ids ...string) string {
	c.t.Helper()
	var leader string
	c.eventually("agree on a leader", func() bool {
		leader, _ = c.node(ids[0]).Leader()
		_, term := c.node(ids[0]).Leader()
		for _, id := range ids {
			if l, t := c.node(id).Leader(); l != leader || t != term {
				return false
			}
		}
		return slices.Contains(ids, leader) && c.node(leader).State() == Leader
	})
	return leader
}

func (c *cluster) eventually(what string, done func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			for _, id := range c.up() {
				leader, term := c.node(id).Leader()
				c.t.Logf("%s is %s, names %q in term %d, has %d keys", id, c.node(id).State(), leader, term, c.members[id].machine.size())
			}
			c.t.Fatalf("did not %s within %v", what, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// put proposes a write through whichever of these nodes leads, until one has committed it.
func (c *cluster) put(key, value string, through ...string) {
	c.t.Helper()
	c.eventually("write "+key, func() bool {
		for _, id := range through {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			err := c.node(id).Propose(ctx, command(key, value))
			cancel()
			if err == nil {
				return true
			}
			if !errors.Is(err, ErrNotLeader) && !errors.Is(err, ErrUnknown) {
				c.t.Fatalf("propose through %s: %v", id, err)
			}
		}
		return false
	})
}

// agree waits until these nodes' copies are the same and have these values.
func (c *cluster) agree(values map[string]string, ids ...string) {
	c.t.Helper()
	c.eventually("agree on the data", func() bool {
		first := c.members[ids[0]].machine.all()
		for key, value := range values {
			if first[key] != value {
				return false
			}
		}
		for _, id := range ids {
			if !maps.Equal(first, c.members[id].machine.all()) {
				return false
			}
		}
		return true
	})
}

// table is a machine of keys and values. Commands are KEY=VALUE.
type table struct {
	mu       sync.Mutex
	values   map[string]string
	index    uint64
	restores int
}

func newTable() *table { return &table{values: make(map[string]string)} }

func command(key, value string) []byte { return []byte(key + "=" + value) }

func (t *table) Apply(index uint64, entries [][]byte) []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if index <= t.index {
		panic(fmt.Sprintf("entry %d after %d", index, t.index))
	}
	t.index = index
	var refused []error
	for i, entry := range entries {
		key, value, _ := strings.Cut(string(entry), "=")
		if key == "" {
			refused = append(refused, make([]error, len(entries)-len(refused))...)
			refused[i] = errNoKey
			continue
		}
		t.values[key] = value
	}
	return refused
}

// errNoKey is the table's refusal of a command without a key.
var errNoKey = errors.New("no key")

func (t *table) Snapshot() (func(io.Writer) error, error) {
	values := t.all()
	return func(w io.Writer) error { return json.NewEncoder(w).Encode(values) }, nil
}

func (t *table) Restore(r io.Reader) error {
	values := make(map[string]string)
	if err := json.NewDecoder(r).Decode(&values); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values = values
	t.restores++
	return nil
}

func (t *table) get(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.values[key]
}

func (t *table) all() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.values)
}

func (t *table) size() int { return len(t.all()) }

func (t *table) restored() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.restores
}
