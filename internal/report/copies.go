package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

// listedAnswers is the most answers of one node that are shown.
const listedAnswers = 5

// nodeAnswers is what one node said of a key after all faults had healed.
type nodeAnswers struct {
	node string
	// reads are those that were answered, in order, without repetitions.
	reads []*history.Operation
	asked bool
}

// finalAnswers returns what each node said of a key in the end: the nodes that the
// history names, in its order, then any others. nil if the key was not read then.
func finalAnswers(h *history.History, key string) []nodeAnswers {
	var all []nodeAnswers
	number := make(map[string]int)
	at := func(node string) *nodeAnswers {
		n, ok := number[node]
		if !ok {
			n = len(all)
			number[node] = n
			all = append(all, nodeAnswers{node: node})
		}
		return &all[n]
	}
	for _, node := range h.Nodes {
		at(node)
	}
	any := false
	for i := range h.Operations {
		o := &h.Operations[i]
		if !o.Final || o.Kind != history.Get || o.Key != key {
			continue
		}
		any = true
		n := at(o.Node)
		n.asked = true
		if o.Outcome == history.OK {
			n.reads = append(n.reads, o)
		}
	}
	if !any {
		return nil
	}
	for i := range all {
		n := &all[i]
		slices.SortStableFunc(n.reads, func(a, b *history.Operation) int { return cmp.Compare(a.Return, b.Return) })
		n.reads = slices.CompactFunc(n.reads, func(a, b *history.Operation) bool { return a.Present == b.Present && a.Value == b.Value })
	}
	return all
}

// FinalReadsOf tells what each node said of a key after all faults had healed,
// in one line for each node: "n1 says c3-17", "n2 says nothing", "n3 gave no
// answer". A node that changed its mind says one thing, then another. nil if no
// node was asked.
func FinalReadsOf(h *history.History, key string) []string {
	var lines []string
	for _, n := range finalAnswers(h, key) {
		line := nodeName(n.node)
		switch {
		case !n.asked:
			line += " was not asked"
		case len(n.reads) == 0:
			line += " gave no answer"
		default:
			var said []string
			for i, o := range n.reads {
				if i == listedAnswers {
					said = append(said, "then "+plural(len(n.reads)-i, "further answer"))
					break
				}
				text := "nothing"
				if o.Present {
					text = quote(o.Value, 60)
				}
				if i > 0 {
					text = "then " + text
				}
				said = append(said, text)
			}
			line += " says " + strings.Join(said, ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

// copyView is one answer of one node.
type copyView struct {
	Node, Value, At string
	Colour          int // as that of the value in the proof; -1 for none
}

// copies shows all nodes beside a proof that needs only two of them.
func (v *violationView) copies(h *history.History, x *models.Violation) {
	colour := valueColours(x.Operations)
	answers := finalAnswers(h, x.Key)
	for i, n := range answers {
		if i == listedNodes {
			v.MoreCopies = len(answers) - listedNodes
			break
		}
		row := copyView{Node: nodeName(n.node), Colour: -1}
		if len(n.reads) == 0 {
			row.Value = "no answer"
			if !n.asked {
				row.Value = "not asked"
			}
			v.Copies = append(v.Copies, row)
		}
		for j, o := range n.reads {
			if j == listedAnswers {
				break
			}
			row.Value, row.Colour, row.At = "absent", -1, seconds(6)(o.Return)
			if o.Present {
				if _, ok := colour[o.Value]; !ok {
					colour[o.Value] = len(colour)
				}
				row.Value, row.Colour = quote(o.Value, 160), colour[o.Value]%colours
			}
			v.Copies = append(v.Copies, row)
		}
	}
}
