package models

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parse reads a history in a notation made for these tests, one operation per
// line: kind, key, value, the interval in milliseconds, the outcome. Return
// time "-" means unknown; value "-" of a get means absent.
func parse(t testing.TB, text string) *history.History {
	t.Helper()
	h := &history.History{Header: history.Header{Model: "linearizable"}}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var kind, key, value, ret string
		var call int
		line = strings.TrimSpace(line)
		outcome := "ok"
		if n, err := fmt.Sscanf(line, "%s %s %s %d %s %s", &kind, &key, &value, &call, &ret, &outcome); n < 5 {
			t.Fatalf("line %q: %v", line, err)
		}
		node, kind, ok := strings.Cut(kind, "/")
		if !ok {
			node, kind = "n1", node
		}
		k, err := history.ParseKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		o, err := history.ParseOutcome(outcome)
		if err != nil {
			t.Fatal(err)
		}
		op := history.Operation{ID: int64(i), Client: i, Node: node, Kind: k, Key: key, Call: time.Duration(call) * time.Millisecond, Outcome: o}
		if ret == "-" {
			op.Outcome = history.Unknown
		} else {
			var r int
			if _, err := fmt.Sscan(ret, &r); err != nil {
				t.Fatal(err)
			}
			op.Return = time.Duration(r) * time.Millisecond
		}
		if k == history.Put || k == history.Get && value != "-" {
			op.Value, op.Present = value, k == history.Get
		}
		h.Operations = append(h.Operations, op)
	}
	return h
}

