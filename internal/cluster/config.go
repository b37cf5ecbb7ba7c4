package cluster

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
)

// Config says what the nodes of a cluster run, and where.
type Config struct {
	// Dir is the learner's folder, in which the command is executed. Empty means
	// the current one.
	Dir string
	// Command starts a node, as in {"./run.sh"}. The flags of the node contract
	// are appended to it.
	Command []string
	// Args returns further flags for a node. It is called at each start, and may
	// be nil.
	Args func(*Node) []string
	// Links gives every node --id and --peers, and makes a network of links that
	// lsfr owns, one per ordered pair: see Cluster.Network.
	Links bool
	// Seed decides what the network decides at random.
	Seed int64
	// Env holds further variables for the nodes, as in {"NAME=value"}.
	Env []string
	// RunDir is the folder of the run, absolute or relative to Dir. A node's
	// working folder is RunDir/ID, and is passed on as it is given here.
	RunDir string
	// Disks makes each node's working folder a file system that lsfr serves and that can
	// lose power: see Node.LosePower. AddMember then returns errors that wrap
	// disk.ErrUnsupported on machines that cannot. What is durable is in RunDir/ID.disk.
	Disks bool
	// StrictDisks makes names durable only by a sync of their folder.
	StrictDisks bool
	// LogDir is the folder of the logs; empty means RunDir/nodes. It is relative
	// to Dir as well.
	LogDir string
	// FirstStart bounds the time in which a node that was never ready before gets
	// ready: it may have to be built first. The default is 120 s.
	FirstStart time.Duration
	// Restart bounds the same for a node that was ready before. The default is 15 s.
	Restart time.Duration
	// StopGrace is the time that all processes of a node have to end after
	// SIGTERM. The default is 15 s.
	StopGrace time.Duration
	// Guard is a command that runs GuardMain, as in {"/path/to/lsfr", "guard"}.
	// Without one, nodes may outlive an lsfr that is killed.
	Guard []string
	// OnBuilding is called at most once in the life of the cluster, when a node's
	// first start takes longer than 3 s, which is worth telling the user. WaitReady
	// calls it and waits for it. It may be nil.
	OnBuilding func(node string)
	// Log takes lsfr's own diagnostics. Its zero value drops them.
	Log zerolog.Logger
}

const (
	defaultFirstStart = 120 * time.Second
	defaultRestart    = 15 * time.Second
	defaultStopGrace  = 15 * time.Second
	// buildingAfter is how long a first start takes before it counts as building.
	buildingAfter = 3 * time.Second
	// endWithin bounds the wait for killed processes to be gone. Only one that
	// hangs in the kernel, or that runs as another user, takes that long.
	endWithin = 10 * time.Second
)

// withDefaults fills in what was left out.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.RunDir == "" {
		return cfg, errors.New("a cluster needs a run folder")
	}
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	if cfg.LogDir == "" {
		cfg.LogDir = filepath.Join(cfg.RunDir, "nodes")
	}
	cfg.FirstStart = orDefault(cfg.FirstStart, defaultFirstStart)
	cfg.Restart = orDefault(cfg.Restart, defaultRestart)
	cfg.StopGrace = orDefault(cfg.StopGrace, defaultStopGrace)
	return cfg, nil
}

func orDefault(value, fallback time.Duration) time.Duration {
	if value <= 0 {
		return fallback
	}
	return value
}
