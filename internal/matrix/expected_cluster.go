package main

// expectedOfClusters is about the stages clustering to strong-consistency.
func expectedOfClusters() map[string][]string {
	const (
		forms      = "forms a cluster with one leader"
		everyNode  = "answers every request at every node, errors included"
		across     = "reads through one node what was written through another"
		starts     = "finds its members whatever the order of starts, seconds apart"
		death      = "reports a dead follower within 5 s, and its return"
		reach      = "passes writes through followers on, and they reach every copy"
		down       = "a follower that was down catches up, deletes included"
		cut        = "a follower that was cut off catches up"
		empty      = "a follower with an empty folder catches up entirely"
		longAway   = "nodes that were away for long get everything, deletes included"
		allCrash   = "keeps everything when all five crash at once"
		noMajority = "acknowledged without a majority"
		ownWrites  = "reads its own writes through another node, at once"
	)
	withoutLeader := one(
		"followers answer reads while the leader is paused", "followers answer reads while the leader is cut off",
		"followers answer reads while the leader is dead",
	)
	return map[string][]string{
		"two-leaders":               one(forms, "no single leader"),
		"waits-for-order":           one(starts),
		"leads-while-alone":         says(one(starts, "no single leader"), older()),
		"stale-membership":          one(death, "wrong membership"),
		"never-returns":             one(death, "wrong membership"),
		"info-omits-itself":         one("tells about the cluster on every node", "cluster info"),
		"ack-without-forwarding":    says(one(everyNode, across), older()),
		"ack-before-forwarding":     says(one(everyNode, across), older()),
		"redirect-to-wrong-node":    one("wrong redirect"),
		"wrong-slot":                one("keeps concurrent requests through followers apart", "value never written", "write reported failed but visible"),
		"local-reads":               says(one(everyNode, across), older()),
		"caches-forwarded-reads":    says(one(everyNode, across), older()),
		"retries-forwarding":        older(),
		"timeout-means-not-written": one("wrong answer", "write reported failed but visible"),
		"forward-cuts-body":         one("carries values of 1 MiB and of any bytes through every node", "torn value"),
		"forward-loses-status":      one(everyNode, "value never written"),

		"drops-replicated-write": says(one(reach), gone(), apart()),
		"applies-out-of-order":   says(one(reach), gone(), apart()),
		"deletes-not-replicated": one("deleted value came back", "copies disagree"),
		"catch-up-skips":         says(one(empty, down, cut), apart()),
		"snapshot-merges":        one("deleted value came back", "copies disagree"),
		"position-forgotten":     says(one(down), apart()),
		"position-before-data":   says(one(down), apart()),
		"never-reconnects":       says(one(cut), apart()),
		"one-queue-for-all":      says(one(reach), apart()),
		"ships-one-behind":       says(one(reach), apart()),
		"reads-need-leader":      withoutLeader,
		"reads-go-to-leader":     withoutLeader,
		"accepts-when-alone":     says(one(cut), gone(), apart()),

		"ack-before-commit": says(one(noMajority), gone(), apart()),
		"ack-after-one":     says(one(noMajority), gone(), apart()),
		"vote-forgotten":    says(one("term went back"), apart()),
		"log-not-synced":    says(one(allCrash), gone(), apart()),
		"disk-failed":       says(one(allCrash), gone(), apart()),
		"snapshot-misses":   says(one(longAway), apart()),
		// A database or snapshot of which a part is gone: the node does not start, or it lacks what it had confirmed.
		"raft-log-not-synced":      says(one("exited"), apart(), older()),
		"raft-snapshot-not-synced": says(one("exited"), apart(), older()),
		"raft-ignores-fsync-error": says(one("exited"), apart(), older()),
		"restore-merges":           one(longAway, "deleted value came back", "copies disagree"),
		"entries-out-of-order":     says(gone(), apart()),
		"split-brain":              says(one(noMajority, "no single leader"), apart()),
		"delete-resurrects":        one("deleted value came back"),
		"async-failover":           says(one(noMajority), gone(), apart()),
		"leaks-pending-writes":     one("unavailable"),
		"refusal-may-happen":       one("write reported failed but visible"),
		"stale-leader-accepts":     says(one(noMajority), gone(), apart()),

		"reads-any-copy":      says(one(ownWrites), older()),
		"reads-unconfirmed":   older(),
		"lease-reads":         older(),
		"serves-before-apply": older(),
		"not-found-meanwhile": older(),
		"retries-proposal":    older(),
	}
}
