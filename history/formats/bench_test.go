package formats

import (
	"bytes"
	"fmt"
	"testing"
)

// large is a Jepsen history of n operations on registers by key.
func large(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		p, k := i%10, i%100
		fmt.Fprintf(&b, "{:type :invoke, :f :write, :value [%d %d], :process %d, :time %d, :index %d}\n", k, i, p, 2*i*1000, 2*i)
		fmt.Fprintf(&b, "{:type :ok, :f :write, :value [%d %d], :process %d, :time %d, :index %d}\n", k, i, p, 2*i*1000+1000, 2*i+1)
	}
	return b.Bytes()
}

func BenchmarkReadEDN(b *testing.B) {
	data := large(100_000)
	b.Run("plain", func(b *testing.B) { readAll(b, data, data) })
	b.Run("gzip", func(b *testing.B) { readAll(b, data, gzipped(b, data)) })
	b.Run("zstd", func(b *testing.B) { readAll(b, data, zstded(b, data)) })
}

func readAll(b *testing.B, plain, packed []byte) {
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		h, _, err := Read(b.Context(), bytes.NewReader(packed))
		if err != nil || len(h.Operations) != 100_000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadNativeGzip(b *testing.B) {
	data := native(100_000)
	readAll(b, data, gzipped(b, data))
}
