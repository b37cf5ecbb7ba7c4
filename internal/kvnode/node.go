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

// BugVariable is the environment variable that names the bug to switch on when --bug is not given.
const BugVariable = "LSFR_KVNODE_BUG"

// drainTime bounds how long a shutdown waits for requests in flight; the contract allows 15 s in all.
const drainTime = 10 * time.Second

// config is what the command line says.
type config struct {
	port       int
	workingDir string
	id         string
	peers      string
	bug        bug
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
	var name string
	flags := flag.NewFlagSet("kvnode", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&cfg.port, "port", 0, "`port` to listen on, at 127.0.0.1; 0 takes a free one")
	flags.StringVar(&cfg.workingDir, "working-dir", "", "the `folder` that holds the data")
	flags.StringVar(&cfg.id, "id", "n1", "this node's `name`")
	flags.StringVar(&cfg.peers, "peers", "", "the other nodes as `ID=HOST:PORT,…`; not used yet")
	flags.StringVar(&name, "bug", os.Getenv(BugVariable), "`name` of the bug to switch on, none for a correct node")
	err := flags.Parse(args)
	if err != nil {
		return config{}, err
	}
	cfg.bug, err = parseBug(name)
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
	st, err := openStore(cfg.workingDir, cfg.bug, logger.Printf)
	if err != nil {
		return err
	}
	err = serve(ctx, cfg, st, logger)
	if closeErr := st.close(); err == nil {
		err = closeErr
	}
	return err
}

// serve listens only now that the store has recovered: before, a client finds no server, which is no
// answer at all; it never finds half of the data.
func serve(ctx context.Context, cfg config, st store, logger *log.Logger) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if cfg.bug == leavesChild {
		startChild(logger.Printf)
	}
	shutdown := newShutdown(cfg.bug, st)
	server := &http.Server{
		Handler:           &handler{store: st, bug: cfg.bug},
		ErrorLog:          logger,
		ReadHeaderTimeout: time.Minute,
		ConnState:         shutdown.connState,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	logger.Printf("node %s is listening on %s", cfg.id, listener.Addr())
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	logger.Printf("node %s is stopping", cfg.id)
	err = shutdown.run(server, listener)
	<-served
	if err != nil {
		return fmt.Errorf("finish requests in flight: %w", err)
	}
	logger.Printf("node %s has stopped", cfg.id)
	return nil
}

// drain stops accepting and waits for the requests in flight. A client that does not finish its request
// in time is cut off, without its write.
func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