// Each illegal history stands beside a legal twin that differs in one detail.
func TestLinearizable(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    string
		want Status
		rule Rule
	}{
		{"a read of the latest write is legal", `
			put x a 0 10
			get x a 20 30`, Valid, ""},
		{"a read of an older value after a newer write was acknowledged and seen is stale", `
			put x a 0 10
			put x b 20 30
			get x a 40 50
			get x b 60 70`, Invalid, RuleStaleRead},
		{"a read of the older value while the newer write is under way is legal", `
			put x a 0 10
			put x b 20 60
			get x a 40 50
			get x b 70 80`, Valid, ""},
		{"an acknowledged write that no later read finds is lost", `
			put x a 0 10
			put x b 20 30
			get x a 40 50`, Invalid, RuleLostWrite},
		{"intervals are closed: a read called at the very moment of the acknowledgement may miss the write", `
			put x a 0 10
			put x b 20 30
			get x a 30 50`, Valid, ""},
		{"an unacknowledged write may be absent", `
			put x a 0 10
			put x b 20 -
			get x a 40 50`, Valid, ""},
		{"an unacknowledged write that was read must not disappear", `
			put x a 0 10
			put x b 20 -
			get x b 30 40
			get x a 50 60`, Invalid, RuleLostWrite},
		{"what one node misses after another one acknowledged it may be its own copy only", `
			n1/put x a 0 10
			n1/put x b 20 30
			n2/get x a 40 50`, Invalid, RuleStaleRead},
		{"what a second node misses as well is lost", `
			n1/put x a 0 10
			n1/put x b 20 30
			n2/get x a 40 50
			n3/get x a 60 70`, Invalid, RuleLostWrite},
		{"what a second node still has is not lost", `
			n1/put x a 0 10
			n1/put x b 20 30
			n2/get x a 40 50
			n3/get x b 60 70`, Invalid, RuleStaleRead},
		{"one node that finds nothing may lag behind", `
			n1/put x a 0 10
			n2/get x - 40 50`, Invalid, RuleStaleRead},
		{"two nodes that find nothing have lost it", `
			n1/put x a 0 10
			n2/get x - 40 50
			n1/get x - 60 70`, Invalid, RuleLostWrite},
		{"a second node that finds nothing after a delete says nothing about the write before", `
			n1/put x a 0 10
			n2/get x - 40 50
			n1/delete x - 60 70
			n1/get x - 80 90`, Invalid, RuleStaleRead},
		{"an unacknowledged write may appear late", `
			put x a 0 10
			put x b 20 -
			get x a 30 40
			get x b 50 60`, Valid, ""},
		{"a value that flips back is not legal even when both writes overlap", `
			put x a 0 100
			put x b 0 100
			get x a 10 20
			get x b 30 40
			get x a 50 60`, Invalid, RuleLostWrite},
		{"two overlapping writes may take effect in either order", `
			put x a 0 100
			put x b 0 100
			get x b 10 20
			get x a 50 60`, Valid, ""},
		{"a value nobody wrote", `
			put x a 0 10
			get x z 20 30`, Invalid, RuleNeverWritten},
		{"a value that is written only later", `
			get x a 0 10
			put x a 20 30`, Invalid, RuleNeverWritten},
		{"a value written on another key", `
			put y a 0 10
			get x a 20 30`, Invalid, RuleNeverWritten},
		{"half of a value", `
			put x abcdef 0 10
			get x abc 20 30`, Invalid, RuleTornValue},
		{"a write that was refused must not be seen", `
			put x a 0 10 failed
			get x a 20 30`, Invalid, RuleFailedVisible},
		{"a write that was refused may be absent", `
			put x a 0 10 failed
			put x b 20 30
			get x b 40 50`, Valid, ""},
		{"nothing was written, nothing is found", `
			get x - 0 10
			put x a 20 30
			get x a 40 50`, Valid, ""},
		{"an acknowledged write must be found", `
			put x a 0 10
			get x - 20 30`, Invalid, RuleLostWrite},
		{"after a delete nothing is found", `
			put x a 0 10
			delete x - 20 30
			get x - 40 50`, Valid, ""},
		{"after a delete the old value is gone", `
			put x a 0 10
			delete x - 20 30
			get x a 40 50`, Invalid, RuleDeletedCameBack},
		{"a delete under way may take effect or not", `
			put x a 0 10
			delete x - 20 60
			get x a 25 30
			get x - 40 50`, Valid, ""},
		{"a delete takes effect once", `
			put x a 0 10
			delete x - 20 100
			get x - 30 40
			put x b 50 60
			get x - 70 80`, Invalid, RuleLostWrite},
		{"two deletes explain two absences", `
			put x a 0 10
			delete x - 20 100
			delete x - 20 100
			get x - 30 40
			put x b 50 60
			get x - 70 80`, Valid, ""},
		{"of two deletes the one that expires first explains the first absence", `
			put x a 0 10
			delete x - 20 100
			delete x - 20 55
			get x - 30 40
			put x b 50 60
			get x b 61 62
			get x - 70 80`, Valid, ""},
		{"in whatever order they were called", `
			put x a 0 10
			delete x - 20 55
			delete x - 21 100
			get x - 30 40
			put x b 50 60
			get x b 61 62
			get x - 70 80`, Valid, ""},
		{"if both expire before the second absence, it is illegal", `
			put x a 0 10
			delete x - 20 60
			delete x - 20 60
			get x - 30 40
			put x b 50 60
			get x b 61 62
			get x - 70 80`, Invalid, RuleLostWrite},
		{"no delete takes effect while a value is surely current", `
			put x a 0 10
			put x b 30 35
			get x b 45 50
			get x - 15 40
			delete x - 37 60`, Invalid, RuleLostWrite},
		{"but just before", `
			put x a 0 10
			put x b 30 35
			get x b 45 50
			get x - 15 40
			delete x - 35 60`, Valid, ""},
		{"an unknown delete explains an absence", `
			put x a 0 10
			delete x - 20 -
			get x - 40 50`, Valid, ""},
		{"an unknown delete that came too late explains nothing", `
			put x a 0 10
			get x - 20 30
			delete x - 40 -`, Invalid, RuleLostWrite},
		{"absent in the middle of a value that was written once", `
			put x a 0 10
			get x a 15 18
			delete x - 20 -
			get x - 25 30
			get x a 40 50`, Invalid, RuleStaleRead},
		{"an empty history proves nothing", "get x - 0 -", Unknown, ""},
		{"writes without reads prove nothing", "put x a 0 10", Unknown, ""},
		{"reads without writes prove nothing", "get x - 0 10", Unknown, ""},
		{"keys are independent", `
			put x a 0 10
			put y b 20 30
			get x a 40 50
			get y b 40 50`, Valid, ""},
		{"values that are written twice are left to the search: legal", `
			put x a 0 10
			put x b 20 30
			put x a 40 50
			get x a 60 70`, Valid, ""},
		{"values that are written twice are left to the search: illegal", `
			put x a 0 10
			put x a 20 30
			put x b 40 50
			get x a 60 70`, Invalid, RuleNotLinearizable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := Check(context.Background(), parse(t, tc.h), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if v.Status != tc.want {
				t.Fatalf("status %s, want %s: %+v", v.Status, tc.want, v)
			}
			if v.Status == Unknown && v.Reason == "" {
				t.Error("unknown without a reason")
			}
			if tc.want != Invalid {
				return
			}
			if got := v.Violations[0]; got.Rule != tc.rule || got.Sentence == "" || len(got.Operations) == 0 {
				t.Errorf("violation %+v, want rule %q", got, tc.rule)
			}
		})
	}
}

