package report

import (
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

// listedLosses is the most losses of the leader that the table shows.
const listedLosses = 50

// AvailabilityLine tells when writes were acknowledged in one line, for a terminal. It
// is empty if a is nil or there were no writes.
func AvailabilityLine(a *models.Availability) string {
	if a == nil || a.Writes == 0 {
		return ""
	}
	line := fmt.Sprintf("writes succeeded in %s of the seconds; longest outage %s", percent(a.Served, a.Seconds), behind(a.LongestOutage))
	all, missed := len(a.Losses), 0
	for i := range a.Losses {
		if a.Losses[i].NextWrite == 0 {
			missed++
		}
	}
	switch all {
	case 0:
		return line
	case 1:
		line += "; 1 loss of the leader, "
	default:
		line += fmt.Sprintf("; %s losses of the leader, ", count(all))
	}
	switch {
	case missed == all:
		return line + "no write afterwards"
	case all == 1:
		return line + "next write after " + behind(a.WorstNextWrite)
	}
	line += fmt.Sprintf("next write after %s (median), %s (worst)", behind(a.MedianNextWrite), behind(a.WorstNextWrite))
	if missed > 0 {
		line += fmt.Sprintf(", after %s of them none", count(missed))
	}
	return line
}

// AvailabilityLines tells when writes were acknowledged, for a terminal: one line for each
// shard, or one for the whole cluster if there are none.
func AvailabilityLines(s *Scenario) []string {
	if len(s.Shards) == 0 {
		if line := AvailabilityLine(s.Availability); line != "" {
			return []string{line}
		}
		return nil
	}
	lines := make([]string, len(s.Shards))
	for i := range lines {
		lines[i] = shardAvailability(&s.Shards[i])
	}
	return lines
}

func shardAvailability(a *models.Availability) string {
	line := AvailabilityLine(a)
	if line == "" {
		line = "no write was called"
	}
	return "shard " + inline(a.Shard, 24) + ": " + line
}

// OutageSentence tells an outage that the contract forbids, without a full stop.
func OutageSentence(o *models.Outage) string {
	from, to, long := seconds(1)(o.From), seconds(1)(o.To), span(o.To-o.From)
	write, majority := "write", "a majority of all nodes"
	if o.Shard != "" {
		write, majority = "write to shard "+inline(o.Shard, 24), "a majority of its nodes"
	}
	if o.Node != "" {
		return fmt.Sprintf("%s acknowledged no %s from %s to %s, although no node had a fault for these %s, and %s tried on it",
			nodeName(o.Node), write, from, to, long, written(o.Writes))
	}
	were, there := "were", "them"
	if len(o.Nodes) == 1 {
		were, there = "was", "it"
	}
	if o.Shard != "" {
		there = "nodes without a fault"
	}
	return fmt.Sprintf("no %s was acknowledged from %s to %s, although %s, %s, %s free of faults for these %s, and %s tried on %s",
		write, from, to, nodeList(o.Nodes), majority, were, long, written(o.Writes), there)
}

func written(n int) string {
	if n == 1 {
		return "1 write was"
	}
	return count(n) + " writes were"
}

type availabilityView struct {
	Facts       []fact
	Shards      []shardRow
	Unavailable string
	Limit       string
	Losses      []lossRow
	More        int
}

type lossRow struct{ At, Fault, Shard, Leader, Next, Successor string }

func (v *view) availability(p *Page) {
	a, shards := p.Availability, p.Shards
	if c := scenarioCheck(p); a == nil && c != nil {
		a, shards = c.Scenario.Availability, c.Scenario.Shards
	}
	if a == nil || a.Writes == 0 {
		return
	}
	out := &availabilityView{Limit: fmt.Sprintf("%.0f s", models.OutageLimit.Seconds())}
	out.Facts = []fact{
		{"Seconds with a write", percent(a.Served, a.Seconds), fmt.Sprintf("%s of %s", count(a.Served), count(a.Seconds))},
		{"Longest outage", behind(a.LongestOutage), fmt.Sprintf("from %s on", seconds(1)(a.LongestAt))},
		{"Losses of the leader", count(len(a.Losses)), ""},
	}
	if a.WorstNextWrite > 0 {
		out.Facts = append(out.Facts, fact{"Next write after a loss", behind(a.MedianNextWrite), "median; worst " + behind(a.WorstNextWrite)})
	}
	for i := range shards {
		out.Shards = append(out.Shards, newShardRow(&shards[i], p.History))
	}
	if a.Unavailable != nil {
		out.Unavailable = capital(OutageSentence(a.Unavailable))
	}
	for i := range a.Losses {
		if i == listedLosses {
			out.More = len(a.Losses) - listedLosses
			break
		}
		out.Losses = append(out.Losses, newLossRow(&a.Losses[i], a.To))
	}
	v.Availability = out
}

// newLossRow tells a loss of the leader; clients ended at the time end.
func newLossRow(l *models.LeaderLoss, end time.Duration) lossRow {
	row := lossRow{At: seconds(3)(l.At), Fault: inline(l.Fault, 60), Shard: inline(l.Shard, 24), Leader: nodeName(l.Leader), Successor: nodeName(l.NextLeader)}
	if row.Next = "none in " + behind(max(0, end-l.At)); l.NextWrite > 0 {
		row.Next = behind(l.NextWrite)
	}
	switch l.NextLeader {
	case "":
		row.Successor = "nobody"
	case l.Leader:
		row.Successor += ", as before"
	}
	return row
}
