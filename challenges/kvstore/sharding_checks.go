package kvstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// named asks a node for the shard of a key, and compares it with what another node, or
// the same one earlier, said.
func named(ctx context.Context, on *challenges.Env, key, want, said string) (string, error) {
	shard, err := on.ShardOf(ctx, key)
	if err == nil && want != "" && shard != want {
		return "", &challenges.Failure{
			Rule:     challenges.RuleShard,
			Summary:  fmt.Sprintf("%s says that %s is in shard %s; %s", on.Node().ID(), key, shard, said),
			Request:  fmt.Sprintf("GET %s on %s", challenges.ShardPath(key), on.Node().ID()),
			Expected: fmt.Sprintf(`{"key":%q,"shard":%q}`, key, want), Actual: fmt.Sprintf(`{"key":%q,"shard":%q}`, key, shard),
		}
	}
	return shard, err
}

// agreed returns the shards of keys, which all nodes have to name alike.
func agreed(ctx context.Context, e *challenges.Env, keys []string) (map[string]string, error) {
	shards := make(map[string]string, len(keys))
	first := e.Cluster.Nodes()[0].ID()
	for _, k := range keys {
		for _, n := range e.Cluster.Nodes() {
			shard, err := named(ctx, e.On(n), k, shards[k], fmt.Sprintf("%s says %s", first, shards[k]))
			if err != nil {
				return nil, err
			}
			shards[k] = shard
		}
	}
	return shards, nil
}

func checkShardNames(ctx context.Context, e *challenges.Env) error {
	keys := []string{"a", "A", "0", ".", "with:every_kind.of-character", strings.Repeat("long-", 20), e.Key("never-written")}
	for i := range 100 {
		keys = append(keys, e.Key(fmt.Sprint(i)))
	}
	for _, n := range e.Cluster.Nodes() {
		empty := challenges.Request{Method: http.MethodGet, Path: challenges.ShardPath("")}
		if err := e.On(n).Expect(ctx, empty, http.StatusBadRequest, "key cannot be empty"); err != nil {
			return err
		}
	}
	before, err := agreed(ctx, e, keys)
	if err != nil {
		return err
	}
	// A key stays where it is when it is written. Through its own group: passing on is for later.
	there := e.Key("never-written")
	own := slices.IndexFunc(e.Cluster.Groups(), func(g cluster.Group) bool { return g.Shard == before[there] })
	if err := e.On(e.Cluster.Groups()[own].Nodes[0]).Put(ctx, there, e.Value()); err != nil {
		return err
	}
	for _, n := range e.Cluster.Nodes() {
		if _, err := named(ctx, e.On(n), there, before[there], "before it was written, it was in "+before[there]); err != nil {
			return err
		}
	}
	return nil
}

// spreadKeys is how many keys of a kind are counted, and least and most are the shares
// of them that a shard may have, in percent. A hash that mixes well gives one of two
// shards less than 40 % once in 10^9 times.
const (
	spreadKeys = 1000
	leastShare = 35
	mostShare  = 65
)

// keyKind is keys that must spread, by their number.
type keyKind struct {
	name string
	key  func(i int) string
}

func keyKinds() []keyKind {
	random := rand.New(rand.NewPCG(1, 2)) // the same keys each time
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:"
	return []keyKind{
		{"random keys", func(int) string {
			var b strings.Builder
			for range 8 + random.IntN(24) {
				b.WriteByte(letters[random.IntN(len(letters))])
			}
			return b.String()
		}},
		{"keys with a long prefix in common", func(i int) string {
			return fmt.Sprintf("tenant:europe-west:customers:%s:orders:%d", strings.Repeat("0", 30), i)
		}},
		{"keys that differ in some digits only", func(i int) string { return fmt.Sprintf("k%03d:x", i) }},
	}
}

func checkSpread(ctx context.Context, e *challenges.Env) error {
	nodes := e.Cluster.Nodes()
	for k, kind := range keyKinds() {
		var keys []string
		for i := range spreadKeys {
			keys = append(keys, kind.key(i))
		}
		count, err := countShards(ctx, e.On(nodes[k%len(nodes)]), keys)
		if err != nil {
			return err
		}
		if err := checkShares(count, len(e.Cluster.Groups()), leastShare, mostShare, fmt.Sprintf("%d %s", spreadKeys, kind.name)); err != nil {
			return err
		}
	}
	return nil
}

// countShards counts keys by their shard, as one node names it.
func countShards(ctx context.Context, on *challenges.Env, keys []string) (map[string]int, error) {
	found := make([]string, len(keys))
	err := inShares(on, 4, len(keys), func(apart *challenges.Env, i int) (err error) {
		found[i], err = apart.ShardOf(ctx, keys[i])
		return err
	})
	count := make(map[string]int)
	for _, shard := range found {
		count[shard]++
	}
	return count, err
}

