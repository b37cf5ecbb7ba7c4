package consensus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"
)

// A cut-off leader shows most mistakes: it must acknowledge nothing and serve no read.
func TestFaultsOfALeaderThatIsCutOff(t *testing.T) {
	for name, test := range map[string]struct {
		faults        Faults
		reached       int // followers that it still reaches
		writes, reads bool
	}{
		"correct":               {},
		"correct, one follower": {reached: 1},
		"AckBeforeCommit":       {faults: Faults{AckBeforeCommit: true}, writes: true},
		"AckAfterOne":           {faults: Faults{AckAfterOne: true}, reached: 1, writes: true},
		"AckAfterOne, none":     {faults: Faults{AckAfterOne: true}},
		"NoReadConfirm":         {faults: Faults{NoReadConfirm: true}, reads: true},
		"LeaseReads":            {faults: Faults{LeaseReads: true}, reads: true},
		"SplitBrain":            {faults: Faults{SplitBrain: true}, writes: true, reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 5, func(c *cluster) { c.faults = test.faults })
			leader := c.leader(c.ids...)
			c.put("a", "1", leader)
			c.read(leader)
			cut := c.cut(append([]string{leader}, c.up(leader)[:test.reached]...), c.up(leader)[test.reached:], false)
			defer cut.Heal()
			reading := make(chan error, 1)
			go func() { reading <- c.node(leader).ReadIndex(soon(t)) }()
			write := c.node(leader).Propose(soon(t), command("a", "2"))
			read := <-reading
			if wrote := write == nil; wrote != test.writes {
				t.Errorf("write: %v", write)
			}
			if served := read == nil; served != test.reads {
				t.Errorf("read: %v", read)
			}
		})
	}
}

// read waits until a node serves a read.
func (c *cluster) read(id string) {
	c.t.Helper()
	c.eventually("serve a read", func() bool { return c.node(id).ReadIndex(soon(c.t)) == nil })
}

func TestALeaderThatDoesNotAskGoesOnReadingBesideTheNextLeader(t *testing.T) {
	c := newCluster(t, 3, func(c *cluster) { c.faults.NoReadConfirm = true })
	old := c.leader(c.ids...)
	c.put("a", "1", old)
	cut := c.cut([]string{old}, c.up(old), false)
	c.put("a", "2", c.up(old)...)
	if err := c.node(old).ReadIndex(soon(t)); err != nil || c.members[old].machine.get("a") != "1" {
		t.Errorf("the old leader reads %q, %v", c.members[old].machine.get("a"), err)
	}
	if leader, _ := c.node(old).Leader(); leader != old || c.node(old).State() != Leader {
		t.Errorf("it is %s and says that %q leads", c.node(old).State(), leader)
	}
	cut.Heal()
	c.leader(c.ids...)
}

func TestASplitBrainGoesOnBesideTheNextLeader(t *testing.T) {
	c := newCluster(t, 3, func(c *cluster) { c.faults.SplitBrain = true })
	old := c.leader(c.ids...)
	cut := c.cut([]string{old}, c.up(old), true) // its own requests get lost, those of others arrive
	c.put("a", "2", c.up(old)...)
	if err := c.node(old).Propose(soon(t), command("a", "1")); err != nil {
		t.Errorf("the old leader acknowledges nothing: %v", err)
	}
	cut.Heal()
	c.leader(c.ids...) // The mistake ends with the cut; what it has done stays.
}

func TestFaultVoteForgotten(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		c := newCluster(t, 1, func(c *cluster) { c.faults.VoteForgotten = forgotten })
		var terms []uint64
		for range 2 {
			c.leader("n1")
			_, term := c.node("n1").Leader()
			terms = append(terms, term)
			c.crash("n1")
			c.start("n1")
		}
		if again := terms[1] <= terms[0]; again != forgotten {
			t.Errorf("with VoteForgotten %t the terms are %d", forgotten, terms)
		}
	}
}

func TestFaultLogNotSynced(t *testing.T) {
	for _, fault := range []bool{false, true} {
		c := newCluster(t, 1, func(c *cluster) { c.faults.LogNotSynced = fault })
		c.put("old", "1", "n1")
		c.eventually("write the log", func() bool {
			return !fault || c.node("n1").unsynced.written()
		})
		lost, attempts := false, 1
		if fault {
			attempts = 20 // The log may be written just before the crash.
		}
		for i := 0; i < attempts && !lost; i++ {
			key := strconv.Itoa(i)
			c.put(key, "1", "n1")
			c.crash("n1")
			c.start("n1")
			c.read("n1")
			lost = c.members["n1"].machine.get(key) == ""
		}
		if lost != fault {
			t.Errorf("with LogNotSynced %t writes are lost: %t", fault, lost)
		}
		if c.members["n1"].machine.get("old") == "" {
			t.Error("lost what was written long before")
		}
		c.put("last", "1", "n1")
		c.stop("n1")
		c.start("n1")
		c.agree(map[string]string{"last": "1"}, "n1") // Only a crash loses.
	}
}

