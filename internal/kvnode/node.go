package kvnode

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Environment variables stand in for flags that are not given.
const (
	// BugVariable names the bug to switch on, as --bug does.
	BugVariable = "LSFR_KVNODE_BUG"
	// ReadsVariable says who answers reads, as --reads does.
	ReadsVariable = "LSFR_KVNODE_READS"
	// ReplicationVariable says how the copies of the data are kept alike, as --replication does.
	ReplicationVariable = "LSFR_KVNODE_REPLICATION"
	// ForwardVariable says what a follower does with requests for the leader, as --forward does.
	ForwardVariable = "LSFR_KVNODE_FORWARD"
)

const (
	// drainTime bounds how long a shutdown waits for requests in flight; the contract allows 15 s in all.
	drainTime = 10 * time.Second
	// clusterDrainTime is less, because a link may hold half of a request for as long as it likes, and the cluster waits
	// for a leader that ends. It is more than a request takes that waits for other nodes.
	clusterDrainTime = 2500 * time.Millisecond
)

// config is what the command line says.
type config struct {
	port       int
	workingDir string
	bug        bug
	cluster    clusterConfig
}

// Main runs a node until ctx ends or SIGTERM or SIGINT arrives, and returns the process's exit code:
// 0 after a clean shutdown, 1 when the node failed, 2 when the arguments are wrong. args are the
// arguments behind the program's name. Port 0 takes a free port, which the log names.
func Main(ctx context.Context, args []string, stderr io.Writer) int {
	cfg, err := parseArgs(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has written the reason
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	logger := log.New(stderr, "", 0)
	if err := run(ctx, cfg, logger); err != nil {
		logger.Printf("kvnode: %v", err)
		return 1
	}
	return 0
}

func parseArgs(args []string, stderr io.Writer) (config, error) {
	var cfg config
	var name, peers string
	flags := flag.NewFlagSet("kvnode", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&cfg.port, "port", 0, "`port` to listen on, at 127.0.0.1; 0 takes a free one")
	flags.StringVar(&cfg.workingDir, "working-dir", "", "the `folder` that holds the data")
	flags.StringVar(&cfg.cluster.id, "id", "n1", "this node's `name`")
	flags.StringVar(&peers, "peers", "", "the other nodes as `ID=HOST:PORT,…`; none for a node that is alone")
	flags.StringVar(&cfg.cluster.shard, "shard", "", "the `group` that this node belongs to; with it peers are SHARD/ID=HOST:PORT,…")
	flags.BoolVar(&cfg.cluster.join, "join", false, "the shard is new: it has no keys until the others hand them over")
	flags.StringVar(&cfg.cluster.reads, "reads", os.Getenv(ReadsVariable),
		"`who` answers reads in a cluster: local, each node from its own copy, or leader (default leader, but local for bugs of the stage read-replicas)")
	flags.StringVar(&cfg.cluster.replicated, "replication", os.Getenv(ReplicationVariable),
		"`how` copies are kept alike: raft, or async behind a fixed leader (default raft, but async for bugs of the stages before fault-tolerance)")
	flags.StringVar(&cfg.cluster.forward, "forward", os.Getenv(ForwardVariable),
		"`how` a follower brings a request to the leader: pass, or redirect for a 307 (default pass)")
	flags.StringVar(&name, "bug", os.Getenv(BugVariable), "`name` of the bug to switch on, none for a correct node")
	err := flags.Parse(args)
	if err != nil {
		return config{}, err
	}
	cfg.bug, err = parseBug(name)
	if err == nil {
		cfg.cluster.members, err = parsePeers(cfg.cluster.id, cfg.cluster.shard, peers)
	}
	if err == nil {
		err = cfg.cluster.complete(cfg.bug)
	}
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.workingDir == "":
		err = errors.New("--working-dir is missing")
	case cfg.port < 0 || cfg.port > 65535:
		err = fmt.Errorf("--port %d is not between 0 and 65535", cfg.port)
	}
	if err != nil {
		fmt.Fprintf(stderr, "kvnode: %v\n", err)
		return config{}, err
	}
	return cfg, nil
}

// run opens the store, serves it until ctx ends, and shuts down: requests in flight are answered
// before the store is closed, so whatever was accepted is also finished.
func run(ctx context.Context, cfg config, logger *log.Logger) error {
	if err := os.MkdirAll(cfg.workingDir, 0o755); err != nil {
		return fmt.Errorf("create the working folder: %w", err)
	}
	if err := cfg.cluster.recall(cfg.workingDir, cfg.bug); err != nil {
		return err
	}
	st, err := open(ctx, cfg, logger.Printf)
	if err != nil {
		return err
	}
	err = join(ctx, cfg, st, logger)
	if closeErr := st.close(); err == nil {
		err = closeErr
	}
	return err
}

// open opens the data: that of a node that is alone or has copies shipped, or that of one that agrees with others.
func open(ctx context.Context, cfg config, logf logFunc) (store, error) {
	if len(cfg.cluster.members) > 0 && cfg.cluster.replicated == replicationRaft {
		return openRaftStore(ctx, cfg.workingDir, cfg.bug, cfg.cluster, logf)
	}
	return openStore(cfg.workingDir, cfg.bug, logf)
}

// join makes the node part of its cluster, if it has one, and serves.
func join(ctx context.Context, cfg config, st store, logger *log.Logger) error {
	h := &handler{store: st, bug: cfg.bug}
	if len(cfg.cluster.members) == 0 {
		shutdown := newShutdown(cfg.bug, st)
		return serve(ctx, cfg, &http.Server{Handler: h, ConnState: shutdown.connState}, shutdown.run, logger)
	}
	c, err := startCluster(cfg.cluster, cfg.workingDir, st, h, logger.Printf)
	if err != nil {
		return fmt.Errorf("start as a member of a cluster: %w", err)
	}
	defer c.close()
	return serve(ctx, cfg, &http.Server{Handler: c, ConnState: c.unused.connState}, c.shutDown, logger)
}

// serve listens only now that the store has recovered: before, a client finds no server, which is no
// answer at all; it never finds half of the data.
func serve(ctx context.Context, cfg config, server *http.Server, shutDown func(*http.Server, net.Listener) error, logger *log.Logger) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if cfg.bug == leavesChild {
		startChild(logger.Printf)
	}
	server.ErrorLog = logger
	server.ReadHeaderTimeout = time.Minute
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	logger.Printf("node %s is listening on %s", cfg.cluster.id, listener.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	logger.Printf("node %s is stopping", cfg.cluster.id)
	err = shutDown(server, listener)
	<-served
	if err != nil {
		return fmt.Errorf("finish requests in flight: %w", err)
	}
	logger.Printf("node %s has stopped", cfg.cluster.id)
	return nil
}

// drain stops accepting and waits for the requests in flight. A client that does not finish its request
// in time is cut off, without its write.
func drain(server *http.Server, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
