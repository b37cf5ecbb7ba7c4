package netsim

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// routes are what the benchmarks compare.
var routes = []struct {
	name    string
	relayed bool
}{{"direct", false}, {"relayed", true}}

// dialRoute connects to a server that does this with each connection.
func dialRoute(b *testing.B, relayed bool, serve func(net.Conn)) net.Conn {
	b.Helper()
	addr := serveTCP(b, serve)
	if relayed {
		l := newLink(b, newNetwork(b), "n1", "n2")
		up(b, l, addr)
		addr = l.Addr()
	}
	return dial(b, addr)
}

// BenchmarkRelayThroughput writes 64 KiB at a time.
func BenchmarkRelayThroughput(b *testing.B) {
	for _, route := range routes {
		b.Run(route.name, func(b *testing.B) {
			conn := dialRoute(b, route.relayed, func(c net.Conn) {
				_, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c})
				_, _ = c.Write([]byte("."))
			})
			piece := make([]byte, 64<<10)
			b.SetBytes(int64(len(piece)))
			for b.Loop() {
				if _, err := conn.Write(piece); err != nil {
					b.Fatal(err)
				}
			}
			// What is under way counts as well.
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(conn, piece[:1]); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRelayLatency sends 128 bytes there and back.
func BenchmarkRelayLatency(b *testing.B) {
	for _, route := range routes {
		b.Run(route.name, func(b *testing.B) {
			conn := dialRoute(b, route.relayed, func(c net.Conn) { _, _ = io.Copy(c, struct{ io.Reader }{c}) })
			message := make([]byte, 128)
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if _, err := conn.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn, message); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
