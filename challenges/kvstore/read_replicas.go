package kvstore

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

func readReplicas() challenges.Stage {
	return challenges.Stage{
		Name:    "read-replicas",
		Title:   "Read replicas",
		Summary: "followers answer reads from copies of their own, which may lag behind and always catch up",
		Nodes:   3,
		Checks: []challenges.Check{
			{
				Name: "passes writes through followers on, and they reach every copy",
				Hint: "A write at any node goes to the leader, is acknowledged when the leader has it on disk, and reaches every copy within 10 s, the copy of the follower that passed it on included.",
				Run:  checkWritesReachEveryCopy,
			},
			{
				Name: "a follower that was cut off catches up",
				Hint: "When a link heals, replication must go on within seconds. A connection from before the cut may be silent for good: give every request to a peer a timeout, start anew on a fresh connection, and do not let pauses between attempts grow without limit.",
				Run:  checkCatchUpAfterCut,
			},
			{
				Name: "followers answer reads while the leader is paused",
				Hint: "A follower answers GET from its own copy. No read may need the leader: while it is paused, connections to it open and nothing is answered, so whoever asks it first waits in vain.",
				Run:  checkReadsWhilePaused,
			},
			{
				Name: "followers answer reads while the leader is cut off",
				Hint: "When the links to the leader are cut, connections hang or fall silent without an error, and followers go on answering reads of what they have. Nothing that serves reads may wait for a request to a peer, or hold a lock while it does.",
				Run:  checkReadsWhileCutOff,
			},
			{
				Name: "followers answer reads while the leader is dead",
				Hint: "A dead leader takes writes with it, not reads: followers go on answering reads of what was replicated, and a node that knows no leader refuses only writes.",
				Run:  checkReadsWhileDead,
			},
			{
				Name: "a follower that was down catches up, deletes included",
				Hint: "A follower that comes back must learn all that happened while it was away, in order, deletes as well as writes. It has to know how far it had come, from its disk, and that must fit the data it has there.",
				Run:  checkCatchUpAfterDown,
			},
			{
				Name:  "a follower with an empty folder catches up entirely",
				Hint:  "A follower that has nothing must get everything within 20 s, 10,000 keys, however long ago they were written, and also what is written in the meantime. One request per key is too slow; and a part of the log that the leader no longer keeps has to come in another form.",
				Limit: 150 * time.Second,
				Run:   checkEmptyFolder,
			},
		},
		Scenarios: []challenges.Scenario{visibility(convergeTime).scenario(challenges.Scenario{
			Name:     "followers-and-links-fail",
			Title:    "clients on all nodes while followers and links fail, judged by their history",
			Hint:     "Reads may be old, but in the end all copies must agree, and no acknowledged write may be missing. Each change must reach each copy once and in the leader's order, deletes included: look at what is skipped, repeated or swapped when a connection breaks, when a node restarts, and while a snapshot is taken or loaded.",
			Mix:      clusterMix(50),
			Clients:  12,
			Rate:     100,
			Duration: 9 * time.Second,
			Faults:   []faults.Track{followerFaults(), linkFaults()},
			// About one in a second of each kind.
			MinFaults:  6,
			Leaderless: true,
		})},
	}
}

// linkFaults cut, slow down, and reset the links of any node, the leader included.
func linkFaults() faults.Track {
	short := faults.Range{Min: 100 * time.Millisecond, Max: 500 * time.Millisecond}
	long := faults.Range{Min: 300 * time.Millisecond, Max: 2500 * time.Millisecond}
	follower := faults.Target{Role: faults.Follower}
	return faults.Track{
		{Fault: faults.Isolate(), Weight: 3, Target: follower, Gap: short, Hold: long},
		{Fault: faults.Isolate(), Weight: 1, Gap: short, Hold: long},
		{Fault: faults.OneWay(), Weight: 2, Gap: short, Hold: long},
		{Fault: faults.Bridge(), Weight: 1, Gap: short, Hold: long},
		{Fault: faults.Slow(), Weight: 1, Gap: short, Hold: long},
		{Fault: faults.Lossy(), Weight: 1, Gap: short, Hold: long},
		{Fault: faults.Reset(), Weight: 2, Gap: short, Hold: short},
	}
}

func checkReadsWhilePaused(ctx context.Context, e *challenges.Env) error {
	return checkReadsWithout(ctx, e, true, func(leader *cluster.Node) (func() error, error) {
		return func() error { return leader.Resume(ctx) }, leader.Pause(ctx)
	})
}

// To the others a cut looks as a pause does, so they need not notice it once more.
func checkReadsWhileCutOff(ctx context.Context, e *challenges.Env) error {
	return checkReadsWithout(ctx, e, false, func(leader *cluster.Node) (func() error, error) {
		heal, err := e.CutOff(leader)
		return func() error { heal(); return nil }, err
	})
}

func checkReadsWhileDead(ctx context.Context, e *challenges.Env) error {
	return checkReadsWithout(ctx, e, true, func(leader *cluster.Node) (func() error, error) {
		return func() error { return leader.Start(ctx) }, leader.Kill(ctx)
	})
}
