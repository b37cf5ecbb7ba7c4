package faults

import (
	"context"
	"sync"
	"time"
)

// resetEvery is how often connections are reset while the fault is held.
const resetEvery = 200 * time.Millisecond

// Reset breaks all connections of its targets, and while it is held those that were
// made since, every 200 ms. It hits connections.
func Reset() Fault {
	return Fault{
		Name:     "reset",
		Title:    "resets the connections of a node with all others, again and again",
		MinNodes: 2,
		Inject: func(_ context.Context, env *Env, _ Step, targets []Node) (Injection, error) {
			if env.Network == nil {
				return Injection{}, errNoLinks
			}
			links := linksOf(identities(targets), identities(env.Nodes))
			broken, times := env.Network.Reset(links...), 1
			ended := make(chan struct{})
			var repeating sync.WaitGroup
			repeating.Go(func() {
				tick := time.NewTicker(resetEvery)
				defer tick.Stop()
				for {
					select {
					case <-ended:
						return
					case <-tick.C:
						broken += env.Network.Reset(links...)
						times++
					}
				}
			})
			return Injection{
				// Read when nothing changes them any more.
				Detail: func() string { return "reset " + counted(times, "time") },
				Hits:   func() int { return broken },
				Heal: func(context.Context) error {
					close(ended)
					repeating.Wait()
					return nil
				},
			}, nil
		},
		describe: func(_ Step, who string) string { return "reset the connections of " + who },
	}
}
