package kvnode

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

func TestAnyNodeAnswersLikeTheLeader(t *testing.T) {
	t.Run("fixed", func(t *testing.T) { answersLikeTheLeader(t, fixedLeads...) })
	t.Run("elected", func(t *testing.T) { answersLikeTheLeader(t) })
}

func answersLikeTheLeader(t *testing.T, args ...string) {
	t.Parallel()
	c := runningCluster(t, noBug, args...)
	c.leader(c.ids...)
	large := strings.Repeat("large 😀\n", 100_000)
	for _, step := range []struct {
		node, method, path, body string
		status                   int
		answer                   string
	}{
		{"n2", "GET", "/kv/k", "", 404, "key not found"},
		{"n2", "PUT", "/kv/k", "v", 200, ""},
		{"n3", "GET", "/kv/k", "", 200, "v"},
		{"n1", "GET", "/kv/k", "", 200, "v"},
		{"n3", "PUT", "/kv/k", large, 200, ""},
		{"n2", "GET", "/kv/k", "", 200, large},
		{"n3", "DELETE", "/kv/k", "", 200, ""},
		{"n2", "GET", "/kv/k", "", 404, "key not found"},
		{"n2", "PUT", "/kv/.", "dot", 200, ""},
		{"n3", "GET", "/kv/.", "", 200, "dot"},
		{"n2", "PUT", "/kv/k", "", 400, "value cannot be empty"},
		{"n2", "PUT", "/kv/", "v", 400, "key cannot be empty"},
		{"n2", "POST", "/kv/k", "v", 405, "method not allowed"},
		{"n2", "PUT", "/kv/k", strings.Repeat("x", maxValueBytes+1), 413, "value is larger than 8 MiB"},
		{"n2", "GET", "/health", "", 200, ""},
		{"n1", "DELETE", "/clear", "", 404, "not found"},
		{"n2", "DELETE", "/clear", "", 404, "not found"},
		{"n1", "POST", "/cluster/info", "", 405, "method not allowed"},
	} {
		status, answer := c.do(step.node, step.method, step.path, step.body)
		if status != step.status || answer != step.answer {
			t.Errorf("%s %s at %s: %d %.60q, want %d %.60q", step.method, step.path, step.node, status, answer, step.status, step.answer)
		}
	}
}

func TestAFollowerRedirectsToTheAddressItWasGiven(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug, append(fixedLeads, "--forward", "redirect")...)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		request, err := http.NewRequest(method, "http://"+c.nodes["n3"].address+"/kv/a:b", strings.NewReader("v"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		want := "http://" + c.link("n3", "n1").Addr() + "/kv/a:b"
		if got := response.Header.Get("Location"); response.StatusCode != 307 || got != want {
			t.Errorf("%s: %d to %q, want 307 to %q", method, response.StatusCode, got, want)
		}
	}
}

func TestInfoNamesOneLeaderAndSeesNodesDieAndReturn(t *testing.T) {
	t.Parallel()
	c := newClusterTest(t, noBug, copiesLag...)
	c.start("n3")
	want := `{"id":"n3","role":"follower","leader":"n1","term":0,"nodes":[{"id":"n1","alive":false},{"id":"n2","alive":false},{"id":"n3","alive":true}]}` + "\n"
	if got := c.mustDo("n3", "GET", "/cluster/info", ""); got != want {
		t.Errorf("alone: %s, want %s", got, want)
	}
	c.start("n1", "n2")
	c.waitUntilSettled()
	for _, id := range c.ids {
		info := c.info(id)
		role := map[bool]string{true: "leader", false: "follower"}[id == "n1"]
		if info.ID != id || *info.Leader != "n1" || info.Role != role || len(info.Nodes) != 3 {
			t.Errorf("%s: %+v, leader %s", id, info, *info.Leader)
		}
	}
	c.stop(os.Kill, "n2")
	c.eventually("n1 sees n2 dead", func() bool { return !c.alive("n1", "n2") })
	if !c.alive("n1", "n3") || !c.alive("n3", "n1") {
		t.Error("the others are not alive for each other")
	}
	c.start("n2")
	c.eventually("n1 sees n2 again", func() bool { return c.alive("n1", "n2") })
	c.signal("n2", syscall.SIGSTOP)
	c.eventually("n1 sees that n2 hangs", func() bool { return !c.alive("n1", "n2") })
	c.signal("n2", syscall.SIGCONT)
	c.waitUntilSettled()
	heal := c.cut("n3")
	c.eventually("n1 sees n3 cut off", func() bool { return !c.alive("n1", "n3") })
	c.eventually("n3 sees that it is cut off", func() bool { return !c.alive("n3", "n2") })
	heal()
	c.waitUntilSettled()
}

