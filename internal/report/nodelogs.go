package report

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// logBudget is how many bytes of all nodes' logs a page carries.
	logBudget = 4 << 20
	// longestLogLine is how many bytes of a line it carries.
	longestLogLine = 400
	// lineCost is what a line costs beside its text.
	lineCost = 24
	// logSlot is the length of the stretches of time that are carried or left out, if
	// there are not more than mostSlots of them.
	logSlot   = 100 * time.Millisecond
	mostSlots = 20_000
	// logMargin is how much before a history's start and after its end lines matter.
	logMargin = time.Second
	// ownPrefix marks the lines that tell what lsfr did to a node.
	ownPrefix = "--- lsfr: "
	stampSize = len("2006-01-02T15:04:05.000")
)

// NodeLog is a node's log. Each line begins with the time at which it was printed, such as
// 2026-11-21T22:50:52.689Z.
type NodeLog struct {
	// Node is the node's ID, Path a file that can be opened.
	Node, Path string
}

// packedLogs are the lines of all nodes in the order of time.
type packedLogs struct {
	T    []int64  `json:"t"` // milliseconds since the run's start, each less the one before
	Node []int    `json:"node"`
	Text []string `json:"text"`
	// Gaps are the indexes of lines before which others were left out, and how many.
	Gaps [][2]int `json:"gaps,omitempty"`
	// LeftOut counts all of these, Notes says what could not be read.
	LeftOut int      `json:"leftOut"`
	Notes   []string `json:"notes,omitempty"`
}

type logLine struct {
	at   int64 // milliseconds
	node int
	text string
}

// logMerge reads logs twice: to see how much was printed when, and to keep what there is room for.
type logMerge struct {
	started int64 // milliseconds since 1970
	from    int64 // milliseconds since the start; slot 0 begins there
	slot    int64 // milliseconds
	size    []int // of each slot, in bytes
	room    []int // of each slot, in bytes
	dropped []int // lines of each slot
	lines   []logLine
}

// mergeLogs merges the nodes' logs during a history, at most budget bytes: those around
// violations first, then those around faults. nil if there are none.
func mergeLogs(p *Page, nodes *dictionary) *packedLogs {
	h := p.History
	if len(p.Logs) == 0 || h.Started.IsZero() {
		return nil
	}
	end := runEnd(h)
	slot := max(logSlot, (end/mostSlots).Truncate(time.Millisecond)+time.Millisecond)
	n := int((end+2*logMargin)/slot) + 1
	m := &logMerge{
		started: h.Started.UnixMilli(), from: -logMargin.Milliseconds(), slot: slot.Milliseconds(),
		size: make([]int, n), dropped: make([]int, n),
	}
	out := &packedLogs{T: []int64{}, Node: []int{}, Text: []string{}}
	readable := make([]bool, len(p.Logs))
	for i, l := range p.Logs {
		err := m.read(l.Path, func(slot int, _ int64, text []byte) { m.size[slot] += len(text) + lineCost })
		if readable[i] = err == nil; err != nil {
			out.Notes = append(out.Notes, visible(shorten(fmt.Sprintf("the log of %s could not be read: %v", nodeName(l.Node), reason(err)), 300)))
		}
	}
	m.share(p)
	for i, l := range p.Logs {
		if !readable[i] {
			continue
		}
		node := nodes.of(l.Node)
		err := m.read(l.Path, func(slot int, at int64, text []byte) {
			size := len(text) + lineCost
			if m.room[slot] < size {
				m.dropped[slot]++
				return
			}
			m.room[slot] -= size
			m.lines = append(m.lines, logLine{at, node, inline(string(text), longestLogLine)})
		})
		if err != nil {
			out.Notes = append(out.Notes, visible(shorten(fmt.Sprintf("the log of %s could not be read to its end: %v", nodeName(l.Node), reason(err)), 300)))
		}
	}
	slices.SortStableFunc(m.lines, func(a, b logLine) int { return cmp.Compare(a.at, b.at) })
	m.pack(out)
	return out
}

