package report

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// longestValue is how many bytes of a value a page carries.
	longestValue = 200
	// packedViolations is the most violations that can be gone through on a page.
	packedViolations = 500
	// packedFaults is the most faults that a page draws.
	packedFaults = 2000
	// packedReigns is the most changes of leadership that a page draws.
	packedReigns = 5000
)

// payload is what the page's script draws. Every text in it is short and visible.
// Times are nanoseconds since the run's start.
type payload struct {
	// Total counts the operations of the history, of which Ops may be a part.
	Total int   `json:"total"`
	End   int64 `json:"end"`
	// Started is the run's start in milliseconds since 1970, 0 if nobody knows.
	Started    int64             `json:"started"`
	Nodes      []string          `json:"nodes"`
	Kinds      []string          `json:"kinds"`
	Keys       []string          `json:"keys"`
	Shards     []string          `json:"shards,omitempty"` // of each key
	Values     []string          `json:"values"`
	Errors     []string          `json:"errors"`
	Ops        packedOperations  `json:"ops"`
	Faults     []packedFault     `json:"faults"`
	Leaders    []packedReign     `json:"leaders"`
	Violations []packedViolation `json:"violations"`
	Logs       *packedLogs       `json:"logs,omitempty"`
}

// packedOperations holds a column for each member of an operation. Calls and IDs are
// written as the difference to the one before.
type packedOperations struct {
	ID      []int64 `json:"id"`
	Call    []int64 `json:"call"`
	Took    []int64 `json:"took"` // -1 if it never returned
	Client  []int   `json:"client"`
	Node    []int   `json:"node"`
	Kind    []int   `json:"kind"`
	Key     []int   `json:"key"`
	Value   []int   `json:"value"` // -1 for none
	Outcome []int   `json:"outcome"`
	Status  []int   `json:"status"`
	Error   []int   `json:"error"` // -1 for none
	// These hold what few operations have, by their index.
	Expected map[int]string `json:"expected,omitempty"`
	Defect   map[int]string `json:"defect,omitempty"`
	Final    []int          `json:"final,omitempty"`
}

type packedFault struct {
	Fault   string `json:"fault"`
	Title   string `json:"title"`
	Targets []int  `json:"targets"`
	Start   int64  `json:"start"`
	End     int64  `json:"end"`
}

type packedReign struct {
	Shard  string `json:"shard,omitempty"`
	At     int64  `json:"at"`
	Leader int    `json:"leader"` // -1 for nobody
	Term   int64  `json:"term"`
}

type packedViolation struct {
	Rule     string `json:"rule"`
	Key      string `json:"key"`
	Sentence string `json:"sentence"`
	At       int64  `json:"at"`
	// Ops are the proof's operations, Shows the one at which it shows, or -1.
	Ops   []int `json:"ops"`
	Shows int   `json:"shows"`
}

// dictionary numbers texts by their first appearance.
type dictionary struct {
	number map[string]int
	texts  []string
	limit  int
}

func newDictionary(limit int) *dictionary {
	return &dictionary{number: make(map[string]int), texts: []string{}, limit: limit}
}

func (d *dictionary) of(text string) int {
	n, ok := d.number[text]
	if !ok {
		n = len(d.texts)
		d.number[text] = n
		d.texts = append(d.texts, inline(text, d.limit))
	}
	return n
}

