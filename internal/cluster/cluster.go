package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// A Cluster is the set of nodes of one run. Its methods, and those of its nodes,
// may be called concurrently.
type Cluster struct {
	cfg      Config
	run      string // the run's marker
	family   *family
	spawner  *spawner
	network  *netsim.Network // nil without links
	guard    *guard
	failures chan *NodeError
	building sync.Once
	watchers sync.WaitGroup

	mu       sync.Mutex
	nodes    []*Node
	links    []link
	closed   bool
	spawning sync.WaitGroup // Add only under mu and while not closed

	closeOnce sync.Once
	closeErr  error
}

// New prepares a cluster without nodes. The error is a *NodeError of kind
// NotRunnable if the command cannot be executed. A cluster must be closed.
func New(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, err := checkCommand(cfg.Dir, cfg.Command); err != nil {
		return nil, err
	}

	// One tick earlier than now, because start times are rounded down.
	born := timeNow() - 1
	c := &Cluster{
		cfg:      cfg,
		run:      rand.Text(),
		failures: make(chan *NodeError, 256),
	}
	c.family = newFamily(c.run, "", born)
	c.family.adopt(true)
	if err := adoptOrphans(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		c.cfg.Log.Warn().Err(err).Msg("orphans of a node are found by their marker only")
	}
	if len(cfg.Guard) > 0 {
		guard, err := startGuard(cfg.Guard, c.run, born)
		if err != nil {
			return nil, err
		}
		c.guard = guard
		c.family.spare(guard.process.Pid)
	}
	c.spawner = newSpawner()
	c.startNetwork(ctx)
	return c, nil
}

// nodeID is what a node's name may look like: it becomes a file name.
var nodeID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// AddNode adds a node to a cluster without shards. See AddMember.
func (c *Cluster) AddNode(ctx context.Context, id string) (*Node, error) {
	return c.AddMember(ctx, id, Shard{})
}

// AddMember chooses a port and creates the working folder and the log of a node of a
// shard group. It does not start the node.
func (c *Cluster) AddMember(ctx context.Context, id string, shard Shard) (*Node, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !nodeID.MatchString(id) || id == "nodes" {
		return nil, fmt.Errorf("add node: %q is not a usable name", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("add node %s: %w", id, ErrClosed)
	}
	for _, n := range c.nodes {
		if n.id == id {
			return nil, fmt.Errorf("add node %s: there is one already", id)
		}
	}
	port, reserved, err := choosePort()
	if err != nil {
		return nil, fmt.Errorf("add node %s: %w", id, err)
	}
	n := &Node{
		cluster:    c,
		id:         id,
		shard:      shard,
		port:       port,
		reserved:   reserved,
		workingDir: filepath.Join(c.cfg.RunDir, id),
		logPath:    filepath.Join(c.inDir(c.cfg.LogDir), id+".log"),
		family:     newFamily(c.run, id, c.family.born),
		url:        baseURL(loopbacks[0], port),
	}
	if err := c.prepare(ctx, n); err != nil {
		return nil, errors.Join(fmt.Errorf("add node %s: %w", id, err), reserved.Close())
	}
	if c.guard != nil {
		n.family.spare(c.guard.process.Pid)
	}
	c.nodes = append(c.nodes, n)
	// An orphan of unknown origin can be laid at a node's door only if there is
	// no other; else it is left until the cluster is closed.
	for _, n := range c.nodes {
		n.family.adopt(len(c.nodes) == 1)
	}
	return n, nil
}

// prepare makes a node's folders, its log and its links.
func (c *Cluster) prepare(ctx context.Context, n *Node) (err error) {
	for _, dir := range []string{c.inDir(n.workingDir), filepath.Dir(n.logPath)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if n.log, err = openNodeLog(n.logPath, logLimit); err != nil {
		return err
	}
	if err := c.mount(ctx, n); err != nil {
		return errors.Join(err, n.log.close())
	}
	if err := c.connect(n); err != nil {
		return errors.Join(err, c.closeDisks([]*Node{n}), n.log.close())
	}
	return nil
}

// inDir resolves a path that is relative to the learner's folder.
func (c *Cluster) inDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.cfg.Dir, path)
}

// Nodes returns all nodes in the order in which they were added.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Node(nil), c.nodes...)
}

// Node returns the node with this ID, or nil.
func (c *Cluster) Node(id string) *Node {
	for _, n := range c.Nodes() {
		if n.id == id {
			return n
		}
	}
	return nil
}

// Failures delivers each node that exited by itself, at once, also while it was
// starting. Close closes the channel. It holds 256 failures; more are dropped, but
// remain to be seen through Node.Err.
func (c *Cluster) Failures() <-chan *NodeError { return c.failures }

// beginSpawn keeps Close waiting until the returned function is called.
func (c *Cluster) beginSpawn() (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	c.spawning.Add(1)
	return c.spawning.Done, nil
}

// Close kills every process of every node and returns when all are gone, also the
// guard and all goroutines. It takes at most some ten seconds, and more than a
// moment only if a process cannot be killed; that one is named in the error. Every
// call returns the same.
func (c *Cluster) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Cluster) close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.spawning.Wait()

	var errs []error
	nodes := c.Nodes()
	for _, n := range nodes {
		if inc := n.current(); inc != nil && inc.expectEnd() {
			n.log.event("the run ends: sent SIGKILL")
			inc.signalGroup(syscall.SIGKILL)
			c.family.addGroup(inc.pid, inc.start)
		}
	}
	// The sweep of the whole run finds more than the nodes' own do.
	survivors, err := killAll(context.Background(), c.family)
	if err != nil {
		errs = append(errs, err)
	}
	clean := err == nil && len(survivors) == 0
	if len(survivors) > 0 {
		errs = append(errs, fmt.Errorf("these processes cannot be ended: %s", joinNames(describeAll(survivors))))
	}
	for _, n := range nodes {
		if inc := n.current(); inc != nil {
			inc.wake()
		}
	}
	if !waitFor(&c.watchers, endWithin) {
		// Their goroutines are still at work, so nothing may be taken from them.
		return errors.Join(append(errs, errors.New("a node could not be ended"))...)
	}
	if err := c.closeDisks(nodes); err != nil {
		errs = append(errs, err)
	}
	if err := c.closeNetwork(); err != nil {
		errs = append(errs, err)
	}
	c.spawner.close()
	if c.guard != nil {
		if err := c.guard.close(clean); err != nil {
			errs = append(errs, err)
		}
	}
	for _, n := range nodes {
		if err := errors.Join(n.log.close(), n.reserved.Close()); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", n.id, err))
		}
	}
	close(c.failures)
	return errors.Join(errs...)
}

// waitFor waits for the group, for at most this long.
func waitFor(group *sync.WaitGroup, limit time.Duration) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		group.Wait()
	}()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}
