package faults

import "math/rand/v2"

// Isolate cuts its targets off from all others; among themselves they stay connected.
// If all nodes are its targets, each is alone.
func Isolate() Fault {
	return cut(Fault{
		Name:     "isolate",
		Title:    "cuts a node off from all others",
		MinNodes: 2,
	}, "cut off %s", func(_ *rand.Rand, nodes, targets []string) shape {
		if len(targets) < len(nodes) {
			return split(targets, without(nodes, targets))
		}
		alone := make([][]string, len(nodes))
		for i, n := range nodes {
			alone[i] = []string{n}
		}
		return shape{held: linksOf(targets, nodes), off: targets, text: sides(alone...)}
	})
}
