package faults

import "math/rand/v2"

// Majority cuts a random minority of any size off from the majority, with its targets
// in the minority as far as they fit.
func Majority() Fault {
	return cut(Fault{
		Name:     "majority",
		Title:    "cuts a minority of the nodes off from the majority",
		MinNodes: 3,
	}, "cut off a minority with %s", func(rng *rand.Rand, nodes, targets []string) shape {
		most := (len(nodes) - 1) / 2
		size := max(1+rng.IntN(most), min(len(targets), most))
		minority := side(rng, nodes, targets, size)
		return split(minority, without(nodes, minority))
	})
}
