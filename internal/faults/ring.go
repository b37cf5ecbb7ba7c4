package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// Ring puts the nodes on a random circle and leaves each connected with its nearest
// neighbours only, so that every node sees a majority but no two see the same one, an
// idea of Jepsen's nemesis. Its targets do not matter. Fewer than four nodes would lose
// no link.
func Ring() Fault {
	return cut(Fault{
		Name:     "ring",
		Title:    "leaves each node a majority of its own",
		MinNodes: 4,
	}, "leave each node a majority of its own", func(rng *rand.Rand, nodes, _ []string) shape {
		circle := slices.Clone(nodes)
		shuffle(rng, circle)
		var held []netsim.Direction
		for i, from := range circle {
			for j, to := range circle {
				if i != j && !seesOnRing(len(circle), i, j) {
					held = append(held, netsim.Direction{From: from, To: to})
				}
			}
		}
		seen := len(nodes) - len(held)/len(nodes)
		return shape{
			held: held,
			off:  nodes,
			text: fmt.Sprintf("ring %s, each sees %d of %d", strings.Join(circle, " "), seen, len(nodes)),
		}
	})
}

// seesOnRing reports whether places i and j of a circle of n stay connected. Besides
// itself, a node must see n/2 others for a least majority: half of them on each side.
// Where that is odd, the one left over is the node opposite. An odd circle has none
// opposite, and no graph could give all its nodes an odd number of neighbours; there
// each sees one more than a least majority.
func seesOnRing(n, i, j int) bool {
	others := n / 2
	distance := max(i-j, j-i)
	distance = min(distance, n-distance)
	if others%2 == 1 && n%2 == 0 && distance == n/2 {
		return true
	}
	if n%2 == 1 {
		others += others % 2
	}
	return distance <= others/2
}
