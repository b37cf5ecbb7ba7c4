package faults

import "math/rand/v2"

// Halves splits the nodes into two random halves, with its targets in the smaller one
// as far as they fit. Of an even number of nodes neither half is a majority.
func Halves() Fault {
	return cut(Fault{
		Name:     "halves",
		Title:    "splits the nodes into two halves",
		MinNodes: 2,
	}, "split in halves, with %s in the smaller one", func(rng *rand.Rand, nodes, targets []string) shape {
		half := side(rng, nodes, targets, len(nodes)/2)
		return split(half, without(nodes, half))
	})
}
