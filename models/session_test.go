package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseSessions reads one operation per line: the client, what it did, and "?" if the
// outcome is unknown. Each takes the time of its line, unless a time in
// milliseconds is given, such as @10-30.
func parseSessions(t testing.TB, text string) *history.History {
	t.Helper()
	h := &history.History{Header: history.Header{Model: "causal"}}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		o := history.Operation{ID: int64(i), Node: "n1", Key: words[2], Outcome: history.OK}
		call, ret := 10*i, 10*i+5
		if _, err := fmt.Sscanf(words[0], "c%d:", &o.Client); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		kind, err := history.ParseKind(words[1])
		if err != nil {
			t.Fatal(err)
		}
		o.Kind = kind
		for j, w := range words[3:] {
			switch {
			case w == "?":
				o.Outcome = history.Unknown
			case strings.HasPrefix(w, "@"):
				if _, err := fmt.Sscanf(w, "@%d-%d", &call, &ret); err != nil {
					t.Fatalf("line %q: %v", line, err)
				}
			case j == 0 && w != "-":
				o.Value, o.Present = w, kind == history.Get
			}
		}
		o.Call = time.Duration(call) * time.Millisecond
		if o.Outcome == history.OK {
			o.Return = time.Duration(ret) * time.Millisecond
		}
		h.Operations = append(h.Operations, o)
	}
	return h
}

// sessionModels are those that judge by sessions, and their rules.
func sessionModels() map[string]sessionRule {
	return map[string]sessionRule{
		"sequential":          sequentialRule(sequentialSteps),
		"causal":              causalRule(RuleNotCausal),
		"writes-follow-reads": oldReadRule(RuleEffectBeforeCause, follows{rw: true, rr: true}),
		"monotonic-writes":    oldReadRule(RuleWritesReordered, follows{ww: true, rr: true}),
		"monotonic-reads":     monotonicReadsRule,
		"read-your-writes":    readYourWritesRule,
	}
}

