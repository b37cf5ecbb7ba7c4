package kvnode

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

func shardSymptoms() map[bug]symptom {
	return map[bug]symptom{
		hashDiffers:        placesDiffer(placed("n1", false), placed("n2", false)),
		hashRandomSeed:     placesDiffer(placed("n1", false), placed("n1", false)),
		hashAfterRestart:   placesDiffer(placed("n1", false), placed("n1", true)),
		oneShard:           allAtOne(func(i int) string { return fmt.Sprint(i) }),
		prefixHash:         allAtOne(func(i int) string { return fmt.Sprintf("a prefix%d", i) }),
		servesAnyKey:       restartedTakesAll,
		storesEverything:   inShards([]int{1, 1}, answersForTheDead(http.StatusOK)),
		shardForwardNoBody: inShards([]int{1, 1}, valueIsLost),
		deadGroupBlocks:    retried(3, inShards([]int{1, 1}, ownWaitsForOther)),
		deadGroup404:       inShards([]int{1, 1}, answersForTheDead(http.StatusNotFound)),
		needsAllGroups:     inShards([]int{1, 1}, refusesWithoutTheOther),
		electionStopsAll:   inShards([]int{1, 3}, refusesDuringAnElection),
		shardCopyReads:     inShards([]int{1, 3}, copyIsReadFromElsewhere),
		emptyShardKey: inShards([]int{1, 1}, func(c *clusterTest) bool {
			status, _ := c.do("n1", "GET", "/cluster/shards/", "")
			return status == http.StatusOK
		}),
		infoOtherShard: inShards([]int{2, 1}, func(c *clusterTest) bool {
			if c.info("n1").Shard != "s1" {
				c.t.Error("more than one node of the group is wrong")
			}
			return c.info("n2").Shard != "s1"
		}),

		migrationDropsWrites: inShards([]int{1, 1}, writeIsLostInAMove),
		bothOwn:              inShards([]int{1, 1}, twoServe),
		deletesNotMigrated:   inShards([]int{1, 1}, deletedComesBackInAMove),
		joinIgnored:          inShards([]int{1, 1}, nothingMoves),
		importAgain:          inShards([]int{1, 1}, oldValueComesBack),
	}
}

// inShards runs a symptom in a cluster of groups that is up.
func inShards(sizes []int, s func(c *clusterTest) bool) symptom {
	return func(t *testing.T, b bug) bool { return s(runningShards(t, b, sizes)) }
}

func placed(id string, restarted bool) func(b bug) placement {
	return func(b bug) placement { return newPlacement(twoShards, b, id, restarted) }
}

// placesDiffer compares where two nodes, or one at two times, look for the same keys.
func placesDiffer(one, other func(b bug) placement) symptom {
	return func(_ *testing.T, b bug) bool {
		here, there := one(b), other(b)
		for i := range 100 {
			if key := fmt.Sprint(i); here.owner(key) != there.owner(key) {
				return true
			}
		}
		return false
	}
}

func allAtOne(key func(i int) string) symptom {
	return func(_ *testing.T, b bug) bool {
		p := placed("n1", false)(b)
		for i := range 100 {
			if p.owner(key(i)) != p.owner(key(0)) {
				return false
			}
		}
		return true
	}
}

// The second start is found by the folder, on all nodes alike.
func TestAFoldersSecondStartIsKnown(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	for start, restarted := range []bool{false, true, true} {
		var placements []placement
		for i, dir := range dirs {
			cfg := clusterConfig{id: fmt.Sprint("n", i), shard: twoShards[i], members: []member{{id: "n9", shard: twoShards[1-i]}}}
			if err := cfg.recall(dir, hashAfterRestart); err != nil {
				t.Fatal(err)
			}
			if cfg.restarted != restarted {
				t.Errorf("start %d: restarted %t", start, cfg.restarted)
			}
			placements = append(placements, cfg.placement)
		}
		if fmt.Sprint(placements[0]) != fmt.Sprint(placements[1]) || placements[0].seed == "" == restarted {
			t.Errorf("start %d: %+v", start, placements)
		}
	}
}

