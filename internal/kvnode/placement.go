package kvnode

import "slices"

// A placement says which shard a key belongs to, by rendezvous hashing: each shard has a weight for each key, and the
// greatest wins (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Transactions on
// Networking 6(1), 1998). So a shard that joins takes keys from the others, and none moves between those.
type placement struct {
	shards []string // in order
	bug    bug
	seed   string // "" without a bug
}

// with is the placement with one more shard.
func (p placement) with(shard string) placement {
	p.shards = sorted(append(slices.Clone(p.shards), shard))
	return p
}

// owner is the key's shard.
func (p placement) owner(key string) string {
	key = p.bug.mistakePlacedKey(key)
	var owner string
	var most uint64
	for _, shard := range p.shards {
		if weight := p.weight(shard, key); owner == "" || weight > most {
			owner, most = shard, weight
		}
	}
	return owner
}

// weight is FNV-1a of shard and key, whose bits are mixed as those of SplitMix64 are (Steele, Lea and Flood, "Fast
// Splittable Pseudorandom Number Generators", OOPSLA 2014): the greatest of several weights needs good high bits.
func (p placement) weight(shard, key string) uint64 {
	hash := uint64(14695981039346656037)
	for _, part := range [...]string{p.seed, shard, "\x00", key} {
		for i := range len(part) {
			hash = (hash ^ uint64(part[i])) * 1099511628211
		}
	}
	hash = (hash ^ hash>>30) * 0xbf58476d1ce4e5b9
	hash = (hash ^ hash>>27) * 0x94d049bb133111eb
	return hash ^ hash>>31
}

// sorted is the names in order, each once.
func sorted(names []string) []string {
	slices.SortFunc(names, compareIDs)
	return slices.Compact(names)
}
