package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// twoGroups are n1 and n2 in s1, n3 and n4 in s2, not started.
func twoGroups(t *testing.T) *Cluster {
	t.Helper()
	c := newCluster(t, folder(t, "exec "+role("member")+` "$@"`), linked)
	for i, shard := range []string{"s1", "s1", "s2", "s2"} {
		if _, err := c.AddMember(t.Context(), fmt.Sprint("n", i+1), Shard{Name: shard}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// flag returns what follows a flag on the node's command line.
func flag(n *Node, name string) string {
	words := n.command()
	if at := slices.Index(words, name); at >= 0 && at+1 < len(words) {
		return words[at+1]
	}
	return ""
}

// peerNames are those in --peers, without their addresses.
func peerNames(n *Node) string {
	var names []string
	for item := range strings.SplitSeq(flag(n, "--peers"), ",") {
		name, _, _ := strings.Cut(item, "=")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestNodesAreToldOfTheirShardAndThoseOfOthers(t *testing.T) {
	t.Parallel()
	c := twoGroups(t)
	if n := c.Node("n2"); flag(n, "--shard") != "s1" || peerNames(n) != "s1/n1 s2/n3 s2/n4" || slices.Contains(n.command(), "--join") {
		t.Errorf("n2 is started with %q", n.command())
	}
	if n := c.Node("n3"); flag(n, "--shard") != "s2" || peerNames(n) != "s1/n1 s1/n2 s2/n4" {
		t.Errorf("n3 is started with %q", n.command())
	}
	var groups []string
	for _, g := range c.Groups() {
		groups = append(groups, fmt.Sprint(g.Shard, len(g.Nodes)))
	}
	if got := strings.Join(groups, " "); got != "s12 s22" {
		t.Errorf("groups %s", got)
	}
	alone := members(t)
	if n := alone.Node("n1"); flag(n, "--shard") != "" || peerNames(n) != "n2 n3" || len(alone.Groups()) != 1 {
		t.Errorf("without shards n1 is started with %q", n.command())
	}
}

func TestAGroupThatJoinsIsKnownToThoseWhoHaveMetIt(t *testing.T) {
	t.Parallel()
	c := twoGroups(t)
	var joined []*Node
	for _, id := range []string{"n5", "n6"} {
		n, err := c.AddMember(t.Context(), id, Shard{Name: "s3", Joins: true})
		if err != nil {
			t.Fatal(err)
		}
		joined = append(joined, n)
	}
	n1, n4, n5 := c.Node("n1"), c.Node("n4"), c.Node("n5")
	if peerNames(n5) != "s1/n1 s1/n2 s2/n3 s2/n4 s3/n6" || !slices.Contains(n5.command(), "--join") {
		t.Errorf("n5 is started with %q", n5.command())
	}
	n1.Meet(joined...)
	if got := peerNames(n1); got != "s1/n2 s2/n3 s2/n4 s3/n5 s3/n6" {
		t.Errorf("n1, who has met them, is told of %s", got)
	}
	if got := peerNames(n4); got != "s1/n1 s1/n2 s2/n3" {
		t.Errorf("n4, who has not, is told of %s", got)
	}
	if a, b := n1.AddressOf(n5), n4.AddressOf(n5); a == "" || b == "" || a == b || c.NodeAt(a) != n5 || c.NodeAt(b) != n5 {
		t.Errorf("n5 is reached at %q and %q", a, b)
	}
	if got := n1.AddressOf(n1); got != "" {
		t.Errorf("n1 reaches itself at %q", got)
	}
}

func TestANodeThatIsAddedReachesThoseThatRunAlready(t *testing.T) {
	t.Parallel()
	c := twoGroups(t)
	mustStartAll(t, c)
	if err := c.Node("n4").Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	late, err := c.AddMember(t.Context(), "n5", Shard{Name: "s3", Joins: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Start(t.Context()); err != nil {
		fail(t, err)
	}
	for _, to := range []string{"n1", "n2", "n3"} {
		if got, err := asks(t, late, c.Node(to).peerName()); err != nil || got != to {
			t.Errorf("n5 asked %s and got %q, %v", to, got, err)
		}
	}
	if _, err := asks(t, late, "s2/n4"); err == nil {
		t.Error("n5 reaches n4, which is dead")
	}
	if err := c.Node("n4").Start(t.Context()); err != nil {
		fail(t, err)
	}
	if got, err := asks(t, late, "s2/n4"); err != nil || got != "n4" {
		t.Errorf("n5 asked n4 after its restart and got %q, %v", got, err)
	}
}

// says lets a node of a group say who leads it.
func says(t *testing.T, n *Node, shard, leader string) {
	t.Helper()
	role := "follower"
	if n.ID() == leader {
		role = "leader"
	}
	said := fmt.Sprintf(`{"id":%q,"shard":%q,"role":%q,"leader":%q,"term":2,"nodes":[]}`, n.ID(), shard, role, leader)
	if err := os.WriteFile(filepath.Join(n.cluster.inDir(n.workingDir), "info.json"), []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAShardedClusterIsSettledWhenEachGroupIs(t *testing.T) {
	t.Parallel()
	c := twoGroups(t)
	mustStartAll(t, c)
	all := func(leaders ...string) {
		for i, g := range c.Groups() {
			for _, n := range g.Nodes {
				says(t, n, g.Shard, leaders[i])
			}
		}
	}
	all("n2", "n3")
	if err := c.WaitSettled(t.Context(), patience); err != nil {
		fail(t, err)
	}
	for i, want := range []string{"n2", "n3"} {
		if got, term := c.Groups()[i].Leader(t.Context()); got != want || term != 2 {
			t.Errorf("%s leads group %d in term %d", got, i, term)
		}
	}
	all("n2", "n1") // s2 is led by a node of s1
	err := c.WaitSettled(t.Context(), 0)
	unsettled, ok := errors.AsType[*UnsettledError](err)
	if !ok || !strings.Contains(unsettled.Problem, "in shard s2, no node says that it leads") || unsettled.Said[2] != "s2/n3: role follower, leader n1, term 2" {
		t.Errorf("got %+v", err)
	}
	if err := c.WaitSettled(t.Context(), patience, c.Groups()[0].Nodes...); err != nil {
		t.Errorf("the other group is settled: %v", err)
	}
	all("n2", "n3")
	says(t, c.Node("n4"), "s1", "n3")
	if _, err := c.Node("n4").Info(t.Context()); err == nil || !strings.Contains(err.Error(), `"shard" is "s1", want "s2", the value of --shard`) {
		t.Errorf("a node that names another shard as its own: %v", err)
	}
	if info, err := c.Node("n3").Info(t.Context()); err != nil || info.Shard != "s2" {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestTheShardOfAKeyIsReadStrictly(t *testing.T) {
	t.Parallel()
	c := twoGroups(t)
	for _, tt := range []struct{ body, shard, problem string }{
		{`{"key":"a","shard":"s2"}`, "s2", ""},
		{` {"shard":"s1","key":"a","node":"n1"}` + "\n", "s1", ""},
		{`s2`, "", "the answer is not a JSON object"},
		{`null`, "", "the answer is not a JSON object"},
		{`{"shard":"s2"}`, "", `"key" is missing; want the key that was asked about`},
		{`{"key":"b","shard":"s2"}`, "", `"key" is "b", want the key that was asked about, "a"`},
		{`{"key":"a"}`, "", `"shard" is missing; want the name of the key's shard as text, such as "s1"`},
		{`{"key":"a","shard":2}`, "", `"shard" is 2, want the name of the key's shard as text, such as "s1"`},
		{`{"key":"a","shard":"s3"}`, "", `"shard" is "s3", which is no shard of the cluster`},
	} {
		if shard, problem := c.ParseShard([]byte(tt.body), "a"); shard != tt.shard || problem != tt.problem {
			t.Errorf("%s: got %q, %q", tt.body, shard, problem)
		}
	}
	wrong := NewInfoError("n1", "/cluster/shards/a", "it is wrong", []byte("body"))
	if wrong.Error() != "GET /cluster/shards/a on n1: it is wrong" || wrong.Request() != "GET /cluster/shards/a on n1" || wrong.Body != "body" || wrong.Silent {
		t.Errorf("got %+v", wrong)
	}
}
