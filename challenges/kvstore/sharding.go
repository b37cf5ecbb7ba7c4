package kvstore

import (
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

func sharding() challenges.Stage {
	at := visibility(0)
	return challenges.Stage{
		Name:    "sharding",
		Title:   "Sharding",
		Summary: "two groups of three nodes share the keys, and any node answers for all of them",
		Nodes:   6,
		Shards:  2,
		Checks: []challenges.Check{
			{
				Name: "tells about its shard group on every node",
				Hint: "GET /cluster/info adds \"shard\", the value of --shard. role, leader and term are those of the node's own group; nodes still lists every node of the cluster, those of the other group included, and whether each is alive.",
				Run:  checkInfo,
			},
			{
				Name: "names the shard of any key, the same on every node",
				Hint: "GET /cluster/shards/KEY answers {\"key\":\"KEY\",\"shard\":\"s2\"} for every key, whether it exists or not, and on every node the same: compute it from the key and the names of the shards alone. An empty key is answered with 400 `key cannot be empty`. Beware of hash functions that differ from process to process.",
				Run:  checkShardNames,
			},
			{
				Name: "spreads keys evenly over the shards, similar ones too",
				Hint: "Of 1,000 keys each group holds 35 % to 65 %: random ones, ones that share a long prefix, and ones that differ in a digit. Hash the whole key with a function that mixes well, and do not divide by the first or last characters.",
				Run:  checkSpread,
			},
			{
				Name: "any node answers for any key, errors included",
				Hint: "A request for a key of the other group works like any other: pass it on with its method, path and body and return the status and body, or answer 307 with Location: http://HOST:PORT/kv/KEY of a node of that group, as this node knows it from --peers. The node that gets it may pass it on or redirect once more, to its leader.",
				Run:  checkAnyNode,
			},
			{
				Name: "carries values of 1 MiB and of any bytes through every node",
				Hint: "Values of up to 1 MiB must pass from any node to the group that they belong to, byte for byte. Look at limits on bodies on both sides, at bodies that arrive in several pieces, and at Content-Length.",
				Run:  at.checkBytesThroughEveryNode,
			},
			{
				Name: "reads its own writes through another node, at once",
				Hint: "A read through any node sees every write that was acknowledged before the read was sent, whichever group the key and the node belong to. The node that takes a request from the other group answers it as it would a client's: through its leader, confirmed.",
				Run:  at.checkAcross,
			},
			{
				Name:  "a write that crosses groups happens once",
				Hint:  "A request that was sent to a node of the other group and not answered may arrive there at any later time. Sent once more, to that node or to another one, it happens twice, and the second time undoes what was written in between. Try the next node only if the connection was refused, or if the first one says that it has done nothing.",
				Limit: failoverLimit,
				Run:   checkOnceAcross,
			},
			{
				Name:  "keeps every key in its shard when all nodes restart",
				Hint:  "What a key's shard is may depend on nothing that a restart changes: no random seed, no counter, no order in which nodes were met. After all nodes crashed or stopped each key is in the same shard as before, and every node knows where.",
				Limit: failoverLimit,
				Run:   checkShardsAfterRestart,
			},
			{
				Name:  "a dead group takes only its own keys with it",
				Hint:  "Each key lives in exactly one group. With that group dead, requests for its keys are answered with 503, or not at all: never with a copy from elsewhere, never with 404, and no write is acknowledged. All other keys go on at full speed, also while such requests wait. When the group is back, its keys are there.",
				Limit: failoverLimit,
				Run:   checkDeadGroup,
			},
			{
				Name:  "a silent group holds up nobody else",
				Hint:  "A group that is paused keeps its connections and answers nothing, so requests for its keys wait. Meanwhile requests for other keys must not: give each its own connection, time limit and thread (or none), and hold no lock, and no place in a small pool, while you wait for a peer.",
				Limit: failoverLimit,
				Run:   checkSilentGroup,
			},
			{
				Name:  "an election in one group does not interrupt the other",
				Hint:  "Each group has a leader of its own. While one elects, the other's keys are read and written as ever, through all nodes, those of the electing group included: nobody waits for a leader that the request does not need. And once it has elected, every node finds the new leader within 10 s: not every request may be sent, or redirected, to the node that is away.",
				Limit: failoverLimit,
				Run:   checkElectionApart,
			},
			{
				Name:  "groups that are cut off from each other serve their own keys",
				Hint:  "A group needs a majority of its own three nodes and nothing else. Cut off from the other group, its nodes go on answering for their own keys; for the others they say 503, or nothing. When the cut heals, every node answers for every key again.",
				Limit: failoverLimit,
				Run:   checkCutGroups,
			},
		},
		Scenarios: []challenges.Scenario{
			{
				Name:  "groups-fail",
				Title: "clients on all nodes while nodes, links and whole groups fail, judged by their history",
				Hint:  "Per key, all nodes together behave like one, whatever fails in either group or between them. Look at what a node does with a request from the other group when it does not lead (any more), at requests that are sent again to another node of the group, and at what is remembered about who leads there.",
				Model: "linearizable", Mix: shardMix(), Clients: 18, Rate: 60, Duration: 9 * time.Second,
				Faults: []faults.Track{groupFaults(), betweenGroups()}, MinFaults: 4, Available: true,
			},
			thirdGroup(),
		},
	}
}

// shardMix works on some keys of each shard at a time.
func shardMix() workload.Mix {
	mix := hotMix()
	mix.HotKeys, mix.KeyLife, mix.OnceKeys = 6, 60, 20
	return mix
}

// groupFaults kill, stop and pause nodes: leaders, any two, and all of a group.
func groupFaults() faults.Track {
	leader, two, whole := faults.Target{Role: faults.Leader}, faults.Target{Count: 2}, faults.Target{Role: faults.Whole}
	gap := faults.Range{Min: 200 * time.Millisecond, Max: 1000 * time.Millisecond}
	hold := faults.Range{Min: 200 * time.Millisecond, Max: 2 * time.Second}
	return faults.Track{
		{Fault: faults.Kill(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: hold},
		{Fault: faults.Kill(), Weight: 1, Target: two, Gap: gap, Hold: hold},
		{Fault: faults.Kill(), Calm: true, Weight: 2, Target: whole, Gap: gap, Hold: hold},
		{Fault: faults.Stop(), Weight: 1, Target: leader, Gap: gap, Hold: hold},
		{Fault: faults.Pause(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: faults.Range{Min: time.Second, Max: 3 * time.Second}},
		{Fault: faults.Pause(), Calm: true, Weight: 1, Target: whole, Gap: gap, Hold: hold},
	}
}

// betweenGroups cuts and disturbs links, between the groups more often than within.
func betweenGroups() faults.Track {
	leader, whole := faults.Target{Role: faults.Leader}, faults.Target{Role: faults.Whole}
	gap := faults.Range{Min: 200 * time.Millisecond, Max: 1000 * time.Millisecond}
	long := faults.Range{Min: 800 * time.Millisecond, Max: 3 * time.Second}
	return faults.Track{
		{Fault: faults.Isolate(), Calm: true, Weight: 3, Target: whole, Gap: gap, Hold: long},
		{Fault: faults.Isolate(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.OneWay(), Calm: true, Weight: 1, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.OneWay(), Calm: true, Weight: 1, Target: whole, Gap: gap, Hold: long},
		{Fault: faults.Halves(), Weight: 1, Gap: gap, Hold: long},
		{Fault: faults.Slow(), Weight: 1, Target: whole, Gap: gap, Hold: long},
		{Fault: faults.Lossy(), Weight: 1, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Reset(), Weight: 1, Target: faults.Target{Role: faults.All}, Gap: gap, Hold: faults.Range{Min: 0, Max: 500 * time.Millisecond}},
	}
}
