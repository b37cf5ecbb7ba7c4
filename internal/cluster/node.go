package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// A Node is one member of a cluster. It keeps its ID, port and working folder over
// any number of starts.
type Node struct {
	cluster    *Cluster
	id         string
	shard      Shard
	port       int
	reserved   io.Closer // keeps the port from other runs
	workingDir string
	logPath    string
	family     *family
	log        *nodeLog
	disk       *disk.Disk // nil for a plain folder
	tolerant   atomic.Bool

	spawning sync.Mutex // one start at a time

	mu        sync.Mutex
	url       string
	latest    *incarnation // nil before the first start
	everReady bool
	met       map[*Node]bool // nodes of joining groups that it knows
}

// ID is the node's name, as in "n1".
func (n *Node) ID() string { return n.id }

// Port is the TCP port that the node listens on.
func (n *Node) Port() int { return n.port }

// URL is where the node is reached, without a slash at the end. The host is
// 127.0.0.1, or [::1] for a node that was found to listen only there.
func (n *Node) URL() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.url
}

// WorkingDir is the node's working folder as the node is told: relative to the
// learner's folder if the run folder is.
func (n *Node) WorkingDir() string { return n.workingDir }

// EmptyWorkingDir removes everything from the working folder. The node must not be
// running.
func (n *Node) EmptyWorkingDir() error {
	if n.Running() {
		return fmt.Errorf("empty the folder of node %s: it is running", n.id)
	}
	if err := empty(n.cluster.inDir(n.workingDir)); err != nil {
		return fmt.Errorf("empty the folder of node %s: %w", n.id, err)
	}
	return nil
}

// LogPath is the file that holds what the node printed.
func (n *Node) LogPath() string { return n.logPath }

// CommandLine is a shell command that starts the node as lsfr does, to be used in
// the learner's folder.
func (n *Node) CommandLine() string { return shellQuote(n.command()...) }

// command returns the command and all flags.
func (n *Node) command() []string {
	cfg := n.cluster.cfg
	words := append([]string(nil), cfg.Command...)
	words = append(words, "--port", strconv.Itoa(n.port), "--working-dir", n.workingDir)
	words = append(words, n.clusterFlags()...)
	if cfg.Args != nil {
		words = append(words, cfg.Args(n)...)
	}
	return words
}

// host is the address that the node listens on, as far as is known.
func (n *Node) host() string {
	host := strings.TrimPrefix(n.URL(), "http://")
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return loopbacks[0]
}

// Running reports whether any process of the node is there; it may be paused.
func (n *Node) Running() bool {
	inc := n.current()
	return inc != nil && !inc.isGone()
}

// Err returns a *NodeError if the node exited by itself since its last start.
func (n *Node) Err() error {
	inc := n.current()
	if inc == nil {
		return nil
	}
	return inc.failed()
}

func (n *Node) current() *incarnation {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.latest
}

// Start starts the node and returns when it is ready: when GET /health answers
// anything but 503. See Spawn and WaitReady, of which it is made.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Spawn(ctx); err != nil {
		return err
	}
	return n.WaitReady(ctx)
}

// Spawn starts the node's first process and returns. The error is a *NodeError of
// kind NotRunnable or PortTaken if that is the learner's to solve.
func (n *Node) Spawn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	end, err := n.cluster.beginSpawn()
	if err != nil {
		return fmt.Errorf("start node %s: %w", n.id, err)
	}
	defer end()
	n.spawning.Lock()
	defer n.spawning.Unlock()
	if n.Running() {
		return fmt.Errorf("start node %s: it is running already", n.id)
	}
	if err := n.checkPort(); err != nil {
		return err
	}
	inc, err := n.launch(ctx)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.latest = inc
	n.mu.Unlock()
	// Before anyone watches for its end, which takes the links down.
	err = n.linksUp(n.host())
	n.cluster.watchers.Go(inc.watch)
	if err != nil {
		return fmt.Errorf("start node %s: %w", n.id, err)
	}
	return nil
}