// pack prepares what the script draws of a history; nil if nothing was recorded.
func pack(p *Page, limit int) *payload {
	h := p.History
	if h == nil || len(h.Operations) == 0 {
		return nil
	}
	out := &payload{Total: len(h.Operations), End: int64(runEnd(h)), Violations: []packedViolation{}, Faults: []packedFault{}, Leaders: []packedReign{}}
	if !h.Started.IsZero() {
		out.Started = h.Started.UnixMilli()
	}
	for k := history.Get; k <= history.Append; k++ {
		out.Kinds = append(out.Kinds, k.String())
	}
	nodes := newDictionary(24)
	for _, n := range h.Nodes {
		nodes.of(n)
	}
	index := out.operations(h, kept(h, p.Verdict, limit), nodes)
	for i := range h.Faults[:min(len(h.Faults), packedFaults)] {
		f := &h.Faults[i]
		q := packedFault{Fault: inline(f.Fault, 24), Title: faultTitle(f), Targets: []int{}, Start: int64(f.Start), End: int64(max(f.Start, f.End))}
		for _, n := range f.Targets {
			q.Targets = append(q.Targets, nodes.of(n))
		}
		out.Faults = append(out.Faults, q)
	}
	shards, events := leadersByShard(h)
	for _, s := range shards {
		for _, l := range events[s] {
			q := packedReign{Shard: inline(s, 24), At: int64(l.At), Leader: -1, Term: l.Term}
			if l.Leader != "" {
				q.Leader = nodes.of(l.Leader)
			}
			if len(out.Leaders) < packedReigns {
				out.Leaders = append(out.Leaders, q)
			}
		}
	}
	if p.Verdict != nil {
		for i := range p.Verdict.Violations[:min(len(p.Verdict.Violations), packedViolations)] {
			x := &p.Verdict.Violations[i]
			q := packedViolation{Rule: inline(string(x.Rule), 80), Key: inline(x.Key, 60), Sentence: visible(shorten(x.Sentence, 600)), Ops: []int{}, Shows: -1, At: int64(proofTime(x).to)}
			bad := culprit(x)
			for j := range x.Operations {
				at, ok := index[x.Operations[j].ID]
				if !ok {
					continue
				}
				q.Ops = append(q.Ops, at)
				if j == bad {
					q.Shows, q.At = at, int64(known(&x.Operations[j]))
				}
			}
			out.Violations = append(out.Violations, q)
		}
	}
	out.Logs = mergeLogs(p, nodes)
	out.Nodes = nodes.texts
	for i, n := range out.Nodes {
		if n == "" {
			out.Nodes[i] = nodeName("")
		}
	}
	return out
}

// operations packs the operations of a history, and returns their indexes by ID.
func (p *payload) operations(h *history.History, keep []int, nodes *dictionary) map[int64]int {
	keys, values, errors := newDictionary(longestValue), newDictionary(longestValue), newDictionary(longestValue)
	c := &p.Ops
	for _, column := range []*[]int64{&c.ID, &c.Call, &c.Took} {
		*column = make([]int64, 0, len(keep))
	}
	for _, column := range []*[]int{&c.Client, &c.Node, &c.Kind, &c.Key, &c.Value, &c.Outcome, &c.Status, &c.Error} {
		*column = make([]int, 0, len(keep))
	}
	c.Defect, c.Expected = make(map[int]string), make(map[int]string)
	index := make(map[int64]int, len(keep))
	var id int64
	var call time.Duration
	for at, i := range keep {
		o := &h.Operations[i]
		index[o.ID] = at
		c.ID, c.Call = append(c.ID, o.ID-id), append(c.Call, int64(o.Call-call))
		id, call = o.ID, o.Call
		took, value, failure := int64(-1), -1, -1
		if o.Outcome != history.Unknown {
			took = int64(max(o.Return-o.Call, 0))
		}
		if o.Present || !o.Kind.Reads() && o.Kind != history.Delete {
			value = values.of(o.Value)
		}
		if o.Error != "" {
			failure = errors.of(o.Error)
		}
		c.Took, c.Value, c.Error = append(c.Took, took), append(c.Value, value), append(c.Error, failure)
		c.Client, c.Node = append(c.Client, o.Client), append(c.Node, nodes.of(o.Node))
		c.Kind, c.Key = append(c.Kind, int(o.Kind)), append(c.Key, keys.of(o.Key))
		c.Outcome, c.Status = append(c.Outcome, int(o.Outcome)), append(c.Status, o.Status)
		if o.Defect != "" {
			c.Defect[at] = visible(shorten(o.Defect, longestValue))
		}
		if o.Kind == history.Cas {
			c.Expected[at] = inline(o.Expected, longestValue)
		}
		if o.Final {
			c.Final = append(c.Final, at)
		}
	}
	if len(h.Shards) > 0 {
		p.Shards = make([]string, len(keys.texts))
		for key, n := range keys.number {
			p.Shards[n] = shardOf(h, key)
		}
	}
	p.Keys, p.Values, p.Errors = keys.texts, values.texts, errors.texts
	return index
}

// writePacked writes data into a page, compressed, in a script block that no browser runs.
func writePacked(w io.Writer, id string, write func(io.Writer) error) error {
	if _, err := fmt.Fprintf(w, "<script type=\"text/plain\" id=%q>", id); err != nil {
		return err
	}
	text := base64.NewEncoder(base64.StdEncoding, w)
	packed := gzip.NewWriter(text)
	if err := write(packed); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	if err := text.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "</script>\n")
	return err
}

func (p *payload) embed(w io.Writer) error {
	return writePacked(w, "data", func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
}

func (p *picture) embed(w io.Writer) error {
	return writePacked(w, "picture-data", func(w io.Writer) error { _, err := io.Copy(w, strings.NewReader(p.Document)); return err })
}
