package report

import (
	"fmt"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// ShardLine tells where a key lives, as in "k7 lives in shard s2 (n4, n5 and n6)". It is
// empty if the history does not know.
func ShardLine(h *history.History, key string) string {
	shard := shardOf(h, key)
	if shard == "" {
		return ""
	}
	line := quote(key, 100) + " lives in shard " + shard
	if nodes := h.Group(h.Shards[key]); len(nodes) > 0 {
		line += " (" + nodeList(nodes) + ")"
	}
	return line
}

// shardOf is the shard of a key on one line, empty if nobody knows it.
func shardOf(h *history.History, key string) string {
	if h == nil {
		return ""
	}
	return inline(h.Shards[key], 24)
}

// inShard adds the shard of a key to a text, if it is known.
func inShard(text string, h *history.History, key string) string {
	if shard := shardOf(h, key); shard != "" {
		return text + " in shard " + shard
	}
	return text
}

// nodeList names nodes, as in "n4, n5 and n6".
func nodeList(nodes []string) string {
	names := make([]string, min(len(nodes), listedNodes))
	for i := range names {
		names[i] = nodeName(nodes[i])
	}
	if more := len(nodes) - listedNodes; more > 0 {
		names = append(names, count(more)+" more")
	}
	if last := len(names) - 1; last > 0 {
		names = append(names[:last-1], names[last-1]+" and "+names[last])
	}
	return strings.Join(names, ", ")
}

// shardRow is what a table tells of one shard.
type shardRow struct{ Shard, Nodes, Writes, Acknowledged, Served, Outage, Losses, Next, Worst string }

func newShardRow(a *models.Availability, h *history.History) shardRow {
	row := shardRow{Shard: inline(a.Shard, 24), Writes: count(a.Writes), Losses: count(len(a.Losses)), Next: "–", Worst: "–"}
	if h != nil {
		row.Nodes = nodeList(h.Group(a.Shard))
	}
	if a.Writes == 0 {
		row.Acknowledged, row.Served, row.Outage = "–", "–", "–"
		return row
	}
	row.Acknowledged, row.Served = percent(a.Acknowledged, a.Writes), percent(a.Served, a.Seconds)
	row.Outage = fmt.Sprintf("%s, from %s on", behind(a.LongestOutage), seconds(1)(a.LongestAt))
	if a.WorstNextWrite > 0 {
		row.Next, row.Worst = behind(a.MedianNextWrite), behind(a.WorstNextWrite)
	}
	return row
}