func (l *unsyncedLog) written() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) == 0
}

func TestFaultSnapshotMisses(t *testing.T) {
	for _, fault := range []bool{false, true} {
		c := newCluster(t, 1, func(c *cluster) { c.faults.SnapshotMisses = fault })
		c.leader("n1")
		for i := range 3 {
			c.fill("n1", 30)
			c.put("extra"+strconv.Itoa(i), "1", "n1")
		}
		c.fill("n1", 55)
		before := c.members["n1"].machine.all()
		if err := c.node("n1").raft.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		c.crash("n1")
		c.start("n1")
		c.read("n1")
		if missing := len(before) - c.members["n1"].machine.size(); (missing > 0) != fault {
			t.Errorf("with SnapshotMisses %t there are %d of %d keys missing after a restart", fault, missing, len(before))
		}
	}
}

func TestFaultAppliesOutOfOrder(t *testing.T) {
	for name, test := range map[string]struct {
		leads uint64
		want  string
	}{"follower": {0, "cbaed"}, "leader": {7, "abcde"}} {
		t.Run(name, func(t *testing.T) {
			var r recording
			m := &reversing{Machine: &r, leadsIn: func() uint64 { return test.leads }}
			first := [][]byte{{'a'}, {'b'}, {'c'}}
			m.Apply(3, first)
			m.Apply(5, [][]byte{{'d'}, {'e'}})
			if got := string(bytes.Join(r.entries, nil)); got != test.want {
				t.Errorf("applied %s, want %s", got, test.want)
			}
			if first[0][0] != 'a' {
				t.Error("the log itself is changed")
			}
		})
	}
}

func TestFaultDiskFailed(t *testing.T) {
	for _, fault := range []bool{false, true} {
		c := newCluster(t, 1, func(c *cluster) { c.faults.DiskFailed = fault })
		for _, key := range []string{"first", "second", "third"} {
			c.put(key, "1", "n1")
			c.agree(map[string]string{key: "1"}, "n1") // It goes on in memory.
			if key == "third" {
				break
			}
			c.crash("n1")
			c.start("n1")
			c.read("n1")
		}
		if lost := c.members["n1"].machine.get("second") == ""; lost != fault {
			t.Errorf("with DiskFailed %t the second start's write is lost: %t", fault, lost)
		}
		if c.members["n1"].machine.get("first") == "" {
			t.Error("lost what was written before the disk failed")
		}
		_, before := c.node("n1").Leader()
		c.crash("n1")
		c.start("n1")
		c.leader("n1")
		if _, after := c.node("n1").Leader(); (after <= before) != fault {
			t.Errorf("with DiskFailed %t term %d comes after %d", fault, after, before)
		}
	}
}

// recording is a machine that remembers what it was told.
type recording struct{ entries [][]byte }

func (r *recording) Apply(_ uint64, entries [][]byte) []error {
	r.entries = append(r.entries, entries...)
	return nil
}
func (r *recording) Snapshot() (func(io.Writer) error, error) { return nil, errors.ErrUnsupported }
func (r *recording) Restore(io.Reader) error                  { return errors.ErrUnsupported }

func TestFaultNoBarrier(t *testing.T) {
	for _, fault := range []bool{false, true} {
		c := newCluster(t, 3, func(c *cluster) { c.faults.NoBarrier = fault })
		leader := c.leader(c.ids...)
		c.read(leader)
		held := c.members[leader].machine.hold()
		done := make(chan error, 1)
		go func() { done <- c.node(leader).Propose(soon(t), command("a", "1")) }()
		node := c.node(leader)
		c.eventually("commit", func() bool { return node.raft.CommitIndex() == node.raft.LastIndex() && node.raft.LastIndex() > 3 })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := node.ReadIndex(ctx)
		cancel()
		if served := err == nil; served != fault {
			t.Errorf("with NoBarrier %t, reading what is not applied: %v", fault, err)
		}
		held()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestALeaderTellsLateWhatIsCommitted(t *testing.T) {
	l, begin := newLateWord(Faults{NoBarrier: true}), time.Now()
	for _, step := range []struct {
		after     time.Duration
		index, of uint64
	}{
		{0, 5, 0}, {wordTime / 2, 7, 0}, {wordTime, 7, 5}, {wordTime + 1, 0, 5}, {wordTime * 5 / 4, 9, 5},
		{wordTime * 3 / 2, 9, 7}, {3 * wordTime, 9, 9}, {4 * wordTime, 20, 9}, {9 * wordTime, 21, 20},
	} {
		if got := l.of(step.index, begin.Add(step.after)); got != step.of {
			t.Errorf("%d after %v: told %d, want %d", step.index, step.after, got, step.of)
		}
	}
	if newLateWord(Faults{}) != nil {
		t.Error("a correct leader is late")
	}
}

// hold stops the machine until the returned function is called.
func (t *table) hold() func() {
	t.mu.Lock()
	return t.mu.Unlock
}
