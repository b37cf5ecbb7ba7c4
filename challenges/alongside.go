package challenges

import (
	"errors"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

// ErrNotBuilt says that a program does not have what a scenario is about, and need not.
var ErrNotBuilt = errors.New("the program does not take part")

// Running is a scenario under way, for what goes on alongside it.
type Running struct {
	// Join lets more clients work, on nodes that were added to the cluster and run. It may
	// be called once.
	Join func(nodes []*cluster.Node)
	// Disturb records a fault that lasts as long as meanwhile, which injects and heals it.
	Disturb func(fault faults.Fault, targets []*cluster.Node, meanwhile func() error) error
	// Heal ends the scenario's faults: the active ones heal, and no more come.
	Heal func()
	// Phase shows what goes on, until end is called.
	Phase func(name string) (end func())
}
