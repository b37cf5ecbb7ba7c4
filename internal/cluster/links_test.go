package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

func linked(cfg *Config) { cfg.Links = true }

// memberHandler is a node of a cluster that says what the file info.json in its
// folder says, or else that the least ID leads, and asks a peer on request.
func memberHandler(args []string) http.HandlerFunc {
	flags := make(map[string]string)
	for i := 0; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	id, peers := flags["--id"], make(map[string]string)
	leader, nodes := id, []map[string]any{{"id": id, "alive": true}}
	for _, peer := range strings.Split(flags["--peers"], ",") {
		name, address, _ := strings.Cut(peer, "=")
		peers[name] = address
		leader = min(leader, name)
		nodes = append(nodes, map[string]any{"id": name, "alive": true})
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(w http.ResponseWriter, r *http.Request) {
		switch name, asks := strings.CutPrefix(r.URL.Path, "/ask/"); {
		case asks:
			response, err := client.Get("http://" + peers[name] + "/name")
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			defer response.Body.Close()
			_, _ = io.Copy(w, response.Body)
		case r.URL.Path == "/name":
			fmt.Fprint(w, id)
		case r.URL.Path == infoPath:
			said, err := os.ReadFile(filepath.Join(flags["--working-dir"], "info.json"))
			if err != nil {
				role := "follower"
				if id == leader {
					role = "leader"
				}
				said, _ = json.Marshal(map[string]any{"id": id, "role": role, "leader": leader, "term": 0, "nodes": nodes})
			}
			_, _ = w.Write(said)
		default:
			http.NotFound(w, r)
		}
	}
}

// members makes a cluster of three nodes that know each other, not started.
func members(t *testing.T, adjust ...func(*Config)) *Cluster {
	t.Helper()
	c := newCluster(t, folder(t, "exec "+role("member")+` "$@"`), append(adjust, linked)...)
	for _, id := range []string{"n1", "n2", "n3"} {
		if _, err := c.AddNode(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func mustStartAll(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.StartAll(t.Context(), true); err != nil {
		fail(t, err)
	}
}

// asks lets one node ask another for its name.
func asks(t *testing.T, from *Node, to string) (answer string, err error) {
	t.Helper()
	status, body, err := fetch(t.Context(), from.host(), from.port, "/ask/"+to)
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusOK {
		return "", errors.New(string(body))
	}
	return string(body), nil
}

func TestNodesReachEachOtherByAddressesOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	seen := make(map[string]bool)
	for _, from := range c.Nodes() {
		command := from.CommandLine()
		contains(t, command, "--id "+from.ID()+" --peers ")
		_, peers, _ := strings.Cut(command, "--peers ")
		for peer := range strings.SplitSeq(strings.Trim(peers, "'"), ",") {
			id, address, _ := strings.Cut(peer, "=")
			if seen[address] {
				t.Errorf("%s is given twice", address)
			}
			seen[address] = true
			if n := c.NodeAt(address); n == nil || n.ID() != id {
				t.Errorf("%s leads to %v, want %s", address, n, id)
			}
			if got, err := asks(t, from, id); err != nil || got != id {
				t.Errorf("%s asked %s and got %q, %v", from.ID(), id, got, err)
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("got %d addresses, want one per ordered pair", len(seen))
	}
}

func TestAnAddressLeadsToItsNodeOrToNobody(t *testing.T) {
	t.Parallel()
	c := members(t)
	n := c.Node("n2")
	own := fmt.Sprint(n.Port())
	for _, address := range []string{"127.0.0.1:" + own, "localhost:" + own, "[::1]:" + own, "127.0.0.2:" + own} {
		if c.NodeAt(address) != n {
			t.Errorf("%s does not lead to n2", address)
		}
	}
	for _, address := range []string{"", "n2", own, "192.0.2.1:" + own, "example.com:" + own, "127.0.0.1:1", "127.0.0.1"} {
		if got := c.NodeAt(address); got != nil {
			t.Errorf("%s leads to %s", address, got.ID())
		}
	}
}

func TestADeadPeerRefusesConnectionsAndAPausedOneAcceptsThem(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	n1, n2 := c.Node("n1"), c.Node("n2")
	link, err := c.Network().Link("n1", "n2")
	if err != nil {
		t.Fatal(err)
	}
	accepts := func() bool {
		conn, err := net.Dial("tcp", link.Addr())
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	if err := n2.Pause(t.Context()); err != nil {
		fail(t, err)
	}
	if !accepts() {
		t.Error("a paused peer refuses connections")
	}
	if err := errors.Join(n2.Resume(t.Context()), n2.Kill(t.Context())); err != nil {
		fail(t, err)
	}
	if accepts() {
		t.Error("a dead peer accepts connections")
	}
	if _, err := asks(t, n1, "n2"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want a refusal", err)
	}
	mustStart(t, n2)
	if got, err := asks(t, n1, "n2"); got != "n2" {
		t.Errorf("after its return: %q, %v", got, err)
	}
}

func TestACutHoldsBetweenNodesAndNotForClients(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	cut, err := c.Network().Inject(netsim.Conditions{Cut: true}, netsim.Direction{From: "n1", To: "n2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asks(t, c.Node("n1"), "n2"); err == nil {
		t.Error("the cut lets a request through")
	}
	if got, err := asks(t, c.Node("n1"), "n3"); got != "n3" {
		t.Errorf("another link is cut as well: %v", err)
	}
	if !answers(c.Node("n2")) {
		t.Error("clients do not reach the node")
	}
	cut.Heal()
	if got, err := asks(t, c.Node("n1"), "n2"); got != "n2" {
		t.Errorf("after healing: %v", err)
	}
}

// say sets what a node says about the cluster.
func say(t *testing.T, n *Node, info string) {
	t.Helper()
	path := filepath.Join(n.cluster.inDir(n.workingDir), "info.json")
	if err := os.WriteFile(path+".new", []byte(info), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// saying is an answer with this role and leader.
func saying(n *Node, role, leader string) string {
	return fmt.Sprintf(`{"id":%q,"role":%q,"leader":%s,"term":1,"nodes":[]}`, n.ID(), role, leader)
}

func TestAClusterIsSettledWhenOneLeadsAndAllNameIt(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	n1, n2, n3 := c.Node("n1"), c.Node("n2"), c.Node("n3")
	if err := c.WaitSettled(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	if got, term := c.Groups()[0].Leader(t.Context()); got != "n1" || term != 0 {
		t.Errorf("%q leads in term %d, want n1 in 0", got, term)
	}
	tests := []struct {
		name         string
		one, two, me string
		said, leader string
	}{
		{"nobody leads", saying(n1, "follower", "null"), saying(n2, "candidate", "null"), saying(n3, "follower", "null"), "no node says that it leads", ""},
		{"two lead", saying(n1, "leader", `"n1"`), saying(n2, "leader", `"n2"`), saying(n3, "follower", `"n2"`), "n1 and n2 say at the same time that they lead", "n2"},
		{"one names another", saying(n1, "leader", `"n1"`), saying(n2, "follower", `"n3"`), saying(n3, "follower", `"n1"`), "n1 leads, but n2 names n3", "n1"},
		{"one names nobody", saying(n1, "leader", `"n1"`), saying(n2, "follower", `"n1"`), saying(n3, "candidate", `null`), "n1 leads, but n3 names nobody", "n1"},
	}
	for _, tt := range tests {
		say(t, n1, tt.one)
		say(t, n2, tt.two)
		say(t, n3, tt.me)
		err := c.WaitSettled(t.Context(), time.Millisecond)
		unsettled, ok := errors.AsType[*UnsettledError](err)
		if !ok || !strings.Contains(err.Error(), tt.said) || len(unsettled.Said) != 3 {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.said)
		}
		got, term := c.Groups()[0].Leader(t.Context())
		if got != tt.leader || got != "" && term != 1 {
			t.Errorf("%s: a majority names %q in term %d, want %q in 1", tt.name, got, term, tt.leader)
		}
	}
	// It is waited for.
	done := make(chan error, 1)
	go func() { done <- c.WaitSettled(t.Context(), patience) }()
	say(t, n3, saying(n3, "follower", `"n1"`))
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAnAnswerAgainstTheContractIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	say(t, c.Node("n2"), `{"id":"n2","role":"slave"}`)
	err := c.WaitSettled(t.Context(), 100*patience)
	unsettled, ok := errors.AsType[*UnsettledError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	contains(t, unsettled.Problem, "GET /cluster/info on n2", `"leader" is missing`)
	contains(t, strings.Join(unsettled.Said, "\n"), "n1: role leader, leader n1", `it said: {"id":"n2","role":"slave"}`)
}

func TestWaitingForAClusterEnds(t *testing.T) {
	t.Parallel()
	c := members(t)
	mustStartAll(t, c)
	say(t, c.Node("n2"), saying(c.Node("n2"), "candidate", "null"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.WaitSettled(ctx, patience) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	// A node that is gone is named, not waited for.
	alive, err := c.Node("n3").family.scan()
	if err != nil || len(alive) == 0 {
		t.Fatal(alive, err)
	}
	for _, p := range alive {
		_ = p.signal(9)
	}
	nodeError(t, c.WaitSettled(t.Context(), patience), Exited)
}

func TestAnEmptiedFolderIsEmptyAndANodeThatRunsKeepsIts(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	dir := n.cluster.inDir(n.workingDir)
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustStart(t, n)
	if err := n.EmptyWorkingDir(); err == nil {
		t.Error("the folder of a node that runs is emptied")
	}
	if err := errors.Join(n.Kill(t.Context()), n.EmptyWorkingDir()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v", left, err)
	}
}
