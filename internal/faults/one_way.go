package faults

import (
	"math/rand/v2"
	"strings"
)

// OneWay cuts one direction between its targets and all others: what they send, or
// what is sent to them. If all nodes are its targets, a random half stands for them.
func OneWay() Fault {
	return cut(Fault{
		Name:     "one-way",
		Title:    "cuts what a node sends to all others, or what they send to it",
		MinNodes: 2,
	}, "cut one way between %s and the others", func(rng *rand.Rand, nodes, targets []string) shape {
		outward := rng.IntN(2) == 0
		if len(targets) == len(nodes) {
			targets = side(rng, nodes, nil, len(nodes)/2)
		}
		from, to := targets, without(nodes, targets)
		if !outward {
			from, to = to, from
		}
		return shape{
			held: oneWay(from, to),
			off:  targets,
			text: strings.Join(from, " ") + " -> " + strings.Join(to, " "),
		}
	})
}
