package report

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// busy is a run of so many operations by 15 clients on five nodes with faults and changes of
// leadership, and the log of each node, in folder; as large as a page has to bear.
func busy(tb testing.TB, operations, lines int, folder string) Page {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	h := &history.History{Header: history.Header{
		Challenge: "kv-store", Stage: "strong-consistency", Scenario: "hot-keys", Model: "linearizable", Seed: 1,
		Nodes: []string{"n1", "n2", "n3", "n4", "n5"}, Started: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	}}
	const clients = 15
	free, number, next := make([]time.Duration, clients), make([]int, clients), clients
	for c := range number {
		number[c] = c
	}
	last := make(map[string]string)
	for i := range operations {
		c := i % clients
		key := fmt.Sprintf("k%d", random.IntN(200))
		o := history.Operation{ID: int64(i), Client: number[c], Node: h.Nodes[random.IntN(5)], Key: key, Call: free[c], Outcome: history.OK, Status: 200}
		o.Return = o.Call + time.Duration(float64(2*ms)*(0.3+random.ExpFloat64()))
		if o.Kind = history.Get; random.IntN(2) == 0 {
			o.Kind, o.Value = history.Put, fmt.Sprintf("c%d-%d", c, i)
			last[key] = o.Value
		} else {
			o.Value, o.Present = last[key], last[key] != ""
		}
		switch random.IntN(40) {
		case 0:
			o.Outcome, o.Status, o.Error = history.Unknown, 0, "read tcp 127.0.0.1:4242: connection reset by peer"
			number[c], next = next, next+1
		case 1:
			o.Outcome, o.Status, o.Error = history.Failed, 0, "connection refused"
		}
		free[c] = o.Return + time.Duration(random.IntN(int(ms)))
		h.Operations = append(h.Operations, o)
	}
	end := free[0]
	for at := time.Second; at < end; at += 4 * time.Second {
		node := h.Nodes[random.IntN(5)]
		h.Faults = append(h.Faults, history.FaultEvent{Fault: "kill", Targets: []string{node}, Start: at, End: at + 2*time.Second, Hits: 3})
		h.Leaders = append(h.Leaders, history.LeaderEvent{At: at, Leader: h.Nodes[random.IntN(5)], Term: int64(at / time.Second)})
	}
	v, err := models.Check(tb.Context(), h, models.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	p := Page{History: h, Verdict: &v}
	for _, node := range h.Nodes {
		path := filepath.Join(folder, node+".log")
		f, err := os.Create(path)
		if err != nil {
			tb.Fatal(err)
		}
		for i := range lines {
			at := h.Started.Add(time.Duration(float64(end) * float64(i) / float64(lines)))
			fmt.Fprintf(f, "%s raft: appended entries index=%d term=%d peer=n%d took=%dµs\n", at.Format("2006-01-02T15:04:05.000Z07:00"), i, i/1000, random.IntN(5), random.IntN(10_000))
		}
		if err := f.Close(); err != nil {
			tb.Fatal(err)
		}
		p.Logs = append(p.Logs, NodeLog{Node: node, Path: path})
	}
	return p
}

func BenchmarkWriteHTML(b *testing.B) {
	p := busy(b, 100_000, 50_000, b.TempDir())
	var size counter
	for b.Loop() {
		size = 0
		if err := WriteHTML(b.Context(), &size, p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB/page")
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = new(counter)
