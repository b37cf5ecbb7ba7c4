package consensus

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"
)

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestThreeNodesElectALeaderAndCommit(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader(c.ids...)
	if err := c.node(leader).Propose(soon(t), command("a", "1")); err != nil {
		t.Fatal(err)
	}
	if got := c.members[leader].machine.get("a"); got != "1" {
		t.Errorf("the leader has acknowledged a=1 and applied a=%q", got)
	}
	if err := c.node(leader).ReadIndex(soon(t)); err != nil {
		t.Error(err)
	}
	c.agree(map[string]string{"a": "1"}, c.ids...)
	for _, id := range c.up(leader) {
		if err := c.node(id).Propose(soon(t), command("a", "2")); !errors.Is(err, ErrNotLeader) {
			t.Errorf("propose through the follower %s: %v", id, err)
		}
		if err := c.node(id).ReadIndex(soon(t)); !errors.Is(err, ErrNotLeader) {
			t.Errorf("read through the follower %s: %v", id, err)
		}
		if state := c.node(id).State(); state != Follower {
			t.Errorf("%s is %s", id, state)
		}
	}
}

func TestAProposalThatTheMachineRefusesHasTheReason(t *testing.T) {
	c := newCluster(t, 1)
	c.leader("n1")
	const proposals = 20 // some of which are applied together
	results := make(chan error, proposals)
	for i := range proposals {
		go func() {
			key, want := "", errNoKey
			if i%2 == 0 {
				key, want = "k"+strconv.Itoa(i), nil
			}
			err := c.node("n1").Propose(soon(t), command(key, "v"))
			if !errors.Is(err, want) || errors.Is(err, ErrRefused) != (want != nil) || errors.Is(err, ErrUnknown) {
				t.Errorf("propose %q: %v, want %v", key, err, want)
			}
			results <- err
		}()
	}
	for range proposals {
		<-results
	}
	if n := c.members["n1"].machine.size(); n != proposals/2 {
		t.Errorf("%d proposals are applied, want %d", n, proposals/2)
	}
}

func TestANodeAloneIsAMajority(t *testing.T) {
	c := newCluster(t, 1)
	c.put("a", "1", "n1")
	if err := c.node("n1").ReadIndex(soon(t)); err != nil {
		t.Error(err)
	}
	c.stop("n1")
	c.start("n1")
	c.put("b", "2", "n1")
	c.agree(map[string]string{"a": "1", "b": "2"}, "n1")
}

func TestAnotherNodeLeadsWhenTheLeaderCrashes(t *testing.T) {
	c := newCluster(t, 3)
	first := c.leader(c.ids...)
	c.put("a", "1", c.ids...)
	_, before := c.node(first).Leader()
	c.crash(first)
	second := c.leader(c.up()...)
	if _, after := c.node(second).Leader(); after <= before {
		t.Errorf("the new leader's term is %d after %d", after, before)
	}
	c.put("b", "2", c.up()...)
	c.start(first)
	c.agree(map[string]string{"a": "1", "b": "2"}, c.ids...)
	c.leader(c.ids...)
}

func TestAllCrashAndNothingAcknowledgedIsLost(t *testing.T) {
	c := newCluster(t, 3)
	want := make(map[string]string)
	for i := range 20 {
		key := "k" + strconv.Itoa(i)
		want[key] = "v"
		c.put(key, "v", c.ids...)
	}
	for _, id := range c.ids {
		c.crash(id)
	}
	for _, id := range c.ids {
		c.start(id)
	}
	c.agree(want, c.ids...)
}

func TestThroughput(t *testing.T) {
	if testing.Short() {
		t.Skip()
	}
	c := newCluster(t, 3, func(c *cluster) { c.timing = Timing{} })
	leader := c.leader(c.ids...)
	const clients, each = 50, 100
	start := time.Now()
	errs := make(chan error, clients)
	for i := range clients {
		go func() {
			var err error
			for j := range each {
				err = errors.Join(err, c.node(leader).Propose(soon(t), command("c"+strconv.Itoa(i), strconv.Itoa(j))))
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%.0f proposals/s", clients*each/time.Since(start).Seconds())
	start = time.Now()
	for range clients {
		go func() {
			var err error
			for range each {
				err = errors.Join(err, c.node(leader).ReadIndex(soon(t)))
			}
			errs <- err
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%.0f reads/s", clients*each/time.Since(start).Seconds())
}
