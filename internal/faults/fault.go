// Package faults injects nemesis faults into a running cluster, by a plan that
// is drawn from the run's seed. One file per fault.
package faults

import (
	"cmp"
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// Node is what a fault can do to a node.
type Node interface {
	ID() string
	// Spawn starts the node's process, WaitReady waits until it answers.
	Spawn(ctx context.Context) error
	WaitReady(ctx context.Context) error
	// Stop sends SIGTERM and waits until every process is gone.
	Stop(ctx context.Context) error
	// Kill sends SIGKILL to every process and waits until all are gone.
	Kill(ctx context.Context) error
	// Pause sends SIGSTOP to every process, Resume sends SIGCONT.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Env is what faults act in. Its functions are called concurrently.
type Env struct {
	// Nodes are in the order of their numbers.
	Nodes []Node
	// Groups are the shard groups of the nodes; none if there is only one.
	Groups []history.Group
	// Disk returns the disk of a node; it may be nil if no fault is one of disks.
	Disk func(n Node) Disk
	// Network is the links between the nodes; nil for a single node.
	Network *netsim.Network
	// OpenWrites counts the writes that clients wait for at this moment.
	OpenWrites func() int
	// Leader asks the nodes of a group who leads it: the ID that a majority of them names
	// at this moment, or "". The zero Group is all nodes. It may be nil if no step aims at
	// a leader or follower.
	Leader func(ctx context.Context, g history.Group) string
	// Served waits until a write is acknowledged that was called later than Served,
	// or ctx ends. It may be nil if no step is calm.
	Served func(ctx context.Context)
}

// Fault is one kind of fault; Catalog lists them.
type Fault struct {
	// Name is what plans and the command line call it.
	Name string
	// Family is what histories record; the command line accepts it for all faults
	// of the family. Empty means that it is the name.
	Family string
	// Title says what it does.
	Title string
	// MinNodes is the size of the smallest cluster in which it makes sense.
	MinNodes int
	// Inject does it to the targets, of which there is at least one. After an error
	// the Injection tells what was hit all the same, and heals what was done.
	Inject func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error)

	// describe says what a step of it does to whom; nil means that its name does.
	describe func(s Step, who string) string
}

func (f Fault) family() string { return cmp.Or(f.Family, f.Name) }

// Injection is a fault that is active. Every field may be nil.
type Injection struct {
	// Targets are the IDs of the nodes that it hit, if not those it was aimed at.
	Targets []string
	// Detail says more about what happened. It is called after healing.
	Detail func() string
	// Hits counts what the fault met; a fault without hits proves nothing. It is
	// called after healing.
	Hits func() int
	// Heal ends the fault. It is called exactly once, also when ctx is cancelled:
	// then faults of processes return at once, and faults of the network heal.
	Heal func(ctx context.Context) error
}

// Catalog lists every fault; a new one is one line here and one file.
func Catalog() []Fault {
	return []Fault{
		Kill(),
		KillRecovering(),
		Stop(),
		Pause(),
		Isolate(),
		Halves(),
		Majority(),
		Ring(),
		Bridge(),
		OneWay(),
		Slow(),
		Lossy(),
		Reset(),
		PowerLoss(),
		DiskFull(),
		FsyncError(),
		SlowDisk(),
	}
}

// sleep waits for d or for ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
