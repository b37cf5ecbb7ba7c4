package main

// expectedOfSharding is about the stage sharding.
func expectedOfSharding() map[string][]string {
	const (
		names     = "names the shard of any key, the same on every node"
		spread    = "spreads keys evenly over the shards, similar ones too"
		anyNode   = "any node answers for any key, errors included"
		restart   = "keeps every key in its shard when all nodes restart"
		dead      = "a dead group takes only its own keys with it"
		silent    = "a silent group holds up nobody else"
		election  = "an election in one group does not interrupt the other"
		cut       = "groups that are cut off from each other serve their own keys"
		once      = "a write that crosses groups happens once"
		ownWrites = "reads its own writes through another node, at once"
		changed   = "shard changed"
		uneven    = "uneven shards"
		undivided = "data not divided"
		apart     = "groups not independent"
	)
	// These show in the history of clients while a third group joins, or in what was written beside them.
	moved := says(older(), gone())
	return map[string][]string{
		"hash-differs":                 one(names, changed),
		"hash-random-seed":             one(names, changed),
		"hash-after-restart":           one(restart, changed),
		"one-shard":                    one(spread, uneven),
		"prefix-hash":                  one(spread, uneven),
		"serves-any-key-after-restart": says(one(restart), gone()),
		"stores-everything":            one(dead, undivided),
		"shard-forward-loses-body":     one(anyNode),
		"dead-group-blocks":            one(dead, silent, apart),
		"dead-group-404":               one(dead),
		"needs-all-groups":             one(dead, silent, cut, apart),
		"election-stops-all":           one(election, apart),
		"shard-copy-reads":             says(one(anyNode, ownWrites), older(), gone()),
		"retries-other-node":           says(one(once), older(), gone()),
		"empty-shard-key":              one(names),
		"info-other-shard":             one("forms a cluster with one leader", "cluster info"), // the former tells the latter
		"migration-drops-writes":       moved,
		"both-own":                     moved,
		"deletes-not-migrated":         moved,
		"join-ignored":                 one(uneven),
		"import-again":                 moved,
	}
}