// Each illegal history stands beside a legal twin that differs in one detail; broken
// lists the models that it breaks, and all others must hold.
func TestSessionModels(t *testing.T) {
	for _, tc := range []struct {
		name, h, broken string
	}{
		// The examples that Bouajjani et al. tell the models apart by, POPL 2017.
		{"two clients each see the other's write replace their own", `
			c1: put x a
			c2: put x b
			c1: get x b
			c2: get x a`, "sequential causal read-your-writes"},
		{"one sees the other's write replace its own, the other does not", `
			c1: put x a
			c2: put x b
			c1: get x b
			c2: get x b`, ""},
		{"one's own write comes before another's that was read later, but after by what was missed: convergent, not sequential", `
			c1: put z a
			c1: put x b
			c1: put y c
			c2: put x d
			c2: get z -
			c2: get y c
			c2: get x d`, "sequential"},
		{"the same with nothing missed", `
			c1: put z a
			c1: put x b
			c1: put y c
			c2: put x d
			c2: get z a
			c2: get y c
			c2: get x d`, ""},
		{"one's own write is replaced and comes back", `
			c1: put x a
			c2: put x b
			c2: get x a
			c2: get x b`, "sequential causal"},
		{"one's own write is seen, then replaced", `
			c1: put x a
			c2: put x b
			c2: get x b
			c2: get x a`, ""},
		{"both miss the other's first write and later see only their own: causal, not sequential", `
			c1: put x a
			c2: put x b
			c1: get y -
			c2: get y -
			c1: put y c
			c2: put y d
			c1: get x a
			c2: get x b`, "sequential"},
		{"the same, but one of them sees the other's", `
			c1: put x a
			c2: put x b
			c1: get y -
			c2: get y -
			c1: put y c
			c2: put y d
			c1: get x b
			c2: get x b`, ""},
		{"a value is read after one that was written in the knowledge of it", `
			c1: put x a
			c1: put y b
			c2: get y b
			c2: put x c
			c3: get x c
			c3: get x a`, "sequential causal"},
		{"a value is read before one that was written in the knowledge of it", `
			c1: put x a
			c1: put y b
			c2: get y b
			c2: put x c
			c3: get x a
			c3: get x c`, ""},

		{"one's own write is not found", `
			c1: put x a
			c1: get x -`, "sequential causal read-your-writes"},
		{"one's own write is found", `
			c1: put x a
			c1: get x a`, ""},
		{"another's write is not found yet", `
			c1: put x a
			c2: get x -`, ""},
		{"one's own older write is found", `
			c1: put x a
			c1: put x b
			c1: get x a`, "sequential causal read-your-writes"},
		{"one's own write of unknown outcome is not found", `
			c1: put x a
			c1: put x b ?
			c1: get x a`, ""},
		{"nothing follows a write of unknown outcome, even if somebody saw it", `
			c1: put x a
			c1: put x b ?
			c2: get x b
			c1: get x a`, ""},
		{"a write of unknown outcome still follows what its client did before", `
			c1: put x a
			c1: put y b ?
			c2: get y b
			c2: get x -`, "sequential causal monotonic-writes"},
		{"one's own write under way is not found", `
			c1: put x a @0-50
			c1: get x - @10-20`, ""},
		{"an answer at the very moment of the next call is no order", `
			c1: put x a @0-10
			c1: get x - @10-20`, ""},

		{"reads of one client go back and forth", `
			c1: put x a
			c2: put x b
			c3: get x a
			c3: get x b
			c3: get x a`, "sequential causal monotonic-reads"},
		{"reads of one client go forth", `
			c1: put x a
			c2: put x b
			c3: get x a
			c3: get x b
			c3: get x b`, ""},
		{"two clients read two values in different orders", `
			c1: put x a
			c2: put x b
			c3: get x a
			c4: get x b
			c3: get x b
			c4: get x a`, "sequential causal monotonic-reads"},
		{"two clients read two values in one order", `
			c1: put x a
			c2: put x b
			c3: get x b
			c4: get x b
			c3: get x a
			c4: get x a`, ""},
		{"overlapping reads of one client go nowhere", `
			c1: put x a
			c2: put x b
			c3: get x a @20-30
			c3: get x b @40-60
			c3: get x a @50-70`, ""},
		{"a value that was found is gone", `
			c1: put x a
			c2: get x a
			c2: get x -`, "sequential causal writes-follow-reads monotonic-writes monotonic-reads"},
		{"a value that was found is gone after a delete", `
			c1: put x a
			c2: get x a
			c3: delete x
			c2: get x -`, ""},
		{"a delete that was called later explains nothing", `
			c1: put x a
			c2: get x a
			c2: get x -
			c3: delete x`, "sequential causal writes-follow-reads monotonic-writes monotonic-reads"},
		{"a deleted value comes back to who deleted it", `
			c1: put x a
			c2: get x a
			c2: delete x
			c2: get x a`, "sequential causal"},
		{"a deleted value is still there for somebody else", `
			c1: put x a
			c2: get x a
			c2: delete x
			c1: get x a`, ""},

		{"a later write of a client is seen without the earlier one", `
			c1: put x a
			c1: put y b
			c2: get y b
			c2: get x -`, "sequential causal monotonic-writes"},
		{"a later write of a client is seen after the earlier one was missed", `
			c1: put x a
			c1: put y b
			c2: get x -
			c2: get y b`, ""},
		{"a client's writes are seen in the wrong order", `
			c1: put x a
			c1: put x b
			c2: get x b
			c2: get x a`, "sequential causal monotonic-writes"},
		{"two clients' writes are seen in either order", `
			c1: put x a
			c3: put x b
			c2: get x b
			c2: get x a`, ""},
		{"a write that overlaps with the other of its client may come after it", `
			c1: put x a @0-30
			c1: put x b @10-40
			c2: get x b @50-60
			c2: get x a @70-80`, ""},
		{"what a client had deleted before is seen after", `
			c1: put x a
			c1: delete x
			c1: put y b
			c2: get y b
			c2: get x a`, "sequential causal monotonic-writes"},

		{"an answer is seen without the question", `
			c1: put x a
			c2: get x a
			c2: put y b
			c3: get y b
			c3: get x -`, "sequential causal writes-follow-reads"},
		{"an answer is seen with the question", `
			c1: put x a
			c2: get x a
			c2: put y b
			c3: get y b
			c3: get x a`, ""},
		{"an answer to an answer is seen without the question", `
			c1: put x a
			c2: get x a
			c2: put y b
			c3: get y b
			c3: put z c
			c4: get z c
			c4: get x -`, "sequential causal writes-follow-reads"},
		{"what was read only after writing is no question", `
			c1: put x a
			c2: put y b
			c2: get x a
			c3: get y b
			c3: get x -`, ""},
		{"a value that was replaced by who had read it is read again", `
			c1: put x a
			c2: get x a
			c2: put x b
			c3: get x b
			c3: get x a`, "sequential causal writes-follow-reads"},
		{"what a client wrote and what it read are causes together only", `
			c1: put x a
			c1: put y b
			c2: get y b
			c2: put z c
			c3: get z c
			c3: get x -`, "sequential causal"},
		{"the same with the cause found", `
			c1: put x a
			c1: put y b
			c2: get y b
			c2: put z c
			c3: get z c
			c3: get x a`, ""},

		{"two clients see two independent writes in different orders: causal, not sequential", `
			c1: put x a
			c2: put y b
			c3: get x a
			c4: get y b
			c3: get y -
			c4: get x -`, "sequential"},
		{"two clients see two independent writes in one order", `
			c1: put x a
			c2: put y b
			c3: get x a
			c4: get y b
			c3: get y -
			c4: get x a`, ""},
		{"each misses what the other wrote before: causal, not sequential", `
			c1: put x a
			c2: put y b
			c1: get y -
			c2: get x -`, "sequential"},
		{"everybody lags behind, in one order", `
			c1: put x a
			c1: put x b
			c2: get x a
			c3: get x -
			c2: get x b
			c3: get x a`, ""},
		{"a copy that lags behind a delete", `
			c1: put x a
			c1: delete x
			c1: put x b
			c1: delete x
			c1: put x c
			c2: get x a
			c2: get x -
			c2: get x b
			c2: get x -
			c2: get x c`, ""},
		{"a value is gone and comes back, whatever was deleted", `
			c1: put x a
			c3: delete x
			c4: delete x
			c2: get x a
			c2: get x -
			c2: get x a`, "sequential causal monotonic-reads"},
		{"a value is gone for one client and there for another", `
			c1: put x a
			c3: delete x
			c4: delete x
			c2: get x a
			c2: get x -
			c5: get x a`, ""},
		{"one's own write after the only delete is not found", `
			c1: delete x
			c1: put x a
			c1: get x -`, "sequential causal read-your-writes"},
		{"a write is seen after the only delete had replaced what came before it, and is gone", `
			c1: delete x
			c2: put x a
			c1: get x a
			c1: get x -`, "sequential causal"},
		{"nothing is there at first, then a value, then it is deleted", `
			c1: get x -
			c2: put x a
			c1: get x a
			c3: delete x
			c1: get x -`, ""},
		{"a delete that was called before the put may take effect after it", `
			c1: delete x
			c2: put x a
			c1: put y b
			c3: get x a
			c3: get y b
			c3: get x -`, ""},
		{"one's own write after the only delete is not found, and one is called later", `
			c1: delete x
			c1: put x a
			c1: get x -
			c2: delete x`, "sequential causal read-your-writes"},
		{"a write that was made in the knowledge of the only delete is not found, and one is called later", `
			c1: delete x
			c1: put x a
			c1: put y b
			c2: get y b
			c2: get x -
			c3: delete x`, "sequential causal monotonic-writes"},
		{"one's own write before a delete is not found", `
			c1: delete x
			c1: put x a
			c2: delete x
			c1: get x -`, ""},
		{"a write that was made in the knowledge of the only delete is not found", `
			c1: delete x
			c1: put x a
			c1: put y b
			c2: get y b
			c2: get x -`, "sequential causal monotonic-writes"},
		{"a write that was made in the knowledge of one of two deletes is not found", `
			c1: delete x
			c1: put x a
			c1: put y b
			c2: get y b
			c3: delete x
			c2: get x -`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := parseSessions(t, tc.h)
			broken := strings.Fields(tc.broken)
			for name := range sessionModels() {
				v, err := Check(context.Background(), h, Options{Model: name})
				if err != nil {
					t.Fatal(err)
				}
				want := Valid
				if slices.Contains(broken, name) {
					want = Invalid
				}
				if v.Status != want {
					t.Errorf("%s: %s, want %s (%s): %+v", name, v.Status, want, v.Reason, v.Violations)
				}
			}
		})
	}
}

