package consensus

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCloseHandsOverAndLeavesNoGoroutine(t *testing.T) {
	before := stacks(t)
	c := newCluster(t, 3)
	old := c.leader(c.ids...)
	c.put("a", "1", old)
	_, term := c.node(old).Leader()
	node := c.node(old)
	c.stop(old)
	// The next leader comes at once, so nobody has to notice first that the old one is gone.
	if !slices.ContainsFunc(c.up(), func(id string) bool { _, now := c.node(id).Leader(); return now > term }) {
		t.Error("no election has begun when the old leader is closed")
	}
	for name, call := range map[string]func() error{
		"Propose":   func() error { return node.Propose(soon(t), command("a", "2")) },
		"ReadIndex": func() error { return node.ReadIndex(soon(t)) },
	} {
		if err := call(); !errors.Is(err, ErrNotLeader) && !errors.Is(err, ErrClosed) {
			t.Errorf("%s on a closed node: %v", name, err)
		}
	}
	if err := node.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	left, right := net.Pipe()
	node.Accept(left)
	if _, err := right.Read(make([]byte, 1)); err == nil {
		t.Error("a closed node takes streams")
	}
	c.leader(c.up()...)
	for _, id := range c.up() {
		c.stop(id)
	}
	if err := c.network.Close(); err != nil {
		t.Error(err)
	}
	c.eventually("end all goroutines", func() bool { return stacks(t) <= before })
}

// stacks counts the goroutines that belong to this package or to its library.
func stacks(t *testing.T) int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	count := 0
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(stack, "hashicorp") || strings.Contains(stack, "consensus.(*") && !strings.Contains(stack, t.Name()) {
			count++
		}
	}
	return count
}

func TestCloseIsInTimeWhenNobodyAnswers(t *testing.T) {
	c := newCluster(t, 3)
	old := c.leader(c.ids...)
	cut := c.cut([]string{old}, c.up(old), false)
	defer cut.Heal()
	answers, node := make(chan error, 2), c.node(old)
	go func() { answers <- node.Propose(context.Background(), command("a", "1")) }()
	go func() { answers <- node.ReadIndex(context.Background()) }()
	start := time.Now()
	c.stop(old)
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}
	for range 2 {
		if err := <-answers; err == nil {
			t.Error("acknowledged without a majority")
		}
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	c := newCluster(t, 1)
	good := c.config(c.members["n1"])
	c.stop("n1")
	for name, spoil := range map[string]func(*Config){
		"not a member":    func(cfg *Config) { cfg.ID = "n2" },
		"twice a member":  func(cfg *Config) { cfg.Members = []string{"n1", "n2", "n2"} },
		"nameless member": func(cfg *Config) { cfg.Members = []string{"n1", ""} },
		"no machine":      func(cfg *Config) { cfg.Machine = nil },
		"other members":   func(cfg *Config) { cfg.Members = []string{"n1", "n2", "n3"} },
		"no folder":       func(cfg *Config) { cfg.Dir = filepath.Join(cfg.Dir, "log.db", "x") },
		"bad timing":      func(cfg *Config) { cfg.Timing.Lease = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			spoil(&cfg)
			if node, err := Open(t.Context(), cfg); err == nil {
				t.Error("it opens")
				_ = node.Close()
			}
		})
	}
	c.start("n1") // nothing is left locked
}
