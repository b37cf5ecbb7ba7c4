package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fatih/color"

	"github.com/st3v3nmw/lsfr/internal/nodelogs"
)

// logPrinter prints merged lines.
type logPrinter struct {
	out   *bufio.Writer
	json  bool
	style style
	// nodes are those that are wanted; none for all.
	nodes []string
	// colours has one for each node, in the order of their first lines.
	colours map[string]*color.Color
	span    nodelogs.Span
	begun   bool
}

func (p *logPrinter) wants(node string) bool {
	return len(p.nodes) == 0 || slices.Contains(p.nodes, node)
}

// jsonLine is a line for --json.
type jsonLine struct {
	Time time.Time `json:"time"`
	// At is nanoseconds since the start of History, or of the run if that is empty.
	At      time.Duration `json:"at_ns"`
	History string        `json:"history,omitempty"`
	Node    string        `json:"node,omitempty"`
	Kind    nodelogs.Kind `json:"kind"`
	Text    string        `json:"text"`
}

// print prints a line. That it cannot be written is told by out.Flush.
func (p *logPrinter) print(s nodelogs.Span, l nodelogs.Line) {
	at := l.Time.Sub(s.Start)
	first := !p.begun
	p.begun = true
	if p.json {
		e := json.NewEncoder(p.out)
		e.SetEscapeHTML(false)
		_ = e.Encode(jsonLine{Time: l.Time, At: at, History: s.History, Node: l.Node, Kind: l.Kind, Text: l.Text})
		return
	}
	if first || s != p.span {
		p.span = s
		p.zero(s)
	}
	text := visible(l.Text)
	switch l.Kind {
	case nodelogs.Output:
	case nodelogs.Node:
		text = p.style.faint.Sprint("--- " + text)
	case nodelogs.Fault, nodelogs.Phase:
		text = p.style.doubtful.Sprint("=== " + text)
	default:
		text = p.style.bold.Sprint("=== " + text)
	}
	fmt.Fprintf(p.out, "%9.3f  %s  %s\n", at.Seconds(), p.node(l.Node), text)
}

// zero says from where times are counted.
func (p *logPrinter) zero(s nodelogs.Span) {
	text := "seconds since the run's start, " + s.Start.Local().Format("15:04:05.000")
	if s.History != "" {
		text = fmt.Sprintf("seconds since the start of %s (%s)", s.History, visible(s.Scenario))
	}
	fmt.Fprintln(p.out, p.style.faint.Sprint("# "+text))
}

// node is the column with the node's name.
func (p *logPrinter) node(name string) string {
	text := fmt.Sprintf("%-3s", name)
	if name == "" || !p.style.painted {
		return text
	}
	c := p.colours[name]
	if c == nil {
		if p.colours == nil {
			p.colours = make(map[string]*color.Color)
		}
		palette := []color.Attribute{color.FgCyan, color.FgMagenta, color.FgGreen, color.FgBlue, color.FgHiYellow, color.FgHiCyan, color.FgHiMagenta, color.FgHiGreen}
		c = color.New(palette[len(p.colours)%len(palette)])
		c.EnableColor()
		p.colours[name] = c
	}
	return c.Sprint(text)
}

// paint matches what colours text on a terminal.
var paint = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// visible is what a node printed, without colours, and with what would move a cursor
// or do worse to a terminal made visible.
func visible(text string) string {
	text = strings.TrimSuffix(paint.ReplaceAllString(text, ""), "\r")
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
