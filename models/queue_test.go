package models

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

// Each illegal history stands beside a legal twin that differs in one detail.
func TestQueue(t *testing.T) {
	judgeKinds(t, "queue", []kindCase{
		{"first in, first out", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x a 40 50
			dequeue x b 60 70`, Valid, ""},
		{"first in, last out", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x a 60 70`, Invalid, RuleWritesReordered},
		{"concurrent enqueues come in either order", `
			enqueue x a 0 25
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x a 60 70`, Valid, ""},
		{"concurrent dequeues may take in either order", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x b 40 65
			dequeue x a 60 70`, Valid, ""},
		{"an element is taken once", `
			enqueue x a 0 10
			dequeue x a 20 30
			dequeue x - 40 50`, Valid, ""},
		{"an element must not be taken twice", `
			enqueue x a 0 10
			dequeue x a 20 30
			dequeue x a 40 50`, Invalid, RuleDuplicate},
		{"unless it was enqueued twice", `
			enqueue x a 0 10
			enqueue x a 0 10
			dequeue x a 20 30
			dequeue x a 40 50`, Valid, ""},
		{"an element that nobody enqueued", `
			enqueue x a 0 10
			dequeue x z 20 30`, Invalid, RuleNeverWritten},
		{"an element that is enqueued later", `
			dequeue x a 0 10
			enqueue x a 20 30`, Invalid, RuleNeverWritten},
		{"an element that is enqueued meanwhile", `
			dequeue x a 0 20
			enqueue x a 20 30`, Valid, ""},
		{"an enqueue that was refused must not be seen", `
			enqueue x a 0 10 failed
			dequeue x a 20 30`, Invalid, RuleFailedVisible},
		{"the queue is found empty before the enqueue", `
			dequeue x - 0 10
			enqueue x a 10 20
			dequeue x a 30 40`, Valid, ""},
		{"the queue is found empty after the enqueue, and not later", `
			enqueue x a 0 10
			dequeue x - 20 30
			dequeue x a 40 50`, Invalid, RuleStaleRead},
		{"the queue is found empty, and what was enqueued is never seen", `
			enqueue x a 0 10
			dequeue x - 20 30`, Invalid, RuleLostWrite},
		{"the queue is found empty while the element may have been taken", `
			enqueue x a 0 10
			dequeue x - 20 30
			dequeue x a 25 50`, Valid, ""},
		{"the queue may be empty for a moment between two elements", `
			enqueue x a 0 10
			dequeue x - 20 60
			enqueue x b 25 30
			dequeue x a 30 70
			dequeue x b 80 90`, Valid, ""},
		{"the queue is never empty between two elements that overlap", `
			enqueue x a 0 10
			dequeue x - 20 60
			enqueue x b 25 30
			dequeue x a 31 70
			dequeue x b 80 90`, Invalid, RuleStaleRead},
		{"an element in front is never taken", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x b 40 50`, Invalid, RuleLostWrite},
		{"an element behind is never taken", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x a 40 50`, Valid, ""},
		{"an enqueue without an answer may never take effect", `
			enqueue x a 0 -
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x - 60 70`, Valid, ""},
		{"an enqueue without an answer may take effect late", `
			enqueue x a 0 -
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x - 60 70
			dequeue x a 80 90`, Valid, ""},
		{"an enqueue without an answer takes effect once", `
			enqueue x a 0 -
			enqueue x b 20 30
			dequeue x a 40 50
			dequeue x a 60 70`, Invalid, RuleDuplicate},
		{"a dequeue without an answer may have taken the element in front", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x - 32 -
			dequeue x b 40 50
			dequeue x - 60 70`, Valid, ""},
		{"a dequeue without an answer may have taken nothing", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x - 32 -
			dequeue x a 40 50
			dequeue x b 60 70`, Valid, ""},
		{"a dequeue without an answer that came too late took nothing in time", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x - 51 -`, Invalid, RuleLostWrite},
		{"a dequeue without an answer that came just in time", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x b 40 50
			dequeue x - 50 -`, Valid, ""},
		{"a dequeue without an answer takes one element", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x - 32 -
			dequeue x - 60 70`, Invalid, RuleLostWrite},
		{"two dequeues without an answer take two", `
			enqueue x a 0 10
			enqueue x b 20 30
			dequeue x - 32 -
			dequeue x - 32 -
			dequeue x - 60 70`, Valid, ""},
		{"a dequeue without an answer takes nothing out of the middle", `
			enqueue x a 0 10
			enqueue x b 20 30
			enqueue x c 40 50
			dequeue x - 52 -
			dequeue x a 60 70
			dequeue x c 80 90`, Valid, ""},
		{"a dequeue without an answer, repeated values: one is missing", `
			enqueue x a 0 10
			enqueue x b 20 30
			enqueue x a 40 50
			dequeue x b 60 70
			dequeue x a 80 90`, Invalid, RuleNotLinearizable},
		{"a dequeue without an answer, repeated values: it took one", `
			enqueue x a 0 10
			enqueue x b 20 30
			enqueue x a 40 50
			dequeue x - 55 -
			dequeue x b 60 70
			dequeue x a 80 90`, Valid, ""},
		{"empty answers alone prove nothing", "dequeue x - 0 10", Unknown, ""},
		{"enqueues alone prove nothing", "enqueue x a 0 10", Unknown, ""},
	})
}