// inShares lets some workers, each with connections of its own, do something for each of
// count numbers from 0.
func inShares(e *challenges.Env, workers, count int, do func(apart *challenges.Env, i int) error) error {
	return inParallel(workers, func(w int) error {
		apart, done := e.Apart()
		defer done()
		for i := w; i < count; i += workers {
			if err := do(apart, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkShares compares the number of keys in each shard with what it may be, in percent
// of all.
func checkShares(count map[string]int, shards, least, most int, of string) error {
	total, shown, wrong := 0, "", false
	for _, n := range count {
		total += n
	}
	for i := range shards {
		name := fmt.Sprint("s", i+1)
		n := count[name]
		if wrong = wrong || 100*n < least*total || 100*n > most*total; i > 0 {
			shown += ", "
		}
		shown += fmt.Sprintf("%s has %d", name, n)
	}
	if !wrong {
		return nil
	}
	return &challenges.Failure{
		Rule:     challenges.RuleSpread,
		Summary:  "of " + of + " " + shown,
		Expected: fmt.Sprintf("each shard has %d %% to %d %% of them", least, most), Actual: shown,
	}
}

// placed is keys by their shard, with what is in them.
type placed map[string]*pairs

// place writes keys of every shard, so many of each, each through another node.
func place(ctx context.Context, e *challenges.Env, name string, each int) (placed, error) {
	nodes, at := e.Cluster.Nodes(), make(placed)
	for _, g := range e.Cluster.Groups() {
		at[g.Shard] = new(pairs)
		for i := range each {
			k, err := e.KeyIn(ctx, g.Shard, fmt.Sprintf("%s-%s-%d", name, g.Shard, i))
			if err != nil {
				return nil, err
			}
			v := e.Value()
			if err := e.On(nodes[i%len(nodes)]).Put(ctx, k, v); err != nil {
				return nil, err
			}
			at[g.Shard].add(k, v)
		}
	}
	return at, nil
}

// answersRightly reads until there is an answer. A node may have none for a while, but a wrong
// one is wrong at once, where reads are linearizable.
func answersRightly(ctx context.Context, within time.Duration, read func() error) error {
	wrongValues := []challenges.Rule{
		challenges.RuleValueMissing, challenges.RuleWrongValue, challenges.RuleDeletedCameBack, challenges.RuleTornValue,
	}
	var wrong error
	err := challenges.Eventually(ctx, within, func() error {
		err := read()
		if f, failed := errors.AsType[*challenges.Failure](err); failed && slices.Contains(wrongValues, f.Rule) {
			wrong = err
			return nil
		}
		return err
	})
	return firstOf(errors.Join(wrong, err))
}

// through reads all of them through each of these nodes, which may take convergeTime to
// find out whom to ask. Each try has the time that clients have.
func (p placed) through(ctx context.Context, e *challenges.Env, nodes []*cluster.Node) error {
	for _, n := range nodes {
		for _, kept := range p {
			i := 0
			if err := answersRightly(ctx, convergeTime, func() error {
				for ; i < len(*kept); i++ {
					if err := inTime(ctx, func(ctx context.Context) error { return kept.is(ctx, e.On(n).Once(), i) }); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAnyNode goes through all of the client API at each node, with keys of each shard.
func checkAnyNode(ctx context.Context, e *challenges.Env) error {
	at, nodes := visibility(0), e.Cluster.Nodes()
	for i, n := range nodes {
		for _, g := range e.Cluster.Groups() {
			k, err := e.KeyIn(ctx, g.Shard, n.ID()+g.Shard)
			if err != nil {
				return err
			}
			if err := at.everyRequest(ctx, e.On(n), k, e.On(nodes[(i+2)%len(nodes)])); err != nil {
				return err
			}
		}
	}
	return at.concurrently(ctx, e, nodes, 15)
}

// checkShardsAfterRestart kills every second node, stops the others, and starts all.
func checkShardsAfterRestart(ctx context.Context, e *challenges.Env) error {
	nodes := e.Cluster.Nodes()
	kept, err := place(ctx, e, "kept", 12)
	if err != nil {
		return err
	}
	for i, n := range nodes {
		if i%2 == 0 {
			err = n.Kill(ctx)
		} else {
			err = n.Stop(ctx)
		}
		if err != nil {
			return err
		}
	}
	if err := e.Cluster.StartAll(ctx, false); err != nil {
		return err
	}
	if err := e.Settle(ctx); err != nil {
		return err
	}
	for _, g := range e.Cluster.Groups() {
		for _, p := range *kept[g.Shard] {
			for _, n := range nodes {
				if _, err := named(ctx, e.On(n), p.key, g.Shard, "before all nodes were restarted, it was in "+g.Shard); err != nil {
					return err
				}
			}
		}
	}
	return kept.through(ctx, e, nodes)
}
