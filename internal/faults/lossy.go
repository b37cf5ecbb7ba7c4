package faults

import (
	"context"
	"fmt"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// Lossy loses 5 to 25 % of the segments on the links of its targets, both ways; each
// arrives after TCP's retransmission.
func Lossy() Fault {
	return Fault{
		Name:     "lossy",
		Title:    "loses part of what a node sends and of what is sent to it",
		MinNodes: 2,
		Inject: func(_ context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			c := netsim.Conditions{Loss: float64(s.lossPercent()) / 100}
			links := linksOf(identities(targets), identities(env.Nodes))
			return network(env, c, links, func(c netsim.Counts) string {
				return fmt.Sprintf("%d %%; lost %s", s.lossPercent(), touched(c))
			})
		},
		describe: func(s Step, who string) string {
			return fmt.Sprintf("lose %d %% on the links of %s", s.lossPercent(), who)
		},
	}
}

func (s Step) lossPercent() int { return 5 + s.random().IntN(21) }
