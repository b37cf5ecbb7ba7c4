package kvnode

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/kvnode/consensus"
)

func raftSymptoms() map[bug]symptom {
	writesAlone, readsAlone := sharedTwin(answersAlone("PUT")), sharedTwin(answersAlone("GET"))
	return map[bug]symptom{
		ackBeforeCommit:    writesAlone,
		ackAfterOne:        passesOn(consensus.Faults{AckAfterOne: true}),
		voteForgotten:      termComesAgain,
		logNotSynced:       retried(10, lostInCrashAlone),
		diskFailed:         lostOnceTheDiskFailed,
		snapshotMisses:     missesAfterASnapshot,
		restoreMerges:      deletedStaysRestored,
		entriesOutOfOrder:  passesOn(consensus.Faults{AppliesOutOfOrder: true}),
		splitBrain:         writesAlone,
		deleteResurrects:   secondDeleteResurrects,
		asyncFailover:      writesAlone,
		staleLeaderAccepts: every(takesWhatIsPassedOn, remembersAnOldLeader),
		refusalMayHappen:   every(unknownIsRefused, lostWithTheLeaderIsRefused),
		leaksPendingWrites: refusesAfterUnknowns,

		readsAnyCopy:      copyIsRead,
		readsUnconfirmed:  readsAlone,
		leaseReads:        readsAlone,
		servesBeforeApply: passesOn(consensus.Faults{NoBarrier: true}),
		notFoundMeanwhile: readFindsNothingMeanwhile,
		retriesProposal:   every(writeIsSentAgain, leaderTriesAgain),
	}
}

// retried has a bug hit a moment in one of several tries. A correct node has no such moment, so it has one.
func retried(tries int, s symptom) symptom {
	return func(t *testing.T, b bug) bool {
		if b == noBug {
			return s(t, b)
		}
		return rounds(tries, s)(t, b)
	}
}

// sharedTwin is a symptom of several bugs that has to be there before a leader has missed its followers, which a busy
// machine may not manage at once. The correct node is asked for it once.
func sharedTwin(s symptom) symptom {
	var correct sync.Once
	misbehaves := false
	return func(t *testing.T, b bug) bool {
		if b != noBug {
			return retried(3, s)(t, b)
		}
		correct.Do(func() { misbehaves = s(t, b) })
		return misbehaves
	}
}

// every is a symptom that has several signs; either all are there or none.
func every(signs ...symptom) symptom {
	return func(t *testing.T, b bug) bool {
		there := 0
		for _, s := range signs {
			if s(t, b) {
				there++
			}
		}
		if there != 0 && there != len(signs) {
			t.Errorf("%d of %d signs are there", there, len(signs))
		}
		return there == len(signs)
	}
}

// passesOn is for mistakes that the tests of consensus show: the node has to ask for them.
func passesOn(want consensus.Faults) symptom {
	return func(_ *testing.T, b bug) bool { return b.consensusFaults() == want }
}

func TestEachFaultOfConsensusHasOneBug(t *testing.T) {
	faults := reflect.TypeFor[consensus.Faults]()
	found := make(map[string]bug)
	for _, b := range append([]Bug{{Name: string(noBug)}}, Bugs()...) {
		made := reflect.ValueOf(bug(b.Name).consensusFaults())
		for i := range faults.NumField() {
			if !made.Field(i).Bool() {
				continue
			}
			name := faults.Field(i).Name
			if other, ok := found[name]; ok || bug(b.Name).replication() != replicationRaft {
				t.Errorf("%s is made by %q and %q", name, other, b.Name)
			}
			found[name] = bug(b.Name)
		}
	}
	if len(found) != faults.NumField() {
		t.Errorf("bugs make the faults %v, there are %d", found, faults.NumField())
	}
}

// answersAlone kills all followers, and has the leader asked at once.
func answersAlone(method string) symptom {
	return func(t *testing.T, b bug) bool {
		c := runningCluster(t, b)
		leader, _ := c.leader(c.ids...)
		c.eventually("a write and a read", func() bool {
			status, _ := c.do(leader, "PUT", "/kv/k", "v")
			return status == http.StatusOK && c.reads(leader, "k", "v")
		})
		c.stop(os.Kill, c.others(leader)...)
		status, _ := c.do(leader, method, "/kv/k", "w")
		return status == http.StatusOK
	}
}