// checkPort returns a *NodeError if another program has the node's port.
func (n *Node) checkPort() error {
	err := checkPort(n.port)
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("start node %s: %w", n.id, err)
	}
	holders := describeAll(holdersOf(n.port))
	problem := fmt.Sprintf("node %s cannot be started: another program took its port %d", n.id, n.port)
	hint := "end that program, then run the test again; lsfr then chooses new ports"
	if len(holders) > 0 {
		problem += ": " + joinNames(holders)
	}
	return &NodeError{
		Kind: PortTaken, Node: n.id, Problem: problem, Processes: holders,
		ExitCode: -1, LogPath: n.logPath, LogTail: n.log.tail(shownLines), Hint: hint, Err: err,
	}
}

// launch executes the command and returns its incarnation, not yet watched.
func (n *Node) launch(ctx context.Context) (*incarnation, error) {
	c := n.cluster
	path, err := checkCommand(c.cfg.Dir, c.cfg.Command)
	if err != nil {
		return nil, n.own(err)
	}
	// An owner who cleared the run folder must not make the node fail. A disk is there; and
	// whoever serves one should not wait for it.
	if n.disk == nil {
		if err := os.MkdirAll(c.inDir(n.workingDir), 0o755); err != nil {
			return nil, fmt.Errorf("start node %s: %w", n.id, err)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("start node %s: %w", n.id, err)
	}
	defer null.Close()
	output, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start node %s: %w", n.id, err)
	}
	defer writer.Close()

	n.log.restart()
	var started *os.Process
	attributes := &os.ProcAttr{
		Dir:   c.cfg.Dir,
		Env:   n.environment(),
		Files: []*os.File{null, writer, writer},
		Sys:   nodeAttributes(),
	}
	for {
		c.spawner.do(func() { started, err = os.StartProcess(path, n.command(), attributes) })
		// A program that is just being written, by an editor or a compiler, is
		// busy for a moment.
		if !errors.Is(err, syscall.ETXTBSY) || sleep(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	if err != nil {
		output.Close()
		n.log.event("could not be started: %v", err)
		return nil, n.own(explainExec(c.cfg.Dir, c.cfg.Command, err))
	}
	// The child is not reaped before watch does it, so this is its own row.
	row, _, err := lookup(started.Pid)
	if err != nil {
		// Without its start it could not be told from others, so it must not stay.
		output.Close()
		_ = syscall.Kill(-started.Pid, syscall.SIGKILL)
		_, _ = started.Wait()
		return nil, fmt.Errorf("start node %s: %w", n.id, err)
	}
	inc := &incarnation{
		node: n, process: started, pid: started.Pid, start: row.start, begun: time.Now(), output: output,
		rootEnded: make(chan struct{}), gone: make(chan struct{}), poke: make(chan struct{}, 1), logged: make(chan struct{}),
	}
	n.family.addGroup(inc.pid, inc.start)
	c.guard.group(inc.pid, inc.start)
	n.log.event("started pid %d (%s)", inc.pid, printable([]byte(n.CommandLine())))
	c.cfg.Log.Debug().Str("node", n.id).Int("pid", inc.pid).Msg("node started")
	return inc, nil
}

// own names this node in a *NodeError, and wraps any other error.
func (n *Node) own(err error) error {
	var failure *NodeError
	if !errors.As(err, &failure) {
		return fmt.Errorf("start node %s: %w", n.id, err)
	}
	named := *failure
	named.Node = n.id
	named.Problem = fmt.Sprintf("node %s cannot be started: %s", n.id, failure.Problem)
	return &named
}

// environment is lsfr's own, with this node's marker in place of any other.
func (n *Node) environment() []string {
	env := withoutMarkers(os.Environ())
	env = append(env, n.cluster.cfg.Env...)
	return append(env, runVariable+"="+n.cluster.run, nodeVariable+"="+n.id)
}

func withoutMarkers(environ []string) []string {
	var env []string
	for _, entry := range environ {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case runVariable, nodeVariable, guardVariable:
		default:
			env = append(env, entry)
		}
	}
	return env
}

// runByHand is a shell command for a NodeError, usable from lsfr's own folder.
func (n *Node) runByHand() string {
	if dir := n.cluster.cfg.Dir; dir != "." {
		return "cd " + shellQuote(dir) + " && " + n.CommandLine()
	}
	return n.CommandLine()
}
