package challenges

import (
	"context"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// SettleTime is how long the nodes may take to agree on a leader.
const SettleTime = 30 * time.Second

// Settle waits until one node leads and all name it. All nodes must be running.
func (e *Env) Settle(ctx context.Context) error { return e.Cluster.WaitSettled(ctx, SettleTime) }

// Leader waits until a cluster without shards is settled, and returns its leader and the
// others.
func (e *Env) Leader(ctx context.Context) (leader *cluster.Node, followers []*cluster.Node, err error) {
	return e.LeaderOf(ctx, e.Cluster.Groups()[0])
}

// LeaderOf waits until the cluster is settled, and returns the leader of a group and
// its followers.
func (e *Env) LeaderOf(ctx context.Context, g cluster.Group) (leader *cluster.Node, followers []*cluster.Node, err error) {
	for began := time.Now(); ; {
		if err := e.Settle(ctx); err != nil {
			return nil, nil, err
		}
		id, _ := g.Leader(ctx)
		if at := slices.IndexFunc(g.Nodes, func(n *cluster.Node) bool { return n.ID() == id }); at >= 0 {
			return g.Nodes[at], slices.Delete(slices.Clone(g.Nodes), at, at+1), nil
		}
		// An election may begin at any time, also at this moment. Not again and again.
		if time.Since(began) >= SettleTime {
			return nil, nil, Failf(RuleNoSingleLeader, "for %s the nodes agreed on a leader, and a moment later they named none or different ones", SettleTime)
		}
	}
}

// Others returns all nodes but this one.
func (e *Env) Others(but *cluster.Node) []*cluster.Node {
	return slices.DeleteFunc(e.Cluster.Nodes(), func(n *cluster.Node) bool { return n == but })
}

// IDs returns the names of all nodes.
func (e *Env) IDs() []string {
	var ids []string
	for _, n := range e.Cluster.Nodes() {
		ids = append(ids, n.ID())
	}
	return ids
}

// directions are those from each of these nodes to each of those.
func directions(these, those []*cluster.Node) []netsim.Direction {
	var out []netsim.Direction
	for _, from := range these {
		for _, to := range those {
			out = append(out, netsim.Direction{From: from.ID(), To: to.ID()})
		}
	}
	return out
}

// Cut cuts some nodes off from others, both ways, until heal is called.
func (e *Env) Cut(these, those []*cluster.Node) (heal func(), err error) {
	return e.hold(append(directions(these, those), directions(those, these)...))
}

// CutOneWay holds what these nodes send to those until heal is called.
func (e *Env) CutOneWay(these, those []*cluster.Node) (heal func(), err error) {
	return e.hold(directions(these, those))
}

func (e *Env) hold(directions []netsim.Direction) (heal func(), err error) {
	fault, err := e.Cluster.Network().Inject(netsim.Conditions{Cut: true}, directions...)
	if err != nil {
		return nil, err
	}
	return fault.Heal, nil
}

// CutOff cuts a node off from all others until heal is called. Clients still reach it.
func (e *Env) CutOff(n *cluster.Node) (heal func(), err error) {
	return e.Cut([]*cluster.Node{n}, e.Others(n))
}

// Reset breaks all connections between a node and the others.
func (e *Env) Reset(n *cluster.Node) {
	one, others := []*cluster.Node{n}, e.Others(n)
	e.Cluster.Network().Reset(append(directions(one, others), directions(others, one)...)...)
}
