// Package simulate generates histories of a key-value store, in virtual time:
// nothing runs, nothing waits. Correct histories are linearizable because each
// operation takes effect at one instant between its call and its return, and
// the two defects are planted where they can be proven. Tests and benchmarks
// of the checker use it.
package simulate

import (
	"fmt"
	"math/rand/v2"

	"github.com/st3v3nmw/lsfr/history"
)

// Defect is what is wrong with a generated history.
type Defect uint8

const (
	// Correct histories are linearizable.
	Correct Defect = iota
	// StaleRead histories have exactly one read, late and on a random key, that
	// returns a value which had surely been overwritten before.
	StaleRead
	// LostWrite histories have exactly one acknowledged put, late and on a
	// random key, that never takes effect, and reads that prove it.
	LostWrite
)

var defectNames = [...]string{Correct: "correct", StaleRead: "stale read", LostWrite: "lost write"}

// String returns correct, stale read or lost write.
func (d Defect) String() string {
	if int(d) < len(defectNames) {
		return defectNames[d]
	}
	return fmt.Sprintf("defect(%d)", uint8(d))
}

// Config says what history to generate. Equal configs give equal histories.
type Config struct {
	Operations int
	// Keys and Clients are at least 1; smaller numbers count as 1.
	Keys, Clients int
	// Unknown is the share of operations whose outcome is unknown, from 0 to 1.
	Unknown float64
	Defect  Defect
	Seed    uint64
	// Puts and Deletes are shares of all operations, from 0 to 1; the rest are
	// gets. Both 0 means 0.45 and 0.10.
	Puts, Deletes float64
}

// History returns a history whose operations are ordered by call time, with
// ascending IDs. It returns nil if no place for the defect could be found, as
// in a history without reads, with a handful of operations, or with so many
// clients on a key that each put is overwritten before it returns.
func History(cfg Config) *history.History {
	cfg.Keys, cfg.Clients = max(cfg.Keys, 1), max(cfg.Clients, 1)
	if cfg.Puts == 0 && cfg.Deletes == 0 {
		cfg.Puts, cfg.Deletes = 0.45, 0.10
	}
	r := rand.New(rand.NewPCG(cfg.Seed, 0x6c736672))
	for range draws(cfg) {
		ops, effects := issue(&cfg, r)
		lost := apply(ops, effects)
		planted := true
		switch cfg.Defect {
		case StaleRead:
			planted = plantStaleRead(ops, r)
		case LostWrite:
			planted = plantLostWrite(ops, lost, r)
		}
		if planted {
			return &history.History{
				Header: history.Header{
					Challenge: "kv-store", Scenario: "simulated: " + cfg.Defect.String(), Model: "linearizable",
					Seed: int64(cfg.Seed & (1<<53 - 1)), Nodes: []string{node},
				},
				Operations: ops,
			}
		}
	}
	return nil
}

// draws is how many histories are drawn in search of one that has a place for
// the defect: small ones often have none, large ones practically always.
func draws(cfg Config) int {
	return min(1000, 1+1_000_000/max(cfg.Operations, 1))
}
