package kvnode

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

func shardSymptoms() map[bug]symptom {
	pair, pairs, voters := newShardTwins(1, 1), newShardTwins(2, 1), newShardTwins(1, 3)
	moves := &moveTwins{symptoms: make(map[bug]moveSymptom)}
	return map[bug]symptom{
		hashDiffers:        placesDiffer(placed("n1", false), placed("n2", false)),
		hashRandomSeed:     placesDiffer(placed("n1", false), placed("n1", false)),
		hashAfterRestart:   placesDiffer(placed("n1", false), placed("n1", true)),
		oneShard:           allAtOne(func(i int) string { return fmt.Sprint(i) }),
		prefixHash:         allAtOne(func(i int) string { return fmt.Sprintf("a prefix%d", i) }),
		servesAnyKey:       pairs.of(servesAnyKey, restartedTakesAll),
		storesEverything:   pair.of(storesEverything, answersForTheDead(http.StatusOK)),
		shardForwardNoBody: pair.of(shardForwardNoBody, valueIsLost),
		deadGroupBlocks:    pair.of(deadGroupBlocks, ownWaitsForOther),
		deadGroup404:       pair.of(deadGroup404, answersForTheDead(http.StatusNotFound)),
		needsAllGroups:     pair.of(needsAllGroups, refusesWithoutTheOther),
		electionStopsAll:   voters.of(electionStopsAll, refusesDuringAnElection),
		shardCopyReads:     voters.of(shardCopyReads, copyIsReadFromElsewhere),
		retriesOtherNode:   voters.of(retriesOtherNode, writeHappensTwice),
		emptyShardKey:      pair.of(emptyShardKey, namesAShardForNothing),
		infoOtherShard:     pairs.of(infoOtherShard, isWrongAboutItself),

		migrationDropsWrites: moves.of(migrationDropsWrites, writeIsLostInAMove),
		bothOwn:              moves.of(bothOwn, twoServe),
		deletesNotMigrated:   moves.of(deletesNotMigrated, deletedComesBackInAMove),
		joinIgnored:          moves.of(joinIgnored, nothingMoves),
		importAgain:          moves.of(importAgain, oldValueComesBack),
	}
}

// shardTwins are symptoms for which the correct node is asked in one cluster of groups, one after the other.
type shardTwins struct {
	sizes    []int
	symptoms map[bug]func(c *clusterTest) bool
	correct  sync.Once
	found    map[bug]bool
}

func newShardTwins(sizes ...int) *shardTwins {
	return &shardTwins{sizes: sizes, symptoms: make(map[bug]func(*clusterTest) bool), found: make(map[bug]bool)}
}

func (s *shardTwins) of(b bug, misbehaves func(c *clusterTest) bool) symptom {
	s.symptoms[b] = misbehaves
	return func(t *testing.T, asked bug) bool {
		if asked != noBug {
			return misbehaves(runningShards(t, asked, s.sizes))
		}
		s.correct.Do(func() {
			c := runningShards(t, noBug, s.sizes)
			for _, b := range slices.Sorted(maps.Keys(s.symptoms)) {
				s.found[b] = s.symptoms[b](c)
				for _, id := range c.ids {
					if c.nodes[id].cmd.ProcessState != nil {
						c.start(id)
					}
				}
				c.waitUntilSettled()
			}
		})
		return s.found[b]
	}
}

// A moveSymptom is one of two groups whose keys move to a third, each of a node. It is given keys of its own that go from
// s1 to s3, and prepares them; during is called when the group is told of, and after when the keys have moved.
type moveSymptom func(c *clusterTest, keys []string) (during func(), after func() bool)

// moveTwins are such symptoms, for which the correct node is asked in one cluster, at once.
type moveTwins struct {
	symptoms map[bug]moveSymptom
	correct  sync.Once
	found    map[bug]bool
}

func (m *moveTwins) of(b bug, s moveSymptom) symptom {
	m.symptoms[b] = s
	return func(t *testing.T, asked bug) bool {
		if asked != noBug {
			return joining(t, asked, map[bug]moveSymptom{b: s})[b]
		}
		m.correct.Do(func() { m.found = joining(t, noBug, m.symptoms) })
		return m.found[b]
	}
}