func TestFollowersCatchUp(t *testing.T) {
	t.Parallel()
	c := runningCluster(t, noBug, copiesLag...)
	c.put("n2", "a", 100, "v") // through a follower
	c.mustDo("n1", "PUT", "/kv/last", "1")
	c.eventuallyReads("n2", "last", "1")
	c.eventuallyReads("n3", "last", "1")

	t.Run("on what they missed while they were down", func(t *testing.T) {
		c.stop(os.Kill, "n3")
		c.put("n1", "b", 100, "v")
		c.mustDo("n1", "DELETE", "/kv/a0", "")
		c.mustDo("n1", "PUT", "/kv/last", "2")
		c.start("n3")
		c.eventuallyReads("n3", "last", "2")
		c.hasKeys("n3", "b", 100, "v")
		if !c.reads("n3", "a0", "") {
			t.Error("a deleted key is there")
		}
	})
	t.Run("through a link that was cut, hung and reset", func(t *testing.T) {
		heal := c.cut("n3")
		c.put("n1", "c", 100, "v")
		c.mustDo("n1", "PUT", "/kv/last", "3")
		if !c.reads("n3", "last", "2") {
			t.Error("a follower that is cut off does not read its own copy")
		}
		if status, _ := c.do("n3", "PUT", "/kv/last", "never"); status < 500 {
			t.Errorf("a write that cannot reach the leader: %d", status)
		}
		heal()
		c.eventuallyReads("n3", "c99", "v")
		c.net.Reset(netsim.Direction{From: "n3", To: "n1"})
		c.mustDo("n1", "PUT", "/kv/last", "4")
		c.eventuallyReads("n3", "last", "4")
	})
	t.Run("from the beginning, with an empty folder", func(t *testing.T) {
		c.put("n1", "d", 2000, "v")
		c.stop(syscall.SIGTERM, "n2")
		c.dirs["n2"] = c.t.TempDir()
		c.start("n2")
		c.eventuallyReads("n2", "d1999", "v")
		c.hasKeys("n2", "d", 2000, "v")
		c.hasKeys("n2", "c", 100, "v")
	})
	t.Run("behind a leader that forgot its tail", func(t *testing.T) {
		c.stop(os.Kill, "n3")
		c.mustDo("n1", "DELETE", "/kv/d0", "")
		c.mustDo("n1", "PUT", "/kv/last", "5")
		c.stop(os.Kill, "n1")
		c.start("n3")
		if !c.reads("n3", "d0", "v") || !c.reads("n2", "c0", "v") {
			t.Error("without a leader followers do not read their copies")
		}
		if status, answer := c.do("n3", "PUT", "/kv/k", "v"); status != 503 || answer != "the leader n1 cannot be reached" {
			t.Errorf("a write without a leader: %d %q", status, answer)
		}
		c.start("n1")
		c.eventuallyReads("n3", "last", "5")
		if !c.reads("n3", "d0", "") {
			t.Error("a snapshot does not replace what was there before: a deleted key is there")
		}
		c.mustDo("n3", "PUT", "/kv/last", "6")
		c.eventuallyReads("n2", "last", "6")
	})
}

func TestNodesOfAClusterEndCleanlyThoughOneIsCutOff(t *testing.T) {
	t.Run("fixed leader", func(t *testing.T) { endCleanly(t, copiesLag...) })
	t.Run("elected leader", func(t *testing.T) { endCleanly(t) })
}

func endCleanly(t *testing.T, args ...string) {
	t.Parallel()
	c := runningCluster(t, noBug, args...)
	heal := c.cut("n2")
	defer heal()
	for _, id := range []string{"n1", "n3", "n2"} {
		if code := c.stop(syscall.SIGTERM, id); code != 0 {
			t.Errorf("%s: exit code %d", id, code)
		}
	}
}
