package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// shape is what a cut holds.
type shape struct {
	held []netsim.Direction
	off  []string // who is cut off: the smaller side
	text string   // as in "n4 | n1 n2 n3"
}

// cut completes a fault that cuts links. draw decides which, and phrase says what is
// done to "%s".
func cut(f Fault, phrase string, draw func(rng *rand.Rand, nodes, targets []string) shape) Fault {
	f.Family = "cut"
	f.Inject = func(_ context.Context, env *Env, s Step, targets []Node) (Injection, error) {
		drawn := draw(s.random(), identities(env.Nodes), identities(targets))
		i, err := network(env, netsim.Conditions{Cut: true}, drawn.held, func(c netsim.Counts) string {
			return fmt.Sprintf("%s; held %s, %s", drawn.text, counted(c.Connections, "connection"), counted(c.Segments, "segment"))
		})
		i.Targets = drawn.off
		return i, err
	}
	f.describe = func(s Step, who string) string {
		if targets := s.known(); len(targets) > 0 && len(s.nodes) >= f.MinNodes {
			return "cut " + draw(s.random(), s.nodes, targets).text
		}
		return strings.ReplaceAll(phrase, "%s", who)
	}
	return f
}

// split cuts two sides from each other.
func split(off, rest []string) shape {
	return shape{held: bothWays(off, rest), off: off, text: sides(off, rest)}
}

// side draws so many of the nodes, the targets first, in the nodes' order.
func side(rng *rand.Rand, nodes, targets []string, size int) []string {
	first, then := slices.Clone(targets), without(nodes, targets)
	shuffle(rng, first)
	shuffle(rng, then)
	drawn := append(first, then...)[:size]
	return without(nodes, without(nodes, drawn))
}

func shuffle(rng *rand.Rand, names []string) {
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
}

// without returns the nodes that are not among the others.
func without(nodes, others []string) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return slices.Contains(others, n) })
}

// sides is as in "n4 | n1 n2 n3".
func sides(sides ...[]string) string {
	texts := make([]string, len(sides))
	for i, s := range sides {
		texts[i] = strings.Join(s, " ")
	}
	return strings.Join(texts, " | ")
}
