package cluster

import (
	"context"
	"time"
)

// buildTime is how long the first node has a start to itself.
const buildTime = 20 * time.Second

// StartAll starts all nodes that do not run, and returns when they are ready. With
// alone set the first one starts alone, until it answers anything or for 20 s: it
// may have to be built, which several should not do at the same time. Errors are
// those of Node.Start; the first one counts.
func (c *Cluster) StartAll(ctx context.Context, alone bool) error {
	var begun []*Node
	for _, n := range c.Nodes() {
		if n.Running() {
			continue
		}
		if err := n.Spawn(ctx); err != nil {
			return err
		}
		begun = append(begun, n)
		if alone && len(begun) == 1 && len(c.Nodes()) > 1 {
			if err := n.awaitAnswer(ctx, buildTime); err != nil {
				return err
			}
		}
	}
	for _, n := range begun {
		if err := n.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitAnswer waits until GET /health is answered, also with 503: a node may wait
// for the others. It returns an error only if the node exited, or ctx's.
func (n *Node) awaitAnswer(ctx context.Context, limit time.Duration) error {
	inc := n.current()
	for began := time.Now(); time.Since(began) < limit; {
		host, said := probe(ctx, n.port, shortestProbe)
		if host != "" || said == saidNotReady {
			return nil
		}
		if inc.isGone() {
			return n.endOf(inc)
		}
		if err := sleep(ctx, earlyInterval); err != nil {
			return err
		}
		if time.Since(began) > buildingAfter && n.cluster.cfg.OnBuilding != nil {
			n.cluster.building.Do(func() { n.cluster.cfg.OnBuilding(n.id) })
		}
	}
	return nil
}