func TestAViolationBySessionsNamesAllKeysAndTheReadsOfEach(t *testing.T) {
	h := parseSessions(t, `
		c1: put x a
		c1: put y b
		c1: put z c
		c2: get z c
		c2: get x -
		c2: get y -
		c3: get z w`)
	v, err := Check(context.Background(), h, Options{Model: "causal"})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, violation := range v.Violations {
		keys = append(keys, violation.Key)
	}
	if slices.Sort(keys); strings.Join(keys, " ") != "x y z" || v.Violations[0].Rule != RuleNeverWritten {
		t.Fatalf("got %+v", v.Violations)
	}
}

func TestASentenceTellsWhatLedToTheRead(t *testing.T) {
	h := parseSessions(t, `
		c1: put x a
		c2: get x a
		c2: put x b
		c4: put q q
		c2: put y c
		c3: get y c
		c3: get x a`)
	v, err := Check(context.Background(), h, Options{Model: "causal"})
	if err != nil {
		t.Fatal(err)
	}
	want := "Client 1 wrote x = a; client 2 read x = a and then wrote x = b and then wrote y = c; client 3 read y = c and then read x = a through n1 at 0.065 s. By then client 3 had to see b, or something newer, and not a."
	if len(v.Violations) != 1 || v.Violations[0].Sentence != want || len(v.Violations[0].Operations) != 6 {
		t.Fatalf("got %+v", v.Violations)
	}
}

