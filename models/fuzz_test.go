package models

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// fuzzed reads a history of at most eight operations on one key from bytes,
// three for each operation: kind and outcome, value, interval.
func fuzzed(data []byte) []history.Operation {
	var ops []history.Operation
	for i := 0; i+2 < len(data) && len(ops) < 8; i += 3 {
		o := history.Operation{
			ID: int64(len(ops)), Client: len(ops), Key: "x", Kind: history.Kind(data[i] & 3 % 3), Outcome: history.OK,
			Call: time.Duration(data[i+2] & 15), Return: time.Duration(data[i+2]&15 + data[i+2]>>4),
		}
		switch data[i] >> 2 & 7 {
		case 0:
			o.Outcome, o.Return = history.Unknown, 0
		case 1:
			o.Outcome = history.Failed
		}
		if value := data[i+1] & 7; o.Kind == history.Put || o.Kind == history.Get && o.Outcome == history.OK && value > 0 {
			o.Value, o.Present = fmt.Sprint("v", value), o.Kind == history.Get
		}
		ops = append(ops, o)
	}
	return ops
}

// FuzzCheck: rules, pruning and shrinking say what a plain search says, and
// every proof is illegal on its own.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{9, 1, 0x10, 8, 1, 0x20})
	f.Add([]byte{9, 1, 0x10, 9, 2, 0x22, 8, 1, 0x15, 10, 0, 0x41, 8, 0, 0x18})
	f.Add([]byte{9, 1, 0x01, 10, 0, 0xf1, 8, 0, 0x12, 9, 2, 0x14, 8, 0, 0x16})
	f.Fuzz(func(t *testing.T, data []byte) {
		h := &history.History{Header: history.Header{Model: "linearizable"}, Operations: fuzzed(data)}
		v, err := Check(context.Background(), h, Options{Engine: EngineBoth})
		if err != nil {
			t.Fatalf("%v\n%+v", err, h.Operations)
		}
		var answered []history.Operation
		for _, o := range h.Operations {
			if o.Outcome != history.Failed {
				answered = append(answered, o)
			}
		}
		if legal := plainly(&history.History{Operations: answered}); legal != (v.Status != Invalid) {
			t.Fatalf("check says %s, porcupine says legal=%v\n%+v", v.Status, legal, h.Operations)
		}
		for _, violation := range v.Violations {
			proof := &history.History{Header: h.Header, Operations: violation.Operations}
			again, err := Check(context.Background(), proof, Options{})
			if err != nil || again.Status != Invalid {
				t.Fatalf("the proof of a %s is %s on its own, %v\n%+v\n%+v", violation.Rule, again.Status, err, h.Operations, violation.Operations)
			}
		}
	})
}
