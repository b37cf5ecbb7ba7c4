package main

import (
	"time"

	"github.com/st3v3nmw/lsfr/internal/simulate"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// Bounds end a measurement.
type Bounds struct {
	Time   time.Duration
	Memory uint64 // bytes resident, the whole process
}

// plan says what to measure.
type plan struct {
	name                       string
	operations, keys, clients  []int
	unknown                    []float64
	defects                    []simulate.Defect
	bounds                     Bounds
	adversarial, repeated      []int // operations
	wholeOperations, wholeRuns int
	wholeKeys                  []int
}

// full is what docs/performance.md shows.
func full() plan {
	return plan{
		operations: []int{1_000, 10_000, 100_000, 1_000_000},
		keys:       []int{1, 10, 100}, clients: []int{5, 20, 50}, unknown: []float64{0, 0.02},
		defects:     []simulate.Defect{simulate.Correct, simulate.StaleRead, simulate.LostWrite},
		bounds:      Bounds{20 * time.Second, 4 * gib},
		adversarial: []int{10_000, 100_000, 1_000_000}, repeated: []int{1_000, 10_000, 100_000},
		wholeOperations: 1_000_000, wholeRuns: 3, wholeKeys: []int{1, 10, 100},
	}
}

// small ends in less than a minute.
func small() plan {
	return plan{
		name:       "a small selection with lower bounds (`-quick`)",
		operations: []int{1_000, 10_000, 100_000},
		keys:       []int{1, 10, 100}, clients: []int{20}, unknown: []float64{0},
		defects:     []simulate.Defect{simulate.Correct, simulate.StaleRead},
		bounds:      Bounds{3 * time.Second, 1 * gib},
		adversarial: []int{100_000}, repeated: []int{1_000},
		wholeOperations: 100_000, wholeRuns: 1, wholeKeys: []int{1, 100},
	}
}

// shape is a config without its number of operations. A search that exceeds its
// bounds on a history does so on longer ones of the same shape.
type shape struct {
	keys, clients int
	unknown       float64
	defect        simulate.Defect
}

func (s shape) config(operations int) simulate.Config {
	return simulate.Config{
		Operations: operations, Keys: s.keys, Clients: s.clients, Unknown: s.unknown, Defect: s.defect, Seed: 1,
	}
}

func (p *plan) shapes() []shape {
	var all []shape
	for _, keys := range p.keys {
		for _, clients := range p.clients {
			for _, unknown := range p.unknown {
				for _, defect := range p.defects {
					all = append(all, shape{keys, clients, unknown, defect})
				}
			}
		}
	}
	return all
}
