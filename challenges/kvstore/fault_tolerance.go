package kvstore

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

func faultTolerance() challenges.Stage {
	return challenges.Stage{
		Name:    "fault-tolerance",
		Title:   "Fault tolerance",
		Summary: "five nodes elect a new leader when theirs fails, and lose nothing that was acknowledged",
		Nodes:   5,
		Checks: []challenges.Check{
			{
				Name:  "elects a new leader when the leader crashes",
				Hint:  "Within 10 s of the leader's crash the others name a new one, and each of them accepts writes again. The old leader comes back as a follower. The term has grown.",
				Limit: failoverLimit,
				Run: func(ctx context.Context, e *challenges.Env) error {
					return checkFailover(ctx, e, func(leader *cluster.Node) (func() error, error) {
						return func() error { return leader.Start(ctx) }, leader.Kill(ctx)
					})
				},
			},
			{
				Name:  "elects a new leader when the leader hangs",
				Hint:  "A leader that is paused keeps its connections and answers nothing: only silence tells. Within 10 s the others name a new one and accept writes. When the old one wakes up it must learn, from whoever it talks to, that its term is over.",
				Limit: failoverLimit,
				Run: func(ctx context.Context, e *challenges.Env) error {
					return checkFailover(ctx, e, func(leader *cluster.Node) (func() error, error) {
						return func() error { return leader.Resume(ctx) }, leader.Pause(ctx)
					})
				},
			},
			{
				Name:  "a minority with the old leader acknowledges nothing",
				Hint:  "An acknowledgement needs a majority. A leader that is cut off, alone or with one other node, must not answer a write with 2xx, however sure it is that it leads; the majority elects another one meanwhile. When the cut heals, what the minority wrote down is gone or visible everywhere, never on one node alone.",
				Limit: failoverLimit,
				Run:   checkMinority,
			},
			{
				Name:  "a write that was refused never takes effect",
				Hint:  "A 4xx (but 408) says that the write did not happen and never will. A leader that is deposed cannot know that: what it has written down and sent may be on other nodes, and the next leader commits it. Answer 503 when you do not know, and 4xx only to requests that are wrong in themselves.",
				Limit: failoverLimit,
				Run:   checkRefused,
			},
			{
				Name:  "two of five down: still writable",
				Hint:  "Three of five are a majority: with any two nodes dead, writes through the other three are acknowledged again within 10 s.",
				Limit: failoverLimit,
				Run:   checkTwoDown,
			},
			{
				Name:  "three of five down: no write is acknowledged until one returns",
				Hint:  "Two of five are no majority, so nothing may be acknowledged: answer 503, or not at all. When one node returns, all is well again within 10 s, and no acknowledged write is missing.",
				Limit: failoverLimit,
				Run:   checkThreeDown,
			},
			{
				Name:  "nodes that were away for long get everything, deletes included",
				Hint:  "Thousands of writes and many megabytes later, a node that comes back finds that the log it needs has been compacted: it gets a snapshot, which replaces what it has, and the entries behind it. Nothing may be missing between the two, and what was deleted meanwhile must be gone. Such a node may lead soon.",
				Limit: failoverLimit,
				Run:   checkLongAway,
			},
			{
				Name:  "keeps everything when all five crash at once",
				Hint:  "What was acknowledged is on the disks of a majority, synced, with the term and the vote: after a crash of all nodes the new leader must have it. A node that votes twice in one term, because it forgot its vote, breaks this.",
				Limit: failoverLimit,
				Run:   checkAllCrash,
			},
		},
		Scenarios: []challenges.Scenario{visibility(convergeTime).scenario(challenges.Scenario{
			Name:      "everything-fails",
			Title:     "clients on all nodes while nodes and links fail, leaders included, judged by their history",
			Hint:      "No acknowledged write may be missing in the end, whoever led when, and all copies must agree. Look at what a new leader has to have before it may lead, at what an old one does with entries that were never committed, and at what is on disk when an answer is sent.",
			Mix:       clusterMix(50),
			Clients:   15,
			Rate:      80,
			Duration:  12 * time.Second,
			Faults:    []faults.Track{nodeFaults(), partitionFaults()},
			MinFaults: 6, Leaderless: true,
			Available: true,
		}), visibility(convergeTime).scenario(challenges.Scenario{
			Name:      "power-loss",
			Title:     powerTitle,
			Hint:      powerHint,
			Mix:       clusterMix(50),
			Clients:   15,
			Rate:      80,
			Duration:  12 * time.Second,
			Disks:     true,
			Faults:    []faults.Track{powerFaults()},
			MinFaults: 4,
			Available: true,
		})},
	}
}

// failoverLimit is for checks that wait for several elections of up to 10 s each.
const failoverLimit = 120 * time.Second

// nodeFaults kill, stop and pause any nodes, leaders more often, and up to two at a
// time; now and then all of them crash. Some come whatever goes on, in the middle of an
// election perhaps; those that are calm see to it that there is something to lose.
func nodeFaults() faults.Track {
	leader, two := faults.Target{Role: faults.Leader}, faults.Target{Count: 2}
	gap := faults.Range{Min: 300 * time.Millisecond, Max: 1200 * time.Millisecond}
	hold := faults.Range{Min: 200 * time.Millisecond, Max: 2500 * time.Millisecond}
	return faults.Track{
		{Fault: faults.Kill(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: hold},
		{Fault: faults.Kill(), Weight: 2, Target: two, Gap: gap, Hold: hold},
		{Fault: faults.Kill(), Calm: true, Weight: 1, Target: faults.Target{Role: faults.All}, Gap: gap},
		{Fault: faults.Stop(), Weight: 1, Target: leader, Gap: gap, Hold: hold},
		{Fault: faults.Pause(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: faults.Range{Min: time.Second, Max: 3500 * time.Millisecond}},
		{Fault: faults.Pause(), Weight: 1, Target: two, Gap: gap, Hold: hold},
	}
}

// partitionFaults cut and disturb links in every way, around leaders more often.
func partitionFaults() faults.Track {
	leader := faults.Target{Role: faults.Leader}
	gap := faults.Range{Min: 300 * time.Millisecond, Max: 1200 * time.Millisecond}
	long := faults.Range{Min: time.Second, Max: 3500 * time.Millisecond}
	return faults.Track{
		{Fault: faults.Isolate(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Majority(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Halves(), Weight: 1, Gap: gap, Hold: long},
		{Fault: faults.Ring(), Weight: 1, Gap: gap, Hold: long},
		{Fault: faults.Bridge(), Weight: 1, Gap: gap, Hold: long},
		{Fault: faults.OneWay(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Slow(), Weight: 1, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Lossy(), Weight: 1, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Reset(), Weight: 1, Target: faults.Target{Role: faults.All}, Gap: gap, Hold: faults.Range{Min: 0, Max: 500 * time.Millisecond}},
	}
}
