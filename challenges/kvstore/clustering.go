package kvstore

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

// convergeTime is how long copies may take to agree once faults and writes have ended.
const convergeTime = 10 * time.Second

func clustering() challenges.Stage {
	s := clusteringWithin(0)
	s.Towards = func(later string) challenges.Stage {
		switch later {
		case "read-replicas", "fault-tolerance": // which allow reads to lag behind
			return clusteringWithin(convergeTime)
		}
		return clusteringWithin(0)
	}
	return s
}

// clusteringWithin is the stage for a program whose reads may lag that far behind; 0
// asks for linearizable ones.
func clusteringWithin(lag time.Duration) challenges.Stage {
	soon := visibility(lag)
	return challenges.Stage{
		Name:    "clustering",
		Title:   "Clustering",
		Summary: "three nodes with one leader answer like one, whichever of them a client asks",
		Nodes:   3,
		Checks: []challenges.Check{
			{
				Name: "tells about the cluster on every node",
				Hint: "GET /cluster/info answers 200 on every node with a JSON object: id, role (leader, follower or candidate), leader (an ID or null), term (a whole number from 0) and nodes, every member once with its id and alive, itself included. Answer from what the node knows already; asking the peers only then takes too long when one of them is dead.",
				Run:  checkInfo,
			},
			{
				Name: "answers every request at every node, errors included",
				Hint: "A request to a follower works like one to the leader: pass it on with its method, path and body and return the leader's status and body, or answer 307 with Location: http://HOST:PORT/kv/KEY, the leader's address as in this node's --peers. The 400 and 405 answers are the same on every node.",
				Run:  soon.checkEveryNode,
			},
			{
				Name: "carries values of 1 MiB and of any bytes through every node",
				Hint: "Values of up to 1 MiB must pass through a follower byte for byte. Look at limits on bodies on both sides, at bodies that arrive in several pieces, and at Content-Length.",
				Run:  soon.checkBytesThroughEveryNode,
			},
			{
				Name: "keeps concurrent requests through followers apart",
				Hint: "Many clients ask a follower at the same time, for different keys. Each must get the answer to its own request: look at what requests that are passed on share, such as buffers and connections.",
				Run:  soon.checkConcurrentThroughFollowers,
			},
			{
				Name: "reads through one node what was written through another",
				Hint: "Once a write is acknowledged, wherever it was sent, a read through any node sees it. A follower may acknowledge only after the leader has, and in this stage it may not answer reads from a copy of its own.",
				Run:  soon.checkAcross,
			},
			{
				Name: "reports a dead follower within 5 s, and its return",
				Hint: "Every other node must report a dead node as not alive within 5 s, and as alive within 5 s of its return. Ask each peer regularly, independently of the others, with a timeout of less than that. Keep asking peers that are dead, at short intervals, and on a new connection: those from before died with the peer.",
				Run:  checkDeathAndReturn,
			},
			{
				Name: "keeps what was written through a follower when the follower crashes",
				Hint: "A write that was acknowledged through a follower must be there at all other nodes while the follower is dead, and at all nodes when it is back: the acknowledgement stands for the leader's data, not for the follower's memory.",
				Run:  soon.checkFollowerCrash,
			},
			{
				Name: "finds its members whatever the order of starts, seconds apart",
				Hint: "A node may start seconds before its peers, which refuse connections until then. Listen first, then look for the others, and keep trying: nobody may give up, or lead alone, because the others were not there yet.",
				Run:  soon.checkStartOrder,
			},
		},
		Scenarios: []challenges.Scenario{soon.scenario(challenges.Scenario{
			Name:     "followers-fail",
			Title:    "clients on all nodes while followers are killed, stopped and paused, judged by their history",
			Hint:     "All nodes together must behave like one: each operation takes effect at one moment between its request and its answer, once. Look at writes that are passed on twice (HTTP libraries repeat PUT and DELETE on dead connections by themselves), at followers that answer before the leader did or from what they remember, and at requests that were held while a node was paused.",
			Mix:      clusterMix(20),
			Clients:  12,
			Rate:     100,
			Duration: 8 * time.Second,
			Faults:   []faults.Track{followerFaults()},
			// A pause that hits nobody's request proves little, so several.
			MinFaults: 4,
		})},
	}
}

// clusterMix has that percentage of its puts on keys that are written once.
func clusterMix(once int) workload.Mix {
	mix := hotMix()
	mix.OnceKeys = once
	return mix
}

// followerFaults kill, stop and pause followers, one at a time.
func followerFaults() faults.Track {
	follower := faults.Target{Role: faults.Follower}
	gap := faults.Range{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond}
	return faults.Track{
		{Fault: faults.Kill(), Weight: 3, Target: follower, Gap: gap, Hold: faults.Range{Min: 0, Max: 800 * time.Millisecond}},
		{Fault: faults.Stop(), Weight: 1, Target: follower, Gap: gap, Hold: faults.Range{Min: 0, Max: 400 * time.Millisecond}},
		{Fault: faults.Pause(), Weight: 3, Target: follower, Gap: gap, Hold: faults.Range{Min: 200 * time.Millisecond, Max: 2500 * time.Millisecond}},
	}
}

// visibility is how long after its acknowledgement a write may be invisible on some node.
type visibility time.Duration

// soon does a step that reads: at once, or for as long as reads may lag behind.
func (v visibility) soon(ctx context.Context, step func() error) error {
	if v == 0 {
		return step()
	}
	return challenges.Eventually(ctx, time.Duration(v), step)
}

// scenario judges by the model that allows as much.
func (v visibility) scenario(s challenges.Scenario) challenges.Scenario {
	s.Model, s.Converge = "linearizable", time.Duration(v)
	if v > 0 {
		s.Model = "eventual"
	}
	return s
}
