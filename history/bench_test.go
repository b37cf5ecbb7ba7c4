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

// large is a history of n operations.
func large(n int) *History {
	h := complete()
	h.Operations = make([]Operation, n)
	for i := range h.Operations {
		at := time.Duration(i) * time.Microsecond
		h.Operations[i] = Operation{
			ID: int64(i), Client: i % 10, Node: "n1", Kind: Put, Key: fmt.Sprintf("k%d.%d", i/1000, i%3),
			Value: fmt.Sprintf("c%d-%d", i%10, i), Call: at, Return: at + 9*time.Microsecond, Outcome: OK, Status: 200,
		}
	}
	return h
}

func BenchmarkEncode100000Operations(b *testing.B) {
	h := large(100_000)
	b.SetBytes(int64(len(encode(b, h))))
	for b.Loop() {
		if err := Encode(io.Discard, h); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		document := encode(b, large(n))
		for _, source := range []struct {
			name string
			open func() io.Reader
		}{
			{"of a known size", func() io.Reader { return bytes.NewReader(document) }},
			{"as a stream", func() io.Reader { return io.MultiReader(bytes.NewReader(document)) }},
		} {
			b.Run(fmt.Sprintf("%d operations %s", n, source.name), func(b *testing.B) {
				b.SetBytes(int64(len(document)))
				b.ReportAllocs()
				for b.Loop() {
					h, err := Decode(source.open())
					if err != nil || len(h.Operations) != n {
						b.Fatal(len(h.Operations), err)
					}
				}
			})
		}
	}
}

func BenchmarkOverlaps1000000Operations(b *testing.B) {
	for _, order := range []struct {
		name    string
		overlap time.Duration
	}{{"in order", 0}, {"overlapping", time.Millisecond}} {
		h := large(1_000_000)
		h.Operations[500_000].Return += order.overlap
		b.Run(order.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, count := h.Overlaps(); count > 0 != (order.overlap > 0) {
					b.Fatal(count)
				}
			}
		})
	}
}
