package kvstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

// thirdGroup is the stage's extra mile.
func thirdGroup() challenges.Scenario {
	gap := faults.Range{Min: 800 * time.Millisecond, Max: 2 * time.Second}
	hold := faults.Range{Min: 200 * time.Millisecond, Max: 1200 * time.Millisecond}
	mix := shardMix()
	mix.OnceKeys = 10 // in the end each key is read on nine nodes
	leader := faults.Target{Role: faults.Leader}
	return challenges.Scenario{
		Name:  "third-group",
		Title: "the extra mile: a third group joins while clients run, judged by their history",
		Hint:  "While keys move, each has one owner at any moment. The old group stops serving a key, and no write of it is under way any more, before its value is sent; the new group serves it only when it has everything, deletes included; a piece that comes twice or late changes nothing. And all of this is agreed within each group, so that it outlives its leader.",
		NotBuilt: "POST /cluster/shards is not built, which is fine: this is the extra mile of the stage. " +
			"lsfr guide sharding says what it takes.",
		Model: "linearizable", Mix: mix, Clients: 12, Rate: 50, Duration: 6 * time.Second,
		Faults: []faults.Track{{
			{Fault: faults.Kill(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: hold},
			{Fault: faults.Pause(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: hold},
			{Fault: faults.Isolate(), Calm: true, Weight: 1, Target: faults.Target{Role: faults.Whole}, Gap: gap, Hold: hold},
		}},
		MinFaults: 1, // nor Available: that is measured by where keys are in the end, and they move
		Joining:   []challenges.Member{{ID: "n7", Shard: "s3"}, {ID: "n8", Shard: "s3"}, {ID: "n9", Shard: "s3"}},
		Alongside: letThirdGroupJoin,
	}
}

const (
	shardsPath = "/cluster/shards"
	newShard   = "s3"
	// moveTime is how long the keys may take to be where they belong, and a node to take
	// note of the new group.
	moveTime = 30 * time.Second
	// Each of three groups holds a third: this much, in percent.
	leastThird = 25
	mostThird  = 42
)

// letThirdGroupJoin starts a group that is new, tells every node of it, and waits until
// it has its share.
func letThirdGroupJoin(ctx context.Context, e *challenges.Env, r *challenges.Running) error {
	old := e.Cluster.Nodes()
	if err := growable(ctx, e); err != nil {
		return err
	}
	m := new(moving)
	err := challenges.Steps(
		func() error { return m.write(ctx, e, old) },
		func() error { return m.watch(ctx, e) },
	)
	if err != nil {
		return err
	}
	end := r.Phase("a group joins")
	defer end()
	group, err := startGroup(ctx, e)
	if err != nil {
		return err
	}
	r.Join(group.Nodes)
	var changing sync.WaitGroup
	var changed error
	changing.Go(func() { changed = m.change(ctx, e, old, r.Heal) })
	err = challenges.Steps(
		func() error { return tell(ctx, e, old, group) },
		func() error { return loseLeader(ctx, e, r, group) },
	)
	changing.Wait()
	if err := firstOf(errors.Join(err, changed)); err != nil {
		return err
	}
	r.Heal() // enough: now it has to get done
	return challenges.Steps(
		func() error { return e.Settle(ctx) },
		func() error { return checkThirds(ctx, e) },
		func() error { return m.check(ctx, e) },
		func() error { return checkMoved(ctx, e, r, m, group) },
		func() error { return m.check(ctx, e) },
	)
}

// growable asks whether the route is there, with a body that says nothing, and returns
// challenges.ErrNotBuilt if it is not.
func growable(ctx context.Context, e *challenges.Env) error {
	return challenges.Eventually(ctx, electTime, func() error {
		res, err := e.Do(ctx, challenges.Request{Method: http.MethodPost, Path: shardsPath, Body: "{}"})
		if err != nil {
			return err
		}
		switch res.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return challenges.ErrNotBuilt
		}
		return nil
	})
}

// startGroup adds the new group's nodes and starts them.
func startGroup(ctx context.Context, e *challenges.Env) (g cluster.Group, err error) {
	g.Shard = newShard
	for _, m := range thirdGroup().Joining {
		n, err := e.Cluster.AddMember(ctx, m.ID, cluster.Shard{Name: m.Shard, Joins: true})
		if err != nil {
			return g, err
		}
		g.Nodes = append(g.Nodes, n)
	}
	// Not StartAll: others may be dead on purpose.
	return g, challenges.Steps(
		func() error { return eachNode(g.Nodes, func(n *cluster.Node) error { return n.Spawn(ctx) }) },
		func() error { return eachNode(g.Nodes, func(n *cluster.Node) error { return n.WaitReady(ctx) }) },
	)
}

// tell posts the new group to each node, with the addresses that this node reaches it at,
// until it has answered 200.
func tell(ctx context.Context, e *challenges.Env, old []*cluster.Node, g cluster.Group) error {
	type member struct {
		ID      string `json:"id"`
		Address string `json:"address"`
	}
	for _, n := range old {
		var members []member
		for _, joining := range g.Nodes {
			members = append(members, member{joining.ID(), n.AddressOf(joining)})
		}
		body, err := json.Marshal(struct {
			Shard string   `json:"shard"`
			Nodes []member `json:"nodes"`
		}{g.Shard, members})
		if err != nil {
			return err
		}
		r := challenges.Request{Method: http.MethodPost, Path: shardsPath, Body: string(body)}
		if err := challenges.Eventually(ctx, moveTime, func() error { return e.On(n).Once().ExpectStatus(ctx, r, http.StatusOK) }); err != nil {
			return err
		}
		n.Meet(g.Nodes...)
	}
	return nil
}

// loseLeader kills the new group's leader while keys are on their way to it.
func loseLeader(ctx context.Context, e *challenges.Env, r *challenges.Running, g cluster.Group) error {
	var leader *cluster.Node
	if err := challenges.Eventually(ctx, electTime, func() error {
		id, _ := g.Leader(ctx)
		if leader = e.Cluster.Node(id); leader == nil {
			return challenges.Failf(challenges.RuleNoSingleLeader, "the nodes of the new group %s name no leader", g.Shard)
		}
		return nil
	}); err != nil {
		return err
	}
	return r.Disturb(faults.Kill(), []*cluster.Node{leader}, func() error {
		return challenges.Steps(
			func() error { return leader.Kill(ctx) },
			func() error { return challenges.Wait(ctx, 200*time.Millisecond) },
			func() error { return leader.Start(ctx) },
		)
	})
}

// checkThirds waits until all nodes agree who has which key, and each group has a third.
func checkThirds(ctx context.Context, e *challenges.Env) error {
	nodes := e.Cluster.Nodes()
	var keys []string
	for i := range spreadKeys {
		keys = append(keys, fmt.Sprint("third:", i))
	}
	return challenges.Eventually(ctx, moveTime, func() error {
		if _, err := agreed(ctx, e, keys[:20]); err != nil {
			return err
		}
		count, err := countShards(ctx, e.On(nodes[0]), keys)
		if err != nil {
			return err
		}
		if err := checkShares(count, len(e.Cluster.Groups()), leastThird, mostThird, fmt.Sprintf("%d keys, after %s joined,", spreadKeys, newShard)); err != nil {
			return err
		}
		_, err = agreed(ctx, e, keys[:100])
		return err
	})
}

// checkMoved kills the new group: its keys live there, and nowhere else any more.
func checkMoved(ctx context.Context, e *challenges.Env, r *challenges.Running, m *moving, g cluster.Group) error {
	old := e.Cluster.Groups()[0].Nodes
	var gone []string
	for i := 0; i < len(m.pairs) && len(gone) < askers; i++ {
		if m.pairs[i].value == "" {
			continue
		}
		shard, err := e.On(g.Nodes[0]).ShardOf(ctx, m.pairs[i].key)
		if err != nil {
			return err
		}
		if shard == g.Shard {
			gone = append(gone, m.pairs[i].key)
		}
	}
	return r.Disturb(faults.Kill(), g.Nodes, func() error {
		return challenges.Steps(
			func() error { return eachNode(g.Nodes, func(n *cluster.Node) error { return n.Kill(ctx) }) },
			func() error {
				return inParallel(len(gone), func(i int) error {
					r := challenges.Request{Method: http.MethodGet, Path: "/kv/" + gone[i]}
					return silent(ctx, e.On(old[i%len(old)]), g, r, "while "+g.Shard+" is dead")
				})
			},
			func() error { return e.Cluster.StartAll(ctx, false) },
		)
	})
}