// copyIsRead reads at a node that is cut off.
func copyIsRead(t *testing.T, b bug) bool {
	c := runningCluster(t, b)
	leader, _ := c.leader(c.ids...)
	c.mustDo(leader, "PUT", "/kv/k", "old")
	follower := c.others(leader)[0]
	c.eventuallyReads(follower, "k", "old")
	heal := c.cut(follower)
	defer heal()
	c.eventually("a write without the follower", func() bool {
		status, _ := c.do(leader, "PUT", "/kv/k", "new")
		return status == http.StatusOK
	})
	return c.reads(follower, "k", "old")
}

func termComesAgain(t *testing.T, b bug) bool {
	dir := t.TempDir()
	s := openAlone(t, dir, b)
	_, before := s.leader()
	mustClose(t, s)
	s = openAlone(t, dir, b)
	defer mustClose(t, s)
	_, after := s.leader()
	return after <= before
}

// lostInCrashAlone opens a copy of what is on the disk after an acknowledgement.
func lostInCrashAlone(t *testing.T, b bug) bool {
	dir := t.TempDir()
	s := openAlone(t, dir, b)
	defer mustClose(t, s)
	mustWrite(t, s, put("k", "v"))
	crashed := t.TempDir()
	if err := os.CopyFS(filepath.Join(crashed, "consensus"), os.DirFS(filepath.Join(dir, "consensus"))); err != nil {
		t.Fatal(err)
	}
	recovered := openAlone(t, crashed, b)
	defer mustClose(t, recovered)
	return !has(recovered, map[string]string{"k": "v"})
}

// lostOnceTheDiskFailed restarts a node twice.
func lostOnceTheDiskFailed(t *testing.T, b bug) bool {
	dir := t.TempDir()
	written := make(map[string]string)
	var missing int
	for _, key := range []string{"first", "second", "third"} {
		s := openAlone(t, dir, b)
		missing = 0
		for k, v := range written {
			if !has(s, map[string]string{k: v}) {
				missing++
			}
		}
		if key == "second" && missing > 0 {
			t.Error("the disk fails too early")
		}
		written[key] = "v"
		mustWrite(t, s, put(key, "v"))
		if !has(s, map[string]string{key: "v"}) {
			t.Error("it does not remember what it has just written")
		}
		mustClose(t, s)
	}
	return missing > 0
}

func deletedStaysRestored(t *testing.T, b bug) bool {
	m := newMachine(t, b, put("deleted", "v"))
	if err := m.Restore(bytes.NewReader(snapshotOf(t, newMachine(t, noBug, put("k", "v"))))); err != nil {
		t.Fatal(err)
	}
	if m.values["k"] != "v" {
		t.Error("what is in the snapshot is not restored")
	}
	_, stays := m.values["deleted"]
	return stays
}

func secondDeleteResurrects(t *testing.T, b bug) bool {
	m := newMachine(t, b, put("k", "v"), del("k"))
	if _, there := m.values["k"]; there {
		t.Error("the first delete does nothing")
	}
	m.Apply(3, entries(del("k")))
	return m.values["k"] == "v"
}

// What a leader ships is applied once: when it is written where it is written, and from the log everywhere else.
func TestAsyncFailoverShipsWhatItHasApplied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAlone(t, dir, asyncFailover)
	for _, value := range []string{"1", "2"} {
		mustWrite(t, s, put("k", value))
		if !has(s, map[string]string{"k": value}) {
			t.Error("a write is not visible at once")
		}
	}
	mustClose(t, s)
	s = openAlone(t, dir, asyncFailover)
	defer mustClose(t, s)
	if !has(s, map[string]string{"k": "2"}) {
		t.Error("a clean shutdown does not ship what is left")
	}
	shipped := bytes.Join(entries(record{op: opShipped, key: "a process"}, put("k", "1"), put("k", "2")), nil)
	for process, want := range map[string]string{"another process": "2", "a process": ""} {
		m := newMachine(t, asyncFailover)
		m.bugs.ahead.run = process
		m.Apply(1, [][]byte{shipped})
		if m.values["k"] != want {
			t.Errorf("%s has %q from the log of a process, want %q", process, m.values, want)
		}
	}
}
