package faults

import "math/rand/v2"

// Bridge splits the nodes into two random halves that share one node, a target: it
// sees all others, and nobody sees the other half.
func Bridge() Fault {
	return cut(Fault{
		Name:     "bridge",
		Title:    "splits the nodes into two halves that share one node",
		MinNodes: 3,
	}, "split in halves that share %s", func(rng *rand.Rand, nodes, targets []string) shape {
		bridge := side(rng, nodes, targets, 1)
		others := without(nodes, bridge)
		half := side(rng, others, nil, len(others)/2)
		s := split(half, without(others, half))
		s.text += ", " + bridge[0] + " sees both"
		return s
	})
}
