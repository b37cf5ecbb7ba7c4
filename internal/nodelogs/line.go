// Package nodelogs merges the logs of a run's nodes by time, with what happened in the
// run in between: checks, faults, changes of leadership.
package nodelogs

import "time"

// Kind says what a line tells.
type Kind string

// The kinds of lines.
const (
	// Output is what a node printed.
	Output Kind = "output"
	// Node is what lsfr did to a node, or saw of it.
	Node Kind = "lsfr"
	// Check begins or ends a check or a scenario.
	Check Kind = "check"
	// Fault begins or ends a fault.
	Fault Kind = "fault"
	// Phase begins or ends a phase of a scenario: a fault whose targets are not known
	// yet, or something else, such as the final reads.
	Phase Kind = "phase"
	// Leader is a change of leadership.
	Leader Kind = "leader"
	// Run is the end of the run.
	Run Kind = "run"
)

// Line is one line of a node's log, or one thing that happened in the run.
type Line struct {
	Time time.Time
	// Node whose log has the line; empty for what is in no log.
	Node string
	Kind Kind
	// Text may hold anything that a node printed, but no newline.
	Text string
}

// Source has lines, mostly in the order of their times.
type Source interface {
	// Next returns the next line. It is not ok if there is none; later there may be.
	Next() (line Line, ok bool, err error)
}

// Lines is a Source that has these.
type Lines []Line

// Next takes the first line out.
func (l *Lines) Next() (line Line, ok bool, err error) {
	if len(*l) == 0 {
		return Line{}, false, nil
	}
	line, *l = (*l)[0], (*l)[1:]
	return line, true, nil
}