// reason is what went wrong with a file, without its path.
func reason(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// share gives room to the stretches of time that matter most.
func (m *logMerge) share(p *Page) {
	var proofs, edges []int64
	if p.Verdict != nil {
		for i := range p.Verdict.Violations[:min(len(p.Verdict.Violations), surroundedViolations)] {
			s := proofTime(&p.Verdict.Violations[i])
			proofs = append(proofs, s.from.Milliseconds(), s.to.Milliseconds())
		}
	}
	for _, f := range p.History.Faults {
		edges = append(edges, f.Start.Milliseconds(), f.End.Milliseconds())
	}
	slices.Sort(edges)
	distance := make([]int64, len(m.size))
	order := make([]int, len(m.size))
	for i := range order {
		at := m.from + (2*int64(i)+1)*m.slot/2
		// What happened a second away from a fault is as good as three away from a proof.
		d := at - m.from + 10_000
		if j, _ := slices.BinarySearch(edges, at); len(edges) > 0 {
			d = 2000 + min(abs(at-edges[min(j, len(edges)-1)]), abs(at-edges[max(j-1, 0)]))
		}
		for j := 0; j < len(proofs); j += 2 {
			d = min(d, max(proofs[j]-at, at-proofs[j+1], 0))
		}
		order[i], distance[i] = i, d
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
	m.room = make([]int, len(m.size))
	left := logBudget
	for _, i := range order {
		m.room[i] = min(m.size[i], left)
		left -= m.room[i]
	}
}

func abs(n int64) int64 { return max(n, -n) }

// pack writes the lines with what was left out between them.
func (m *logMerge) pack(out *packedLogs) {
	last, next, missing := int64(0), 0, 0
	gap := func() {
		if missing > 0 {
			out.Gaps = append(out.Gaps, [2]int{next, missing})
			out.LeftOut += missing
			missing = 0
		}
	}
	for slot := range m.size {
		for first := true; next < len(m.lines) && m.slotOf(m.lines[next].at) == slot; next, first = next+1, false {
			if first {
				gap()
			}
			l := &m.lines[next]
			out.T, out.Node, out.Text = append(out.T, l.at-last), append(out.Node, l.node), append(out.Text, l.text)
			last = l.at
		}
		missing += m.dropped[slot]
	}
	gap()
}

func (m *logMerge) slotOf(at int64) int { return int((at - m.from) / m.slot) }

// read calls each with the lines of a log that were printed during the history, each
// without its time and its end. What lsfr itself wrote counts like the rest.
func (m *logMerge) read(path string, each func(slot int, at int64, text []byte)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	in := bufio.NewReaderSize(f, 64<<10)
	var clock stampClock
	inside, at, slot := false, int64(0), 0
	for {
		line, err := in.ReadSlice('\n')
		whole := err
		for errors.Is(whole, bufio.ErrBufferFull) { // the rest of a line that is too long anyway
			line = slices.Clone(line[:min(len(line), 2*longestLogLine)])
			_, whole = in.ReadSlice('\n')
		}
		if len(line) > 0 {
			text := line
			if t, rest, ok := clock.read(line); ok {
				at, text = t-m.started, rest
				slot = m.slotOf(at)
				inside = at >= m.from && slot < len(m.size)
			}
			if inside {
				each(slot, at, bytes.TrimRight(text[:min(len(text), longestLogLine)], "\r\n"))
			}
		}
		if errors.Is(whole, io.EOF) {
			return nil
		}
		if whole != nil {
			return fmt.Errorf("read log: %w", whole)
		}
	}
}

// stampClock reads the times of lines. Most share their minute with the line before.
type stampClock struct {
	minute, zone string
	base         int64 // of that minute
}

// read returns the milliseconds since 1970 at the beginning of a line, and the rest of it.
func (c *stampClock) read(line []byte) (at int64, rest []byte, ok bool) {
	space := bytes.IndexByte(line[:min(len(line), stampSize+7)], ' ')
	if space < stampSize+1 || line[16] != ':' || line[19] != '.' {
		return 0, nil, false
	}
	minute, zone := line[:17], line[stampSize:space]
	if string(minute) != c.minute || string(zone) != c.zone {
		t, err := time.Parse(time.RFC3339, string(minute)+"00"+string(zone))
		if err != nil {
			return 0, nil, false
		}
		c.minute, c.zone, c.base = string(minute), strings.Clone(string(zone)), t.UnixMilli()
	}
	ms := int64(0)
	for _, i := range [...]int{17, 18, 20, 21, 22} {
		if line[i] < '0' || line[i] > '9' {
			return 0, nil, false
		}
		ms = ms*10 + int64(line[i]-'0')
	}
	return c.base + ms, line[space+1:], true
}
