package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// Slow delays everything on the links of its targets, both ways, by Step.Delay or else
// by 40 to 150 ms, and by up to half of that more for each segment.
func Slow() Fault {
	return Fault{
		Name:     "slow",
		Title:    "delays what a node sends and what is sent to it",
		MinNodes: 2,
		Inject: func(_ context.Context, env *Env, s Step, targets []Node) (Injection, error) {
			d := s.slowness()
			c := netsim.Conditions{Delay: d, Jitter: d / 2}
			links := linksOf(identities(targets), identities(env.Nodes))
			return network(env, c, links, func(c netsim.Counts) string {
				return fmt.Sprintf("by %d to %s; delayed %s", d.Milliseconds(), millis(d+d/2), touched(c))
			})
		},
		describe: func(s Step, who string) string {
			d := s.slowness()
			return fmt.Sprintf("slow the links of %s by %d to %s", who, d.Milliseconds(), millis(d+d/2))
		},
	}
}

func (s Step) slowness() time.Duration {
	if s.Delay > 0 {
		return s.Delay
	}
	return Range{Min: 40 * time.Millisecond, Max: 150 * time.Millisecond}.draw(s.random())
}
