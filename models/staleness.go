package models

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Staleness tells how old the values were that the reads of a run returned.
//
// Every figure is a lower bound, and certain: whatever moments the operations
// took effect at between their calls and their returns, the reads were at least
// that stale. It measures and never judges. Models like eventual allow all of it.
type Staleness struct {
	// Overall is about all nodes together; its Node is empty.
	Overall ReadStaleness `json:"overall"`
	// Nodes are about the reads through one node each: the nodes that the
	// history names, in its order, then any others that were read.
	Nodes []ReadStaleness `json:"nodes"`
	// NotJudged counts answered reads of which nothing certain can be said: they
	// found nothing, and a delete may be why; or no put, or more than one, wrote
	// what they returned; or the history breaks off before what explains them.
	NotJudged int `json:"not_judged"`
	// RepeatedKeys counts keys on which a value was put more than once. Their
	// reads name no write, so all of them are among NotJudged.
	RepeatedKeys int `json:"repeated_keys"`
}

// ReadStaleness sums up reads: answered ones, other than those after healing.
type ReadStaleness struct {
	// Node is the ID of the node that was asked.
	Node string `json:"node,omitempty"`
	// Reads is how many were measured. All other figures are about these.
	Reads int `json:"reads"`
	// Stale is how many returned what had surely been replaced before they were called.
	Stale int `json:"stale"`
	// StaleShare is Stale / Reads, from 0 to 1; 0 if there are no reads.
	StaleShare float64 `json:"share_stale"`
	// Time is for how long it had been replaced, in nanoseconds, when the read was called.
	Time Spread[time.Duration] `json:"behind_ns"`
	// Versions is how many writes had surely come after it by then; deletes count.
	Versions Spread[int] `json:"behind_versions"`
	// WentBackwards counts reads that returned something older than what the same
	// client had read before through the same node: monotonic reads would forbid it.
	WentBackwards int `json:"went_backwards"`
	// MissedOwnWrite counts reads that returned something older than what the same
	// client had written before, acknowledged, through any node: read your writes
	// would forbid it. After an unknown outcome, a client counts as another one.
	MissedOwnWrite int `json:"missed_own_write"`
}

// Spread is how a figure spreads over all measured reads. Reads that were not
// stale count as 0. Percentiles are by nearest rank, so each is some read's.
type Spread[T cmp.Ordered] struct {
	Median T `json:"median"`
	P99    T `json:"p99"`
	Worst  T `json:"worst"`
}

// MeasureStaleness measures the reads of a history of gets, puts and deletes,
// under whatever model it was recorded. It takes O(n log n) time for n
// operations. The error is a *KindError, or ctx's.
func MeasureStaleness(ctx context.Context, h *history.History) (Staleness, error) {
	if err := ctx.Err(); err != nil {
		return Staleness{}, fmt.Errorf("measure staleness: %w", err)
	}
	c, err := newCheck(h, Options{})
	if err != nil {
		return Staleness{}, fmt.Errorf("measure staleness: %w", err)
	}
	model := eventual()
	if err := model.knows(c.kinds); err != nil {
		return Staleness{}, fmt.Errorf("measure staleness: %w", err)
	}
	nodes, numbers, reads := readNodes(h)
	// What a broken-off file lost may hold the delete that an absent read saw.
	complete := !h.Truncated || h.Settled > 0
	lags := make([][]lag, len(c.keys))
	c.parallel(func(i int) {
		if k := c.keys[i]; k.unique {
			lags[i] = measure(ctx, k, numbers, complete)
		}
	})
	if err := ctx.Err(); err != nil {
		return Staleness{}, fmt.Errorf("measure staleness: %w", err)
	}
	s := sumUp(nodes, lags)
	s.NotJudged = reads - s.Overall.Reads
	for _, k := range c.keys {
		if !k.unique {
			s.RepeatedKeys++
		}
	}
	return s, nil
}

// readNodes returns the nodes that the history names and those that were read,
// their numbers, and how many reads there are to be measured.
func readNodes(h *history.History) (nodes []string, numbers map[string]int, reads int) {
	numbers = make(map[string]int, len(h.Nodes))
	number := func(node string) {
		if _, ok := numbers[node]; !ok {
			numbers[node] = len(nodes)
			nodes = append(nodes, node)
		}
	}
	for _, node := range h.Nodes {
		number(node)
	}
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Kind == history.Get {
			number(o.Node)
		}
		if ordinaryRead(o) {
			reads++
		}
	}
	return nodes, numbers, reads
}

// lag is how far one read was behind.
type lag struct {
	id        int64 // of the read
	node      int
	time      time.Duration
	versions  int
	backwards bool
	ownMissed bool
}

func sumUp(nodes []string, lags [][]lag) Staleness {
	sums := make([]sum, len(nodes))
	for _, key := range lags {
		for i := range key {
			sums[key[i].node].add(&key[i])
		}
	}
	var all sum
	s := Staleness{Nodes: make([]ReadStaleness, len(nodes))}
	for i := range sums {
		s.Nodes[i] = sums[i].conclude(nodes[i])
		all.merge(&sums[i])
	}
	s.Overall = all.conclude("")
	return s
}

// ordinaryRead reports whether a read was answered while clients were at work.
func ordinaryRead(o *history.Operation) bool {
	return o.Kind == history.Get && o.Outcome == history.OK && !o.Final
}

// sum collects reads; those that were not stale need no place in its lists.
type sum struct {
	ReadStaleness
	times    []time.Duration
	versions []int
}

func (s *sum) add(l *lag) {
	s.Reads++
	if l.versions > 0 {
		s.times, s.versions = append(s.times, l.time), append(s.versions, l.versions)
	}
	if l.backwards {
		s.WentBackwards++
	}
	if l.ownMissed {
		s.MissedOwnWrite++
	}
}

func (s *sum) merge(other *sum) {
	s.Reads += other.Reads
	s.WentBackwards += other.WentBackwards
	s.MissedOwnWrite += other.MissedOwnWrite
	s.times, s.versions = append(s.times, other.times...), append(s.versions, other.versions...)
}

func (s *sum) conclude(node string) ReadStaleness {
	s.Node, s.Stale = node, len(s.times)
	if s.Reads > 0 {
		s.StaleShare = float64(s.Stale) / float64(s.Reads)
	}
	s.Time, s.Versions = spread(s.times, s.Reads), spread(s.versions, s.Reads)
	return s.ReadStaleness
}

// spread sorts the figures that are not 0, of so many in all.
func spread[T cmp.Ordered](figures []T, all int) Spread[T] {
	slices.Sort(figures)
	percentile := func(percent int) T {
		var zero T
		rank := (all*percent + 99) / 100
		if i := rank - 1 - (all - len(figures)); i >= 0 {
			return figures[i]
		}
		return zero
	}
	return Spread[T]{Median: percentile(50), P99: percentile(99), Worst: percentile(100)}
}
