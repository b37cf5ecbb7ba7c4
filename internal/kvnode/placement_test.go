package kvnode

import (
	"fmt"
	"strings"
	"testing"
)

// families are keys that have much in common.
func families() map[string]func(i int) string {
	return map[string]func(i int) string{
		"numbers":       func(i int) string { return fmt.Sprint(i) },
		"one digit":     func(i int) string { return fmt.Sprintf("user:%d:profile", i) },
		"long prefixes": func(i int) string { return fmt.Sprintf("%s%04d", strings.Repeat("x", 90), i) },
		"long suffixes": func(i int) string { return fmt.Sprintf("%04d%s", i, strings.Repeat("x", 90)) },
		"lengths":       func(i int) string { return strings.Repeat("k", i+1) },
	}
}

func TestKeysAreSpreadOverTheShards(t *testing.T) {
	for name, key := range families() {
		for shards, bounds := range map[int][2]int{2: {42, 58}, 3: {28, 39}} {
			count := make(map[string]int)
			for i := range 1000 {
				count[placement{shards: threeShards[:shards]}.owner(key(i))]++
			}
			for _, shard := range threeShards[:shards] {
				if percent := count[shard] / 10; percent < bounds[0] || percent > bounds[1] {
					t.Errorf("%s: %s has %d %% of the keys, want %d to %d %%", name, shard, percent, bounds[0], bounds[1])
				}
			}
		}
	}
}

func TestAShardThatJoinsTakesKeysAndNoneMovesBetweenTheOthers(t *testing.T) {
	before := placement{shards: twoShards}
	after := before.with("s3")
	for name, key := range families() {
		taken := make(map[string]int)
		for i := range 1000 {
			was, is := before.owner(key(i)), after.owner(key(i))
			switch {
			case is == "s3":
				taken[was]++
			case is != was:
				t.Errorf("%s: %s moves from %s to %s", name, key(i), was, is)
			}
		}
		for _, shard := range twoShards {
			if taken[shard] < 100 || taken[shard] > 250 {
				t.Errorf("%s: s3 takes %d of 1000 keys from %s, want about a sixth", name, taken[shard], shard)
			}
		}
	}
	if len(before.shards) != 2 {
		t.Error("the old placement has changed")
	}
}

// Nodes of other versions have to agree.
func TestThePlacementOfAKeyNeverChanges(t *testing.T) {
	var owners []string
	for i := range 16 {
		owners = append(owners, placement{shards: threeShards}.owner(fmt.Sprintf("k%d", i)))
	}
	const want = "s1 s3 s2 s1 s2 s3 s3 s3 s3 s1 s1 s3 s3 s2 s3 s3"
	if got := strings.Join(owners, " "); got != want {
		t.Errorf("k0 to k15 are in %s, want %s", got, want)
	}
}
