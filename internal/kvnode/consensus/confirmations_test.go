package consensus

import (
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestOnlyAnswersToLaterRequestsConfirmARead(t *testing.T) {
	c := newConfirmations(5)
	early := c.now()
	read := c.ask()
	late := c.now()
	steps := []struct {
		what     string
		follower raft.ServerID
		term     uint64
		moment   uint64
		want     bool
	}{
		{"an old request's answer does not count", "n2", 3, early, false},
		{"nor does a second one", "n3", 3, early, false},
		{"one later answer is no majority", "n2", 3, late, false},
		{"nor is it twice", "n2", 3, late, false},
		{"nor is one in an older term", "n4", 2, late, false},
		{"an old answer takes nothing back", "n2", 3, early, false},
		{"two later ones are, with the leader", "n4", 3, late, true},
	}
	for _, step := range steps {
		c.confirm(step.follower, step.term, step.moment)
		if got := c.since(3, read); got != step.want {
			t.Errorf("%s: confirmed %t", step.what, got)
		}
		if c.awaited(3) == step.want {
			t.Errorf("%s: still awaited %t", step.what, step.want)
		}
	}
	if c.since(2, read) || c.since(4, read) {
		t.Error("confirmed in another term")
	}
	c.confirm("n2", 4, late)
	if c.since(3, read) || c.since(4, read) {
		t.Error("answers of two terms are counted together")
	}
}

func TestAMajorityIsMoreThanHalf(t *testing.T) {
	for members, followers := range map[int]int{1: 0, 2: 1, 3: 1, 4: 2, 5: 2, 6: 3} {
		c := newConfirmations(members)
		read := c.ask()
		confirming := 0
		for !c.since(1, read) && confirming < members {
			confirming++
			c.confirm(raft.ServerID(strings.Repeat("n", confirming)), 1, c.now())
		}
		if confirming != followers {
			t.Errorf("of %d members, %d followers make a majority with the leader", members, confirming)
		}
	}
}

func TestRequestsAreBounded(t *testing.T) {
	entry := func(size int) *raft.Log { return &raft.Log{Data: []byte(strings.Repeat("x", size))} }
	for name, test := range map[string]struct {
		sizes []int
		want  int
	}{
		"none":                   {nil, 0},
		"all fit":                {[]int{4, 3, 3}, 3},
		"one too many":           {[]int{4, 3, 4}, 2},
		"a large one goes alone": {[]int{11, 1}, 1},
		"and comes next":         {[]int{1, 11}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []*raft.Log
			for _, size := range test.sizes {
				entries = append(entries, entry(size))
			}
			if got := len(within(entries, 10)); got != test.want {
				t.Errorf("sends %d entries, not %d", got, test.want)
			}
		})
	}
}
