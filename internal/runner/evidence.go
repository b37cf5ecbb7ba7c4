package runner

import (
	"fmt"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/report"
)

// A run proves something only if enough of it worked and its faults hit.
const (
	// minWrites and minReads are how many acknowledged writes and answered
	// reads a history needs.
	minWrites, minReads = 50, 50
)

const evidenceHint = "A run in which little succeeded proves nothing, neither good nor bad. Look at the node's log for errors, and at how long your program takes to start and to answer. A longer --duration may help a slow one."

// missingEvidence says what a valid history lacks to prove anything; empty if it is enough.
func (l *live) missingEvidence(h *history.History) string {
	var writes, acked, reads, answered int
	for i := range h.Operations {
		switch o := &h.Operations[i]; {
		case o.Final:
		case o.Kind == history.Get:
			reads++
			if o.Outcome == history.OK {
				answered++
			}
		default:
			writes++
			if o.Outcome == history.OK {
				acked++
			}
		}
	}
	hits := 0
	for _, f := range h.Faults {
		hits += f.Hits
	}
	switch {
	case acked < minWrites:
		return fmt.Sprintf("only %d of %d writes were acknowledged", acked, writes)
	case answered < minReads:
		return fmt.Sprintf("only %d of %d reads were answered", answered, reads)
	case l.unanswered > 0:
		return fmt.Sprintf("%d of %d reads after the last fault got no answer", l.unanswered, l.finalReads)
	case len(h.Faults) < l.minFaults():
		return fmt.Sprintf("only %d of at least %d faults could be injected, because nodes were slow to come back, or nobody led", len(h.Faults), l.minFaults())
	case l.scenario.Disks && !l.wrote():
		return "nothing was written below --working-dir, so a loss of power showed nothing"
	case l.minFaults() > 0 && hits == 0:
		return "no fault came while a write was in flight"
	}
	return idleNode(h)
}

// wrote reports whether every node has written to its disk.
func (l *live) wrote() bool {
	for _, n := range l.cluster.Nodes() {
		if n.DiskStats().Writes == 0 {
			return false
		}
	}
	return true
}

// neverSynced names the nodes that have written and not synced anything, in a sentence;
// empty if there are none.
func (l *live) neverSynced() string {
	var nodes []string
	for _, n := range l.cluster.Nodes() {
		if s := n.DiskStats(); s.Writes > 0 && s.Syncs+s.IdleSyncs+s.FailedSyncs == 0 {
			nodes = append(nodes, n.ID())
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	return "Nothing was ever synced on " + strings.Join(nodes, ", ") + ": no fsync, no fdatasync, no O_SYNC (lsfr cannot see sync and syncfs, and counts neither)."
}

// minAcked is how many acknowledged writes each node of a cluster needs: a node that
// refuses everything proves nothing about itself.
const minAcked = 10

func idleNode(h *history.History) string {
	if len(h.Nodes) == 1 {
		return ""
	}
	writes, acked := make(map[string]int), make(map[string]int)
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind.Writes() {
			writes[o.Node]++
			if o.Outcome == history.OK {
				acked[o.Node]++
			}
		}
	}
	for _, n := range h.Nodes {
		if acked[n] < minAcked {
			return fmt.Sprintf("only %d of %d writes through %s were acknowledged", acked[n], writes[n], n)
		}
	}
	return ""
}

// summary counts what happened.
func (l *live) summary(h *history.History, file string) *report.Scenario {
	s := &report.Scenario{Title: l.scenario.Title, Model: l.scenario.Model, History: file}
	s.OK, s.Failed, s.Unknown = h.Count()
	ok, failed, unknown := l.progress.Counts()
	if total := ok + failed + unknown; total > 0 && l.clientTime > 0 {
		s.Rate = float64(total) / l.clientTime.Seconds()
		s.AckedShare = float64(ok) / float64(total)
		s.JudgingShare = float64(l.judging.Load()) / float64(l.clientTime)
	}
	for _, f := range h.Faults {
		if s.Faults == nil {
			s.Faults = make(map[string]int)
		}
		s.Faults[f.Fault]++
	}
	return s
}