func restartedTakesAll(t *testing.T, b bug) bool {
	c := runningShards(t, b, []int{2, 1})
	key := keysIn("s2", twoShards, "k", 1)[0]
	c.mustDo("n1", "PUT", "/kv/"+key, "v")
	c.readsNothingElse("n2", key, "v")
	follower := "n1"
	if leader, _ := c.leader("n1", "n2"); leader == "n1" {
		follower = "n2"
	}
	c.stop(os.Kill, follower) // Its leader goes on, and gets what it passes on.
	c.start(follower)
	if c.shardOf(follower, key) != "s2" {
		t.Error("it does not name the key's shard")
	}
	var status int
	c.eventually("an answer", func() bool {
		status, _ = c.do(follower, "GET", "/kv/"+key, "")
		return status == http.StatusOK || status == http.StatusNotFound
	})
	return status == http.StatusNotFound
}

// answersForTheDead tells whether a node answers with that status what only a dead group knows.
func answersForTheDead(want int) func(c *clusterTest) bool {
	return func(c *clusterTest) bool {
		keys := keysIn("s2", twoShards, "k", 2)
		c.mustDo("n1", "PUT", "/kv/"+keys[0], "v")
		c.stop(os.Kill, "n2")
		status, answer := c.do("n1", "GET", "/kv/"+keys[0], "")
		if status == http.StatusOK {
			if again, _ := c.do("n1", "PUT", "/kv/"+keys[1], "w"); answer != "v" || again != http.StatusOK || !c.reads("n1", keys[1], "w") {
				c.t.Error("its copy is not like the group")
			}
		}
		return status == want
	}
}

func valueIsLost(c *clusterTest) bool {
	key := keysIn("s2", twoShards, "k", 1)[0]
	status, _ := c.do("n1", "PUT", "/kv/"+key, "v")
	return status != http.StatusOK || !c.reads("n2", key, "v")
}

// ownWaitsForOther asks for an own key while others wait for a group that is silent.
func ownWaitsForOther(c *clusterTest) bool {
	heal := c.cutBetween([]string{"n1"}, []string{"n2"})
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer heal()
	silent := make(chan struct{}, 4)
	for _, key := range keysIn("s2", twoShards, "k", cap(silent)) {
		waiting.Go(func() {
			c.do("n1", "GET", "/kv/"+key, "")
			silent <- struct{}{}
		})
	}
	time.Sleep(otherGroupTime / 8) // They are on their way by then; if not, the bug is not seen in this try.
	c.do("n1", "GET", "/kv/"+keysIn("s1", twoShards, "k", 1)[0], "")
	return len(silent) > 0
}

func refusesWithoutTheOther(c *clusterTest) bool {
	c.stop(os.Kill, "n2")
	c.eventually("n1 sees n2 dead", func() bool { return !c.alive("n1", "n2") })
	status, _ := c.do("n1", "PUT", "/kv/"+keysIn("s1", twoShards, "k", 1)[0], "v")
	return status != http.StatusOK
}

func refusesDuringAnElection(c *clusterTest) bool {
	old, _ := c.leader(c.group("s2")...)
	c.eventually("n1 has asked who leads", func() bool {
		key := keysIn("s1", twoShards, "k", 1)[0]
		status, _ := c.do("n1", "GET", "/kv/"+key, "")
		return status == http.StatusNotFound
	})
	c.stop(os.Kill, old)
	refused := false
	c.eventually("the other group has a new leader", func() bool {
		status, _ := c.do("n1", "PUT", "/kv/"+keysIn("s1", twoShards, "k", 1)[0], "v")
		refused = refused || status != http.StatusOK
		status, _ = c.do(c.others(old)[1], "PUT", "/kv/"+keysIn("s2", twoShards, "k", 1)[0], "v")
		return status == http.StatusOK
	})
	return refused
}

