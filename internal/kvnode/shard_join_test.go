package kvnode

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// prepareJoin adds a group s3 of so many nodes, which are started and have a leader. Nobody else knows of them yet.
func (c *clusterTest) prepareJoin(size int) {
	c.t.Helper()
	first := len(c.ids)
	for i := range size {
		id := fmt.Sprintf("n%d", first+i+1)
		c.ids, c.dirs[id], c.shards[id], c.joining[id] = append(c.ids, id), c.t.TempDir(), "s3", true
	}
	for _, id := range c.ids[first:] {
		for _, other := range c.ids[:first] {
			if err := c.link(id, other).Up(c.nodes[other].address); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.start(c.ids[first:]...)
	c.leader(c.ids[first:]...)
}

// tell tells nodes of the new group, until they have answered that they remember it.
func (c *clusterTest) tell(ids ...string) {
	c.t.Helper()
	for _, id := range ids {
		c.eventually(id+" remembers the new group", func() bool {
			status, answer := c.do(id, "POST", "/cluster/shards", c.newGroup(id))
			if status >= 400 && status < 500 {
				c.t.Fatalf("POST /cluster/shards at %s: %d %q", id, status, answer)
			}
			return status == http.StatusOK
		})
		c.told[id] = true
	}
}

// newGroup is what a node is told of the new group.
func (c *clusterTest) newGroup(id string) string {
	group := joinedGroup{Shard: "s3"}
	for _, other := range c.group("s3") {
		group.Nodes = append(group.Nodes, joinedNode{ID: other, Address: c.link(id, other).Addr()})
	}
	body, err := json.Marshal(group)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// founders are the nodes that were there at the beginning.
func (c *clusterTest) founders() []string { return append(c.group("s1"), c.group("s2")...) }

// join has a group s3 join.
func (c *clusterTest) join(size int) {
	c.t.Helper()
	c.prepareJoin(size)
	c.tell(c.founders()...)
}
