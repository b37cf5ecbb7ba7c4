package history

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

// draining drops what was recorded every now and then, so that a benchmark's
// memory does not grow with its length.
func draining(b *testing.B) *Recorder {
	r := NewRecorder(Header{}, nil)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			r.flush()
			r.flushMu.Lock()
			r.ops = r.ops[:0]
			r.flushMu.Unlock()
		}
	}()
	b.Cleanup(func() {
		close(stop)
		<-stopped
		if _, err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

func BenchmarkRecordFromOneGoroutine(b *testing.B) {
	s := draining(b).Session()
	for b.Loop() {
		op := Operation{Kind: Put, Key: "k1.2", Value: "c3-118", Outcome: OK}
		s.Begin(&op)
		s.End(&op)
	}
}

func BenchmarkRecordFromTenGoroutines(b *testing.B) {
	r := draining(b)
	b.SetParallelism((10 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		s := r.Session()
		for pb.Next() {
			op := Operation{Kind: Put, Key: "k1.2", Value: "c3-118", Outcome: OK}
			s.Begin(&op)
			s.End(&op)
		}
	})
}

// large is a history of 100,000 operations.
func large() *History {
	h := complete()
	h.Operations = make([]Operation, 100_000)
	for i := range h.Operations {
		at := time.Duration(i) * time.Microsecond
		h.Operations[i] = Operation{
			ID: int64(i), Client: i % 10, Node: "n1", Kind: Put, Key: fmt.Sprintf("k%d.%d", i/1000, i%3),
			Value: fmt.Sprintf("c%d-%d", i%10, i), Call: at, Return: at + time.Millisecond, Outcome: OK, Status: 200,
		}
	}
	return h
}

func BenchmarkEncode100000Operations(b *testing.B) {
	h := large()
	b.SetBytes(int64(len(encode(b, h))))
	for b.Loop() {
		if err := Encode(io.Discard, h); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode100000Operations(b *testing.B) {
	document := encode(b, large())
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		h, err := Decode(bytes.NewReader(document))
		if err != nil || len(h.Operations) != 100_000 {
			b.Fatal(len(h.Operations), err)
		}
	}
}