// copyIsReadFromElsewhere reads at a node that is cut off from its group.
func copyIsReadFromElsewhere(c *clusterTest) bool {
	key := keysIn("s2", twoShards, "k", 1)[0]
	c.mustDo("n2", "PUT", "/kv/"+key, "v")
	leader, _ := c.leader(c.group("s2")...)
	follower := "n3"
	if leader == follower {
		follower = "n4"
	}
	c.eventually("a read from elsewhere", func() bool { return c.hopping(follower, "GET", key, "1") == http.StatusOK })
	heal := c.cut(follower)
	defer heal()
	return c.hopping(follower, "GET", key, "1") == http.StatusOK
}

// moving are keys that go from s1 to s3.
func moving(count int) []string {
	var keys []string
	for i := 0; len(keys) < count; i++ {
		key := fmt.Sprintf("k%d", i)
		if (placement{shards: twoShards}).owner(key) == "s1" && (placement{shards: threeShards}).owner(key) == "s3" {
			keys = append(keys, key)
		}
	}
	return keys
}

// writeIsLostInAMove writes keys, each once, until they have moved.
func writeIsLostInAMove(c *clusterTest) bool {
	c.join(1)
	var written []string
	c.eventually("the keys move", func() bool {
		key := moving(len(written) + 1)[len(written)]
		if status, _ := c.do("n1", "PUT", "/kv/"+key, "v"); status == http.StatusOK {
			written = append(written, key)
		}
		return c.shardOf("n1", key) == "s3" && c.shardOf("n3", key) == "s3"
	})
	for _, key := range written {
		if !c.reads("n3", key, "v") {
			return true
		}
	}
	return false
}

// twoServe writes through the old group, and reads through the new one.
func twoServe(c *clusterTest) bool {
	key := moving(1)[0]
	c.join(1)
	two, value := false, 0
	c.eventually("the key moves", func() bool {
		value++
		if status, _ := c.do("n1", "PUT", "/kv/"+key, fmt.Sprint(value)); status == http.StatusOK {
			status, answer := c.do("n3", "GET", "/kv/"+key, "")
			two = two || status == http.StatusNotFound || status == http.StatusOK && answer != fmt.Sprint(value)
		}
		return c.shardOf("n1", key) == "s3"
	})
	return two
}

func deletedComesBackInAMove(c *clusterTest) bool {
	keys := moving(40)
	for _, key := range keys {
		c.mustDo("n1", "PUT", "/kv/"+key, "v")
	}
	c.join(1)
	time.Sleep(copiedTime / 5) // The copy is made by then; if not, this key or the next is deleted after it.
	for _, key := range keys {
		c.eventually("a delete", func() bool {
			status, _ := c.do("n1", "DELETE", "/kv/"+key, "")
			return status == http.StatusOK
		})
	}
	c.eventually("the keys move", func() bool { return c.shardOf("n1", keys[0]) == "s3" && c.shardOf("n3", keys[0]) == "s3" })
	for _, key := range keys {
		if c.reads("n3", key, "v") {
			return true
		}
	}
	return false
}

func nothingMoves(c *clusterTest) bool {
	c.join(1)
	limit := patience
	if c.bug == joinIgnored {
		limit = time.Second
	}
	return !within(limit, func() bool { return c.shardOf("n1", moving(1)[0]) == "s3" })
}

func oldValueComesBack(c *clusterTest) bool {
	key := moving(1)[0]
	c.mustDo("n1", "PUT", "/kv/"+key, "old")
	c.join(1)
	c.eventually("the key moves", func() bool { return c.shardOf("n3", key) == "s3" })
	c.eventually("a write", func() bool {
		status, _ := c.do("n3", "PUT", "/kv/"+key, "new")
		return status == http.StatusOK
	})
	return within(3*importAgainTime, func() bool { return c.reads("n3", key, "old") })
}