func queueSpec(state string, o *history.Operation) []string {
	head, tail, some := strings.Cut(state, " ")
	switch {
	case o.Kind == history.Enqueue:
		return []string{state + o.Value + " "}
	case o.Outcome == history.Unknown && some:
		return []string{tail, state}
	case o.Outcome == history.Unknown:
		return []string{state}
	case !o.Present && !some:
		return []string{state}
	case o.Present && some && head == o.Value:
		return []string{tail}
	}
	return nil
}

// randomQueue draws up to eight operations; half of the time what a correct
// queue would answer.
func randomQueue(r *rand.Rand, unique bool) []history.Operation {
	n := 2 + r.IntN(7)
	unknown := 4 + r.IntN(8)
	correct := r.IntN(4) > 0
	ops := make([]history.Operation, n)
	var values []string
	state := ""
	for i := range ops {
		o := &ops[i]
		o.ID, o.Kind = int64(i), history.Dequeue
		if i == 0 || r.IntN(2) == 0 {
			o.Kind, o.Value = history.Enqueue, fmt.Sprint("v", i)
			if !unique {
				o.Value = fmt.Sprint("v", r.IntN(2))
			}
			values = append(values, o.Value)
		}
		if correct {
			if head, tail, some := strings.Cut(state, " "); o.Kind == history.Dequeue {
				o.Present, o.Value, state = some, head, tail
			} else {
				state += o.Value + " "
			}
			continue
		}
		if j := r.IntN(len(values) + 1); o.Kind == history.Dequeue && j < len(values) {
			o.Present, o.Value = true, values[j]
		}
		randomTimes(r, o, 4+r.IntN(12), unknown)
	}
	if correct {
		simulated(r, ops, unknown)
	}
	for i := range ops {
		if o := &ops[i]; o.Kind == history.Dequeue && o.Outcome != history.OK {
			o.Present, o.Value = false, ""
		}
	}
	return ops
}

func TestQueueAgreesWithAllOrders(t *testing.T) {
	(&trial{
		model: queue(), spec: queueSpec, without: withoutElements, rounds: 30_000,
		random: func(r *rand.Rand) []history.Operation { return randomQueue(r, true) },
		rules:  []Rule{RuleNeverWritten, RuleFailedVisible, RuleLostWrite, RuleDuplicate, RuleStaleRead, RuleWritesReordered},
	}).run(t)
}

func TestQueueRulesDecideIfAllDequeuesWereAnswered(t *testing.T) {
	(&trial{
		model: queue(), spec: queueSpec, without: withoutElements, rounds: 20_000, decides: true,
		random: func(r *rand.Rand) []history.Operation {
			ops := randomQueue(r, true)
			for i := range ops {
				if o := &ops[i]; o.Kind == history.Dequeue && o.Outcome == history.Unknown {
					o.Outcome = history.Failed
				}
			}
			return ops
		},
	}).run(t)
}

func TestQueueAgreesWithAllOrdersWhenValuesRepeat(t *testing.T) {
	(&trial{
		model: queue(), spec: queueSpec, without: withoutElements, rounds: 20_000,
		random: func(r *rand.Rand) []history.Operation { return randomQueue(r, false) },
		rules:  []Rule{RuleNotLinearizable},
	}).run(t)
}

func TestAQueueLineFindsEveryPositionAndHashesByContent(t *testing.T) {
	l := newLine()
	for i := range 300 {
		l = l.push(int32(i % 7))
		for _, p := range []int{1, i/2 + 1, i + 1} {
			if got := l.at(p); got.position != p || got.value != int32((p-1)%7) {
				t.Fatalf("position %d of %d: got %d with value %d", p, i+1, got.position, got.value)
			}
		}
	}
	a := line{last: l, taken: 297} // 3, 4, 5
	b := line{last: newLine().push(9).push(3).push(4).push(5), taken: 1}
	c := line{last: newLine().push(9).push(3).push(4).push(6), taken: 1}
	if a.last.value != 5 || !a.equal(b) || a.hash() != b.hash() || a.equal(c) || a.hash() == c.hash() {
		t.Errorf("%d %d: equal %v, %v, hashes %x %x %x", a.last.value, b.last.value, a.equal(b), a.equal(c), a.hash(), b.hash(), c.hash())
	}
}