func TestAViolationIsShrunkToWhatProvesIt(t *testing.T) {
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "put x v%d %d %d\nget x v%d %d %d\n", i, i*100, i*100+10, i, i*100+20, i*100+30)
	}
	b.WriteString("get x v20 9000 9010\n")
	v, err := Check(context.Background(), parse(t, b.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != Invalid || len(v.Violations[0].Operations) > 4 {
		t.Fatalf("want a violation of at most 4 operations, got %+v", v)
	}
}

func TestAProofKeepsTheDeleteThatSeemsToExplainAnAbsence(t *testing.T) {
	v, err := Check(context.Background(), parse(t, `
		put x a 1 2
		delete x - 3 9
		get x - 4 5
		get x a 6 7`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != Invalid || len(v.Violations[0].Operations) != 4 {
		t.Fatalf("want all four operations, got %+v", v.Violations)
	}
}

func TestAProofLeavesManyDeletesWithoutAnswerOutIfItStandsWithoutThem(t *testing.T) {
	for name, tc := range map[string]struct {
		last string
		want int
	}{
		"the value is seen again":     {"get x a 60 70", 3},
		"the value is not seen again": {"get y - 60 70", 3},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := Check(context.Background(), parse(t, `
				put x a 1 2
				delete x - 0 9
				delete x - 0 9
				delete x - 0 9
				delete x - 0 9
				get x a 10 20
				get x - 40 50
				`+tc.last), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if v.Status != Invalid || len(v.Violations[0].Operations) > tc.want || v.Violations[0].Rule == "" {
				t.Fatalf("want at most %d operations, got %+v", tc.want, v.Violations)
			}
		})
	}
}

func TestATruncatedHistoryAccusesNobodyOfWhatItLost(t *testing.T) {
	h := parse(t, `
		put x a 0 10
		get x a 20 30
		get x b 40 50`) // b's put was under way when the file broke off
	h.Truncated, h.Settled = true, 35*time.Millisecond
	for _, tc := range []struct {
		name    string
		settled time.Duration
		want    Status
	}{
		{"a read after the settled time counts for nothing", 35 * time.Millisecond, Valid},
		{"a read before the settled time counts", 60 * time.Millisecond, Invalid},
		{"without a settled time a violation is in doubt", 0, Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.Settled = tc.settled
			v, err := Check(context.Background(), h, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if v.Status != tc.want || len(v.Warnings) != 1 {
				t.Fatalf("want %s with a warning, got %+v", tc.want, v)
			}
		})
	}
}

func TestTheWorstViolationComesFirstAndEachKeyOnce(t *testing.T) {
	v, err := Check(context.Background(), parse(t, `
		put x a 0 10
		put x b 20 30
		get x a 40 50
		get x a 60 70
		put y c 0 10
		get y z 20 30`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Violations) != 2 || v.Violations[0].Rule != RuleNeverWritten || v.Violations[1].Key != "x" {
		t.Fatalf("got %+v", v.Violations)
	}
}

func TestOnlyTheNamedKeysAreJudged(t *testing.T) {
	h := parse(t, `
		put x a 0 10
		get x a 20 30
		get y z 20 30`)
	v, err := Check(context.Background(), h, Options{Keys: []string{"x"}})
	if err != nil || v.Status != Valid || v.Keys != 1 {
		t.Fatalf("got %+v, %v", v, err)
	}
}

func TestADequeueBehindTheBreakMayHaveTakenAnything(t *testing.T) {
	h := parse(t, `
		put x a 0 10
		put x b 20 30
		get x c 40 50
		get x b 60 70`)
	h.Operations[0].Kind, h.Operations[1].Kind = history.Enqueue, history.Enqueue
	h.Operations[2].Kind, h.Operations[3].Kind = history.Dequeue, history.Dequeue
	h.Truncated = true
	for _, tc := range []struct {
		settled time.Duration
		want    Status
	}{
		// What follows 35 ms may be missing. c may have been enqueued there, and a dequeued.
		{35 * time.Millisecond, Unknown},
		{80 * time.Millisecond, Invalid},
	} {
		h.Settled = tc.settled
		v, err := Check(context.Background(), h, Options{Model: "queue"})
		if err != nil || v.Status != tc.want {
			t.Errorf("settled %s: got %+v, %v, want %s", tc.settled, v, err, tc.want)
		}
	}
}

func TestAnUnknownModelIsAnError(t *testing.T) {
	_, err := Check(context.Background(), &history.History{}, Options{Model: "strong"})
	if want := `unknown model "strong" (want linearizable, sequential, causal, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("got %v, want %s…", err, want)
	}
}

func TestATimedOutCheckIsUnknownAndNamesTheKey(t *testing.T) {
	// Writes that all overlap, of values written twice: only the search can decide, and not quickly.
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "put x v%d 0 1000\nput x v%d 0 1000\nget x v%d 0 1000\n", i, i, i)
	}
	b.WriteString("get x nobody 0 1000\n")
	h := parse(t, b.String())
	h.Operations = h.Operations[:len(h.Operations)-1]
	// One read too many of each value, one after the other: illegal, and far from obvious.
	for i := range 40 {
		for j := range 3 {
			h.Operations = append(h.Operations, history.Operation{ID: int64(1000 + 3*i + j), Kind: history.Get, Key: "x", Value: fmt.Sprintf("v%d", i), Present: true,
				Call: 2000 * time.Millisecond, Return: 3000 * time.Millisecond, Outcome: history.OK})
		}
	}
	v, err := Check(context.Background(), h, Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != Unknown || len(v.Undecided) != 1 || v.Undecided[0].Key != "x" || v.Reason == "" {
		t.Fatalf("got %+v", v)
	}
}
