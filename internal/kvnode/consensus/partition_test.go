package consensus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

func TestAMinorityCommitsNothingAndCatchesUp(t *testing.T) {
	c := newCluster(t, 5)
	old := c.leader(c.ids...)
	c.put("a", "1", old)
	minority := []string{old, c.up(old)[0]}
	majority := c.up(minority...)
	cut := c.cut(minority, majority, false)
	lost := make(chan error, 1)
	go func() { lost <- c.node(old).Propose(soon(t), command("lost", "1")) }()
	c.put("b", "2", majority...)
	if err := <-lost; !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrNotLeader) {
		t.Errorf("proposed in the minority: %v", err)
	}
	for _, id := range minority {
		if err := c.node(id).ReadIndex(soon(t)); !errors.Is(err, ErrNotLeader) {
			t.Errorf("read in the minority: %v", err)
		}
		if got := c.members[id].machine.get("lost"); got != "" {
			t.Errorf("%s has applied what was not committed", id)
		}
	}
	cut.Heal()
	c.agree(map[string]string{"a": "1", "b": "2"}, c.ids...)
	for _, id := range c.ids {
		if got := c.members[id].machine.get("lost"); got != "" {
			t.Errorf("%s has what the minority proposed", id)
		}
	}
}

func TestADeposedLeaderServesNoRead(t *testing.T) {
	cuts := map[string]struct{ outgoing, oneWay bool }{
		"cut off":                   {true, false},
		"its requests get lost":     {true, true},
		"its answers are not heard": {false, true},
	}
	for name, how := range cuts {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3)
			old := c.leader(c.ids...)
			c.put("a", "1", old)
			if err := c.node(old).ReadIndex(soon(t)); err != nil {
				t.Fatal(err)
			}
			from, to := []string{old}, c.up(old)
			if !how.outgoing {
				from, to = to, from
			}
			cut := c.cut(from, to, how.oneWay)
			var reading sync.WaitGroup
			var changed, stale atomic.Bool
			done := make(chan struct{})
			for range 4 { // before, during and after the change of leaders
				reading.Go(func() {
					for !isClosed(done) {
						after := changed.Load()
						if c.node(old).ReadIndex(soon(t)) == nil && after && c.members[old].machine.get("a") != "2" {
							stale.Store(true)
						}
					}
				})
			}
			c.put("a", "2", c.up(old)...)
			changed.Store(true)
			time.AfterFunc(50*time.Millisecond, cut.Heal) // the answers that were held come now
			c.agree(map[string]string{"a": "2"}, c.ids...)
			close(done)
			reading.Wait()
			if stale.Load() {
				t.Error("the old leader has served an old value")
			}
		})
	}
}

func TestReadsSeeEverythingAcknowledgedAcrossLeaders(t *testing.T) {
	c := newCluster(t, 3, func(c *cluster) { c.timing.SnapshotEntries, c.timing.TrailingEntries = 300, 50 })
	c.leader(c.ids...)
	const counters = 4
	var acknowledged [counters]atomic.Int64
	var reads, writes atomic.Int64
	done := make(chan struct{})
	var running sync.WaitGroup
	for i := range counters {
		key := strconv.Itoa(i)
		running.Go(func() { // The values of a counter grow. One that may come later is never proposed again.
			for value, attempt := int64(1), 0; !isClosed(done); attempt++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				err := c.node(c.ids[attempt%len(c.ids)]).Propose(ctx, command(key, fmt.Sprintf("%08d", value)))
				cancel()
				switch {
				case err == nil:
					acknowledged[i].Store(value)
					writes.Add(1)
					value++
				case errors.Is(err, ErrUnknown):
					value++
				}
			}
		})
		for _, id := range c.ids {
			running.Go(func() {
				for !isClosed(done) {
					before := acknowledged[i].Load()
					if c.node(id).ReadIndex(soon(t)) != nil {
						time.Sleep(time.Millisecond)
						continue
					}
					reads.Add(1)
					got, _ := strconv.ParseInt(c.members[id].machine.get(key), 10, 64)
					if got < before {
						t.Errorf("%s reads %d of counter %s after %d was acknowledged", id, got, key, before)
						return
					}
				}
			})
		}
	}
	for range 3 {
		old := c.leader(c.ids...)
		r, w := reads.Load(), writes.Load()
		cut := c.cut([]string{old}, c.up(old), false)
		c.leader(c.up(old)...)
		c.eventually("go on", func() bool { return reads.Load() > r+100 && writes.Load() > w+100 })
		cut.Heal()
	}
	close(done)
	running.Wait()
	t.Logf("%d writes, %d reads", writes.Load(), reads.Load())
	c.agree(nil, c.ids...)
}

func TestASnapshotBringsANodeBackThatWasAway(t *testing.T) {
	c := newCluster(t, 3, func(c *cluster) {
		c.timing.SnapshotEntries, c.timing.TrailingEntries, c.timing.SnapshotCheck = 100, 20, 20*time.Millisecond
	})
	leader := c.leader(c.ids...)
	away := c.up(leader)[0]
	cut := c.cut([]string{away}, c.up(away), false)
	want := c.fill(leader, 500)
	c.eventually("take a snapshot", func() bool {
		first, err := c.node(leader).logs.FirstIndex()
		return err == nil && first > 100
	})
	cut.Heal()
	c.agree(want, c.ids...)
	if c.members[away].machine.restored() == 0 {
		t.Errorf("%s has caught up without a snapshot", away)
	}
	c.eventually("drop the log from before the snapshot", func() bool {
		first, err := c.node(away).logs.FirstIndex()
		return err == nil && first != 1
	})
	// It restarts from what it was sent, and a majority of it and another one has everything.
	c.crash(leader)
	c.crash(away)
	c.start(away)
	c.agree(want, c.up()...)
}

// fill writes keys through the leader, many at a time.
func (c *cluster) fill(leader string, keys int) map[string]string {
	c.t.Helper()
	want := make(map[string]string)
	errs := make(chan error, keys)
	for i := range keys {
		key := "k" + strconv.Itoa(i)
		want[key] = strings.Repeat("v", 100)
		entry := command(key, want[key])
		go func() { errs <- c.node(leader).Propose(soon(c.t), entry) }()
	}
	for range keys {
		if err := <-errs; err != nil {
			c.t.Fatal(err)
		}
	}
	return want
}

func TestALargeValueGoesThroughASlowLink(t *testing.T) {
	c := newCluster(t, 3, func(c *cluster) { c.timing = Timing{} })
	leader := c.leader(c.ids...)
	var all []netsim.Direction
	for _, from := range c.ids {
		for _, to := range c.ids {
			if from != to {
				all = append(all, netsim.Direction{From: from, To: to})
			}
		}
	}
	slow, err := c.network.Inject(netsim.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 16 << 20}, all...)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Heal()
	value := strings.Repeat("x", 1<<20)
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() { errs <- c.node(leader).Propose(soon(t), command(strconv.Itoa(i), value)) }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	c.agree(map[string]string{"7": value}, c.ids...)
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
