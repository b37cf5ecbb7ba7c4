package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func TestTheVerdictSaysWhichEngineDecided(t *testing.T) {
	unique := "put x a 0 10\nget x a 20 30"
	repeated := "put y a 0 10\nput y a 20 30\nget y a 40 50"
	for _, tc := range []struct {
		name, h string
		engine  Engine
		want    string
	}{
		{"unique values are decided by rules", unique, EngineAuto, "rules"},
		{"repeated values by porcupine", repeated, EngineAuto, "porcupine"},
		{"each key by what fits it", unique + "\n" + repeated, EngineAuto, "rules, porcupine"},
		{"everything by porcupine if that was asked for", unique, EnginePorcupine, "porcupine"},
		{"by both if that was asked for", unique, EngineBoth, "rules and porcupine"},
		{"a violation by both", unique + "\nget x - 40 50", EngineBoth, "rules and porcupine"},
	} {
		v, err := Check(context.Background(), parse(t, tc.h), Options{Engine: tc.engine})
		if err != nil || v.Engine != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.name, v.Engine, err, tc.want)
		}
	}
}

func TestAnUnknownEngineIsAnError(t *testing.T) {
	if _, err := Check(context.Background(), parse(t, "put x a 0 10"), Options{Engine: "fast"}); err == nil {
		t.Error("it was accepted")
	}
}

// Rules that are wrong on purpose: each must be told from a verdict.
func TestADisagreementOfTheEnginesIsAnError(t *testing.T) {
	legal := "put x a 0 10\nget x a 20 30"
	illegal := "put x a 0 10\nput x b 20 30\nget x a 40 50"
	nothing := func(*keyHistory) (*finding, bool) { return nil, true }
	something := func(k *keyHistory) (*finding, bool) {
		return &finding{rule: RuleStaleRead, ops: pointers(k.ops), sentence: "It is stale."}, true
	}
	for _, tc := range []struct {
		name, h string
		rules   func(*keyHistory) (*finding, bool)
		engine  Engine
	}{
		{"rules that miss a violation", illegal, nothing, EngineBoth},
		{"rules that see one where there is none", legal, something, EngineBoth},
		{"a proof that is legal on its own, also without being asked for both", legal, something, EngineAuto},
	} {
		l := *linearizable().local
		l.rules = tc.rules
		h := parse(t, tc.h)
		_, _, err := l.judge(context.Background(), keyOf(h), tc.engine)
		var disagreement *DisagreementError
		if !errors.As(err, &disagreement) || !strings.Contains(err.Error(), "defect of lsfr") {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}

// keyOf is the evidence on the one key of a history.
func keyOf(h *history.History) *keyHistory {
	var ops []*history.Operation
	for i := range h.Operations {
		ops = append(ops, &h.Operations[i])
	}
	return evidence(h.Operations[0].Key, ops)
}

// hard is a legal or illegal history that rules do not decide, and porcupine not quickly.
func hard() *history.History {
	h := &history.History{Header: history.Header{Model: "linearizable"}}
	add := func(kind history.Kind, value int, call, ret time.Duration) {
		h.Operations = append(h.Operations, history.Operation{
			ID: int64(len(h.Operations)), Client: len(h.Operations), Key: "x", Kind: kind, Value: fmt.Sprint("v", value), Present: kind == history.Get,
			Call: call, Return: ret, Outcome: history.OK,
		})
	}
	for i := range 40 {
		add(history.Put, i, 0, 1000)
		add(history.Put, i, 0, 1000)
		add(history.Get, i, 0, 1000)
		for range 3 {
			add(history.Get, i, 2000, 3000)
		}
	}
	return h
}

func TestBothEnginesFallBackToTheRulesWithAWarning(t *testing.T) {
	// Unique values, many at once: easy for the rules, too much for a search.
	h := &history.History{Header: history.Header{Model: "linearizable"}}
	for i := range 3000 {
		kind := history.Put
		if i%2 == 1 {
			kind = history.Get
		}
		h.Operations = append(h.Operations, history.Operation{
			ID: int64(i), Client: i, Key: "x", Kind: kind, Value: fmt.Sprint("v", i/2), Present: kind == history.Get,
			Call: time.Duration(i % 2), Return: 1_000_000, Outcome: history.OK,
		})
	}
	v, err := Check(context.Background(), h, Options{Engine: EngineBoth, Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != Valid || v.Engine == byRules && len(v.Warnings) != 1 {
		t.Errorf("got %s by %s, warnings %q", v.Status, v.Engine, v.Warnings)
	}
}

func TestACheckThatRunsOutOfMemoryIsUnknownAndTellsWhatTheRestShowed(t *testing.T) {
	h := hard()
	easy := parse(t, "put y a 0 10\nget y a 20 30")
	for i := range easy.Operations {
		easy.Operations[i].ID += 1000
	}
	h.Operations = append(h.Operations, easy.Operations...)
	// The process holds more than this already, so that no search gets anywhere.
	v, err := Check(context.Background(), h, Options{Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != Unknown || len(v.Undecided) != 1 || v.Undecided[0].Key != "x" || v.Undecided[0].Reason != "memory ran out" {
		t.Fatalf("got %+v", v)
	}
	for _, want := range []string{"memory ran out", `"x"`, "240 operations", "no violation on the other 1"} {
		if !strings.Contains(v.Reason, want) {
			t.Errorf("%q is missing from %q", want, v.Reason)
		}
	}
}

func TestACancelledCheckReturnsTheContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, hard(), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAModelRefusesKindsThatItDoesNotKnow(t *testing.T) {
	h := parse(t, "put x a 0 10\nget x a 20 30")
	h.Operations = append(h.Operations, history.Operation{ID: 7, Key: "x", Kind: history.Enqueue, Value: "b", Outcome: history.OK, Call: 40, Return: 50})
	_, err := Check(context.Background(), h, Options{})
	var kind *KindError
	if !errors.As(err, &kind) || kind.Operation != 7 || kind.Kind != history.Enqueue {
		t.Fatalf("got %v", err)
	}
	if _, err := CheckAll(context.Background(), h, Options{}); !errors.As(err, &kind) {
		t.Errorf("all models: got %v", err)
	}
}
