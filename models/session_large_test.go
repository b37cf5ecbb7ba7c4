package models

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// copies describes a simulated store: a log of all writes, and copies that lag
// behind it.
type copies struct {
	operations, clients, keys, nodes int
	lag                              int // how many writes a copy may lag behind
	// wander: clients change between copies, and may go back in time.
	wander bool
	// waits: a client's copy has its client's writes before it serves it again.
	waits bool
	// unknown is the share of writes without an answer, in percent.
	unknown int
	deletes bool
}

// run simulates. With waits, and without wander, every client follows the log: the
// history is sequential. It is hardly ever linearizable.
func (c copies) run(seed uint64) *history.History {
	r := rand.New(rand.NewPCG(seed, 5))
	h := &history.History{}
	var log []history.Operation
	states := make([]map[string]string, c.nodes) // each after as much of the log as it has
	has := make([]int, c.nodes)
	for i := range states {
		states[i] = make(map[string]string)
	}
	advance := func(node, to int) {
		for ; has[node] < to; has[node]++ {
			if w := &log[has[node]]; w.Kind == history.Put {
				states[node][w.Key] = w.Value
			} else {
				delete(states[node], w.Key)
			}
		}
	}
	number, next := make([]int, c.clients), c.clients
	wrote := make([]int, c.clients)
	free := make([]time.Duration, c.clients)
	for i := range number {
		number[i] = i
	}
	for i := range c.operations {
		now := time.Duration(i) * time.Microsecond
		client := r.IntN(c.clients)
		for free[client] > now {
			client = r.IntN(c.clients)
		}
		node := client % c.nodes
		if c.wander {
			node = r.IntN(c.nodes)
		}
		o := history.Operation{
			ID: int64(i), Client: number[client], Node: fmt.Sprintf("n%d", node+1), Key: fmt.Sprintf("k%d", r.IntN(c.keys)),
			Call: now - time.Duration(r.IntN(5)+1), Return: now + time.Duration(r.IntN(c.clients*200)+1), Outcome: history.OK,
		}
		o.Call = max(o.Call, free[client]+1)
		free[client] = o.Return
		advance(node, len(log)-r.IntN(c.lag+1))
		if c.waits {
			advance(node, wrote[client])
		}
		if r.IntN(2) == 0 {
			o.Value, o.Present = states[node][o.Key], states[node][o.Key] != ""
		} else {
			o.Kind, o.Value = history.Put, fmt.Sprintf("v%d", i)
			if c.deletes && r.IntN(5) == 0 {
				o.Kind, o.Value = history.Delete, ""
			}
			if r.IntN(100) < c.unknown {
				o.Outcome, o.Return = history.Unknown, 0
				number[client], next = next, next+1
			}
			log = append(log, o)
			wrote[client] = len(log)
		}
		h.Operations = append(h.Operations, o)
	}
	slices.SortStableFunc(h.Operations, func(a, b history.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return h
}

func sessionsOf(t testing.TB, h *history.History) *sessions {
	t.Helper()
	c, err := newCheck(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newSessions(c.keys)
}

func TestClientsThatFollowOneLogAreSequential(t *testing.T) {
	for seed := range uint64(20) {
		c := copies{operations: 600, clients: 8, keys: 10, nodes: 3, lag: 20, waits: true, unknown: 2, deletes: seed%2 == 1}
		h := c.run(seed)
		v, err := Check(context.Background(), h, Options{Model: "linearizable"})
		if err != nil || v.Status != Invalid {
			t.Fatalf("seed %d: the copies do not lag behind: %+v, %v", seed, v, err)
		}
		checkSearch(t, sessionsOf(t, h), true)
		for name := range sessionModels() {
			v, err := Check(context.Background(), h, Options{Model: name})
			if err != nil || v.Status != Valid {
				t.Errorf("seed %d, %s: got %+v, %v", seed, name, v, err)
			}
		}
	}
}

// Each needs another one of the rules of saturation. The search would try all
// orders of everything else first.
func TestSaturationRefutesWhatIsBuriedInALongHistory(t *testing.T) {
	for name, text := range map[string]string{
		"reads of the initial state": `
			c901: put x a
			c902: put y b
			c901: get y -
			c902: get x -`,
		"reads of what is replaced later": `
			c900: put x i
			c900: put y j
			c901: get x i
			c901: put x a
			c902: get y j
			c902: put y b
			c901: get y j
			c902: get x i`,
		"writes that must come before the one that was read": `
			c901: put x a
			c902: put x b
			c901: get y -
			c902: get y -
			c901: put y c
			c902: put y d
			c901: get x a
			c902: get x b`,
	} {
		t.Run(name, func(t *testing.T) {
			h := copies{operations: 600, clients: 8, keys: 10, nodes: 3, lag: 20, waits: true}.run(1)
			buried := parseSessions(t, text).Operations
			for i := range buried {
				buried[i].ID += 10_000
			}
			h.Operations = append(h.Operations, buried...)
			v, err := Check(context.Background(), h, Options{Model: "sequential"})
			if err != nil || v.Status != Invalid || len(v.Violations[0].Operations) != len(buried) {
				t.Fatalf("got %+v, %v", v, err)
			}
		})
	}
}

func TestClientsThatWanderAreNotCausal(t *testing.T) {
	c := copies{operations: 3000, clients: 8, keys: 10, nodes: 3, lag: 200, wander: true}
	for name := range sessionModels() {
		v, err := Check(context.Background(), c.run(1), Options{Model: name})
		if err != nil || v.Status != Invalid {
			t.Fatalf("%s: got %+v, %v", name, v, err)
		}
		for _, violation := range v.Violations {
			if len(violation.Operations) > 8 {
				t.Errorf("%s: a proof of %d operations", name, len(violation.Operations))
			}
		}
	}
}

// What does not fit into memory at once is judged in blocks of writes.
func TestBlocksOfWritesDecideAsAllWritesAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		c := copies{operations: 400, clients: 6, keys: 1 + int(seed%3), nodes: 3, lag: 20, wander: seed%4 == 0, waits: seed%2 == 0, unknown: 2}
		for name, rule := range sessionModels() {
			if name == "sequential" && c.wander {
				continue // refuted by causality
			}
			s := sessionsOf(t, c.run(seed))
			if len(s.events) < 200 {
				t.Fatalf("only %d events", len(s.events))
			}
			at, err := rule(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			s.memory = 1
			blocks, err := rule(context.Background(), s)
			if err != nil || len(blocks) != len(at) {
				t.Errorf("seed %d, %s: %d findings at once, %d in blocks, %v", seed, name, len(at), len(blocks), err)
			}
		}
	}
}

func BenchmarkSessions(b *testing.B) {
	for _, c := range []copies{
		{operations: 25_000, clients: 50, keys: 250, nodes: 5, lag: 200, waits: true, unknown: 2},
		{operations: 25_000, clients: 500, keys: 250, nodes: 5, lag: 200, waits: true, unknown: 2},
		{operations: 25_000, clients: 50, keys: 250, nodes: 5, lag: 200, wander: true, unknown: 2},
		{operations: 25_000, clients: 50, keys: 250, nodes: 5, lag: 200, wander: true, unknown: 2, deletes: true},
		{operations: 25_000, clients: 50, keys: 1, nodes: 5, lag: 20, waits: true, unknown: 2},
		{operations: 100_000, clients: 50, keys: 100, nodes: 5, lag: 20, waits: true, unknown: 2},
	} {
		h := c.run(1)
		for name := range sessionModels() {
			b.Run(fmt.Sprintf("%+v/%s", c, name), func(b *testing.B) {
				for b.Loop() {
					v, err := Check(context.Background(), h, Options{Model: name})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(v.Violations)), "violations")
					if v.Status == Unknown {
						b.Log(v.Reason)
					}
				}
			})
		}
	}
}
