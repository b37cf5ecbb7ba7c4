package models

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// operated lets clients operate, one operation after the other each, on an
// object that answers correctly. One operation in so many stays unanswered;
// 0 is none.
func operated(n, clients, unknown int, answer func(r *rand.Rand, i int, o *history.Operation)) []history.Operation {
	r := rand.New(rand.NewPCG(1, 2))
	type timed struct {
		history.Operation
		moment time.Duration
	}
	var all []timed
	next := clients
	for c := range clients {
		now, client := time.Duration(r.IntN(1000)), c
		for range n / clients {
			o := timed{Operation: history.Operation{Client: client, Key: "x", Call: now, Outcome: history.OK}}
			o.Return = now + time.Duration(100+r.IntN(1000))
			o.moment = o.Call + time.Duration(r.Int64N(int64(o.Return-o.Call)))
			now = o.Return + time.Duration(r.IntN(100))
			if unknown > 0 && r.IntN(unknown) == 0 {
				o.Outcome = history.Unknown
				client, next = next, next+1
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b timed) int { return cmp.Compare(a.moment, b.moment) })
	ops := make([]history.Operation, len(all))
	for i := range all {
		ops[i] = all[i].Operation
		ops[i].ID = int64(i)
		answer(r, i, &ops[i])
	}
	return ops
}

func operatedCas(n, unknown, values int) []history.Operation {
	now := ""
	return operated(n, 5, unknown, func(r *rand.Rand, i int, o *history.Operation) {
		value := fmt.Sprint("v", i)
		if values > 0 {
			value = fmt.Sprint("v", r.IntN(values))
		}
		switch r.IntN(4) {
		case 0:
			o.Kind, o.Value, now = history.Put, value, value
		case 1:
			o.Kind, o.Expected, o.Value = history.Cas, now, value
			if r.IntN(3) == 0 || now == "" {
				if o.Expected = "none"; o.Outcome == history.OK {
					o.Outcome = history.Failed
				}
				return
			}
			now = value
		default:
			o.Kind, o.Value, o.Present = history.Get, now, now != ""
		}
	})
}

func operatedQueue(n, unknown, values int) []history.Operation {
	var held []string
	return operated(n, 5, unknown, func(r *rand.Rand, i int, o *history.Operation) {
		if r.IntN(2) == 0 {
			o.Kind, o.Value = history.Enqueue, fmt.Sprint("v", i)
			if values > 0 {
				o.Value = fmt.Sprint("v", r.IntN(values))
			}
			held = append(held, o.Value)
			return
		}
		o.Kind = history.Dequeue
		if len(held) == 0 {
			return
		}
		if o.Outcome == history.OK {
			o.Present, o.Value = true, held[0]
		}
		held = held[1:]
	})
}

func operatedSet(n, unknown int) []history.Operation {
	var b strings.Builder
	return operated(n, 5, unknown, func(r *rand.Rand, i int, o *history.Operation) {
		growing(r, i, o, &b, history.Add)
	})
}

func operatedList(n, unknown int) []history.Operation {
	var b strings.Builder
	return operated(n, 5, unknown, func(r *rand.Rand, i int, o *history.Operation) {
		growing(r, i, o, &b, history.Append)
	})
}

func growing(r *rand.Rand, i int, o *history.Operation, b *strings.Builder, kind history.Kind) {
	if r.IntN(2) == 0 {
		o.Kind, o.Value = kind, fmt.Sprint("v", i)
		if b.Len() > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, "%q", o.Value)
		return
	}
	o.Kind, o.Value, o.Present = history.Get, "["+b.String()+"]", true
}

func operatedText(n, unknown int) []history.Operation {
	var b strings.Builder
	return operated(n, 5, unknown, func(r *rand.Rand, i int, o *history.Operation) {
		if r.IntN(2) == 0 {
			o.Kind, o.Value = history.Append, fmt.Sprintf("x %d %d y", o.Client, i)
			b.WriteString(o.Value)
			return
		}
		o.Kind, o.Value, o.Present = history.Get, b.String(), true
	})
}

// BenchmarkKinds judges 10,000 operations by 5 clients on one key.
func BenchmarkKinds(b *testing.B) {
	const n = 10_000
	for _, bc := range []struct {
		name, model string
		ops         func(unknown int) []history.Operation
	}{
		{"cas-register/unique", "cas-register", func(u int) []history.Operation { return operatedCas(n, u, 0) }},
		{"cas-register/five-values", "cas-register", func(u int) []history.Operation { return operatedCas(n, u, 5) }},
		{"queue/unique", "queue", func(u int) []history.Operation { return operatedQueue(n, u, 0) }},
		{"queue/hundred-values", "queue", func(u int) []history.Operation { return operatedQueue(n, u, 100) }},
		{"set", "set", func(u int) []history.Operation { return operatedSet(n, u) }},
		{"append/list", "append", func(u int) []history.Operation { return operatedList(n, u) }},
		{"append/text", "append", func(u int) []history.Operation { return operatedText(n, u) }},
	} {
		for _, unknown := range []int{0, 1000, 50} {
			h := &history.History{Header: history.Header{Model: bc.model}, Operations: bc.ops(unknown)}
			for _, engine := range []Engine{EngineAuto, EnginePorcupine} {
				b.Run(fmt.Sprintf("%s/unknown=1in%d/%s", bc.name, unknown, engine), func(b *testing.B) {
					for b.Loop() {
						v, err := Check(b.Context(), h, Options{Engine: engine, Timeout: 10 * time.Second, Memory: 2 << 30})
						if err != nil || v.Status == Invalid {
							b.Fatalf("%+v, %v", v, err)
						}
						if v.Status == Unknown {
							b.Skip(v.Reason)
						}
					}
				})
			}
		}
	}
}