func TestAProofBySessionsKeepsTheDeleteThatSeemsToExplainIt(t *testing.T) {
	h := parseSessions(t, `
		c1: put x a
		c3: delete x
		c2: get x a
		c2: get x -
		c2: get x a
		c4: delete x`)
	for _, model := range []string{"causal", "monotonic-reads"} {
		v, err := Check(context.Background(), h, Options{Model: model})
		if err != nil || v.Status != Invalid || v.Violations[0].Operations[1].Kind != history.Delete || len(v.Violations[0].Operations) != 5 {
			t.Errorf("%s: got %+v, %v", model, v, err)
		}
	}
}

func TestOnesOwnOlderValueIsToldAsAMissedWrite(t *testing.T) {
	h := parseSessions(t, `
		c1: put x a
		c1: put x b
		c1: get x a`)
	v, err := Check(context.Background(), h, Options{Model: "read-your-writes"})
	want := "Client 1 wrote x = a and then wrote x = b and then read x = a through n1 at 0.025 s. It missed its own write."
	if err != nil || len(v.Violations) != 1 || v.Violations[0].Sentence != want {
		t.Fatalf("got %+v, %v", v, err)
	}
}

func TestRepeatedValuesLeaveSessionsUndecidedButOtherKeysAreJudged(t *testing.T) {
	repeated := `
		c1: put x a
		c2: put x a
		c2: put y b
		c2: get y `
	for name := range sessionModels() {
		v, err := Check(context.Background(), parseSessions(t, repeated+"b"), Options{Model: name})
		if err != nil || v.Status != Unknown || !strings.Contains(v.Reason, `"x"`) {
			t.Errorf("%s: got %+v, %v", name, v, err)
		}
	}
	v, err := Check(context.Background(), parseSessions(t, repeated+"-"), Options{Model: "causal"})
	if err != nil || v.Status != Invalid {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestDeletesThatNoGuessFitsLeaveSessionsUndecided(t *testing.T) {
	// Whatever c1's fourth operation saw, its last one breaks monotonic-writes; but for
	// different reasons, and each guess may be the wrong one.
	h := parseSessions(t, `
		c1: put x a
		c1: get x a
		c1: delete x
		c1: get x -
		c1: get x a
		c2: delete x`)
	v, err := Check(context.Background(), h, Options{Model: "monotonic-writes"})
	if err != nil || v.Status != Unknown || !strings.Contains(v.Reason, "deletes do not say") {
		t.Fatalf("got %+v, %v", v, err)
	}
	if v, err = Check(context.Background(), h, Options{Model: "causal"}); err != nil || v.Status != Invalid {
		t.Fatalf("got %+v, %v", v, err)
	}
}

func TestASearchThatRunsOutOfStepsIsUndecided(t *testing.T) {
	s := sessionsOf(t, copies{operations: 600, clients: 8, keys: 10, nodes: 3, lag: 20, waits: true}.run(1))
	order, err := newOrderSearch(s, s.graph(allOfSession()).arcs).run(context.Background(), 5)
	var undecided *undecidedError
	if order != nil || !errors.As(err, &undecided) || !strings.Contains(undecided.reason, "5 steps") {
		t.Fatalf("got %v, %v", order, err)
	}
}

func TestJudgingSessionsObeysItsContext(t *testing.T) {
	h := parseSessions(t, `
		c1: put x a
		c2: get x a
		c1: put x b
		c1: get x a`)
	c, err := newCheck(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, rule := range sessionModels() {
		if _, err := rule(ctx, newSessions(c.keys)); err == nil {
			t.Errorf("%s went on", name)
		}
	}
}