// joining has a group join, and tells which symptoms there are.
func joining(t *testing.T, b bug, symptoms map[bug]moveSymptom) map[bug]bool {
	c := runningShards(t, b, []int{1, 1})
	const each = 40
	keys := moving(each*len(symptoms) + 1)
	var during []func()
	after := make(map[bug]func() bool)
	for name, s := range symptoms {
		d, a := s(c, keys[:each])
		keys, during, after[name] = keys[each:], append(during, d), a
	}
	c.join(1)
	var running sync.WaitGroup
	for _, d := range during {
		running.Go(d)
	}
	running.Wait()
	limit := patience
	if b == joinIgnored {
		limit = time.Second
	}
	moved := within(limit, func() bool { return c.shardOf("n1", keys[0]) == "s3" && c.shardOf("n3", keys[0]) == "s3" })
	if !moved && b != joinIgnored {
		t.Fatal("the keys do not move")
	}
	found := make(map[bug]bool)
	for name, a := range after {
		found[name] = a()
	}
	return found
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

func restartedTakesAll(c *clusterTest) bool {
	key := keysIn("s2", twoShards, "k", 1)[0]
	c.writes("n1", "PUT", key, "v")
	c.readsNothingElse("n2", key, "v")
	follower := "n1"
	if leader, _ := c.leader("n1", "n2"); leader == "n1" {
		follower = "n2"
	}
	c.stop(os.Kill, follower) // Its leader goes on, and gets what it passes on.
	c.start(follower)
	if c.shardOf(follower, key) != "s2" {
		c.t.Error("it does not name the key's shard")
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
		c.writes("n1", "PUT", keys[0], "v")
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

func namesAShardForNothing(c *clusterTest) bool {
	status, _ := c.do("n1", "GET", "/cluster/shards/", "")
	return status == http.StatusOK
}

func isWrongAboutItself(c *clusterTest) bool {
	if c.info("n1").Shard != "s1" {
		c.t.Error("more than one node of the group is wrong")
	}
	return c.info("n2").Shard != "s1"
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

// writeHappensTwice writes through a node that the other group's leader does not hear for a while. A leader that hears a
// request only after its sender has given up may drop it, which shows nothing: then the next key is tried.
func writeHappensTwice(c *clusterTest) bool {
	s2 := c.group("s2")
	for _, key := range keysIn("s2", twoShards, "twice-", 10) {
		leader, _ := c.leader(s2...)
		followers := slices.DeleteFunc(slices.Clone(s2), func(id string) bool { return id == leader })
		heal := c.cutBetween([]string{"n1"}, followers)
		c.writes("n1", "PUT", key, "v0") // n1 knows the leader now, and has a connection to it.
		heal()
		heal = c.cutBetween([]string{"n1"}, []string{leader})
		status, _ := c.do("n1", "PUT", "/kv/"+key, "v1")
		if status == http.StatusOK {
			c.writes(leader, "PUT", key, "v2")
		}
		heal()
		switch {
		case status == http.StatusGatewayTimeout:
			return false // Nobody else was asked.
		case status == http.StatusOK && within(otherGroupTime, func() bool { return c.reads(leader, key, "v1") }):
			return true
		}
	}
	return false
}

// copyIsReadFromElsewhere reads at a node that is cut off from its group.
func copyIsReadFromElsewhere(c *clusterTest) bool {
	key := keysIn("s2", twoShards, "k", 1)[0]
	c.writes("n2", "PUT", key, "v")
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

// hasMoved tells whether both groups say that the new one has the key.
func (c *clusterTest) hasMoved(key string) bool {
	return c.shardOf("n1", key) == "s3" && c.shardOf("n3", key) == "s3"
}

// writeIsLostInAMove writes keys, again and again, until they go: who is written to after that hides what was lost.
func writeIsLostInAMove(c *clusterTest, keys []string) (during func(), after func() bool) {
	written, writes := make(map[string]string), 0
	return func() {
			c.eventually("the keys go", func() bool {
				if c.hasMoved(keys[0]) {
					return true
				}
				key, value := keys[writes%len(keys)], fmt.Sprint(writes)
				writes++
				if status, _ := c.do("n1", "PUT", "/kv/"+key, value); status != http.StatusOK {
					delete(written, key) // It may have happened, or not.
					return true
				}
				written[key] = value
				return false
			})
		}, func() bool {
			for key, value := range written {
				if !c.reads("n3", key, value) {
					return true
				}
			}
			return false
		}
}

// twoServe writes through the old group, and reads through the new one.
func twoServe(c *clusterTest, keys []string) (during func(), after func() bool) {
	two, value := false, 0
	return func() {
		c.eventually("the key moves", func() bool {
			value++
			if status, _ := c.do("n1", "PUT", "/kv/"+keys[0], fmt.Sprint(value)); status == http.StatusOK {
				status, answer := c.do("n3", "GET", "/kv/"+keys[0], "")
				two = two || status == http.StatusNotFound || status == http.StatusOK && answer != fmt.Sprint(value)
			}
			return two || c.hasMoved(keys[0])
		})
	}, func() bool { return two }
}

// deletedComesBackInAMove deletes one key after the other, some of them after the copy was made, until they go.
func deletedComesBackInAMove(c *clusterTest, keys []string) (during func(), after func() bool) {
	for _, key := range keys {
		c.writes("n1", "PUT", key, "v")
	}
	var deleted []string
	return func() {
			for _, key := range keys {
				status, _ := c.do("n1", "DELETE", "/kv/"+key, "")
				if status != http.StatusOK || c.hasMoved(keys[0]) {
					return
				}
				deleted = append(deleted, key)
				time.Sleep(2 * copiedTime / time.Duration(len(keys)))
			}
		}, func() bool {
			return slices.ContainsFunc(deleted, func(key string) bool { return c.reads("n3", key, "v") })
		}
}

func nothingMoves(c *clusterTest, keys []string) (during func(), after func() bool) {
	return func() {}, func() bool { return !c.hasMoved(keys[0]) }
}

func oldValueComesBack(c *clusterTest, keys []string) (during func(), after func() bool) {
	c.writes("n1", "PUT", keys[0], "old")
	return func() {}, func() bool {
		c.eventually("a write", func() bool {
			status, _ := c.do("n3", "PUT", "/kv/"+keys[0], "new")
			return status == http.StatusOK
		})
		return within(3*importAgainTime, func() bool { return c.reads("n3", keys[0], "old") })
	}
}
