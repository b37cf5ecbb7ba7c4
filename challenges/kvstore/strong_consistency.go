package kvstore

import (
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

func strongConsistency() challenges.Stage {
	const hint = "Every read returns the latest write, through whichever node, whoever leads. Look at reads that are answered without asking a majority who leads, at what a new leader has applied before it answers its first read, at requests that are sent twice, and at writes that are refused (4xx) or answered before their fate is decided."
	scenario := func(name, title string, mix workload.Mix, tracks ...faults.Track) challenges.Scenario {
		return challenges.Scenario{
			Name: name, Title: title, Hint: hint, Model: "linearizable", Mix: mix,
			Clients: 15, Rate: 80, Duration: 9 * time.Second, Faults: tracks, MinFaults: 4, Available: true,
		}
	}
	power := scenario("power-loss", powerTitle, hotMix(), powerFaults())
	power.Hint, power.Disks, power.MinFaults = powerHint, true, 3
	return challenges.Stage{
		Name:    "strong-consistency",
		Title:   "Strong consistency",
		Summary: "reads and writes through any of five nodes are linearizable, whatever fails",
		Nodes:   5,
		Checks: []challenges.Check{
			{
				Name: "reads its own writes through another node, at once",
				Hint: "A read through any node sees every write that was acknowledged before the read was sent, wherever that was. No node may answer from its copy without knowing that nothing newer has been acknowledged.",
				Run:  visibility(0).checkAcross,
			},
			{
				Name:  "a leader that slept through an election serves nothing old",
				Hint:  "A paused leader does not notice that time has passed. When it wakes up, requests are waiting for it, and it still believes that it leads: a read must be confirmed by a majority after the request came, and a lease on a clock is no confirmation.",
				Limit: failoverLimit,
				Run:   checkSleepingLeader,
			},
			{
				Name:  "a leader that is cut off one way serves nothing old",
				Hint:  "If only one direction fails, a leader may still hear the others, or be heard by them. It leads only as long as a majority confirms it, and answers only what that confirmation covers.",
				Limit: failoverLimit,
				Run:   checkDeafLeader,
			},
			{
				Name:  "the minority side answers nothing rather than something old",
				Hint:  "A node that cannot reach a majority cannot know what has been written since. It must not answer reads: 503, or no answer, is right.",
				Limit: failoverLimit,
				Run:   checkMinorityReads,
			},
		},
		Scenarios: []challenges.Scenario{
			scenario("hot-keys", "contention on a few keys while nodes and links fail, judged by the history", hotMix(), nodeFaults(), partitionFaults()),
			scenario("many-keys", "many keys while nodes and links fail, judged by the history", manyMix(), nodeFaults(), partitionFaults()),
			scenario("leaders-fail", "contention while one leader after the other fails, judged by the history", hotMix(), leaderFaults()),
			power,
		},
	}
}

// manyMix spreads operations over many keys, which live long.
func manyMix() workload.Mix {
	mix := hotMix()
	mix.HotKeys, mix.KeyLife, mix.OnceKeys = 40, 400, 30
	return mix
}

// leaderFaults aim at whoever leads, again and again: one at a time, so that there is
// always somebody to take over.
func leaderFaults() faults.Track {
	leader := faults.Target{Role: faults.Leader}
	gap := faults.Range{Min: 200 * time.Millisecond, Max: 1000 * time.Millisecond}
	long := faults.Range{Min: 1500 * time.Millisecond, Max: 3 * time.Second}
	return faults.Track{
		{Fault: faults.Pause(), Calm: true, Weight: 4, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Isolate(), Calm: true, Weight: 3, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.OneWay(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: long},
		{Fault: faults.Kill(), Calm: true, Weight: 2, Target: leader, Gap: gap, Hold: faults.Range{Min: 0, Max: time.Second}},
		{Fault: faults.Stop(), Calm: true, Weight: 1, Target: leader, Gap: gap},
	}
}
