package cluster

import (
	"path/filepath"
	"testing"
)

func TestANodeServesUntilItIsStoppedOrKilled(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	for _, end := range []string{"stop", "kill", "stop", "kill"} {
		mustStart(t, n)
		if !answers(n) || !n.Running() {
			t.Fatal("it is ready but does not answer")
		}
		ending := n.Stop
		if end == "kill" {
			ending = n.Kill
		}
		if err := ending(t.Context()); err != nil {
			fail(t, err)
		}
		if answers(n) || n.Running() {
			t.Fatalf("it runs after %s", end)
		}
		if left := processesOf(t, filepath.Dir(n.WorkingDir())); len(left) > 0 {
			t.Fatalf("left after %s: %v", end, left)
		}
		if err := n.Err(); err != nil {
			t.Fatalf("%s counts as a failure: %v", end, err)
		}
	}
	select {
	case failure := <-n.cluster.Failures():
		fail(t, failure)
	default:
	}
}
