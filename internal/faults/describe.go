package faults

import (
	"fmt"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// String says what the step does, to whom as far as the seed decides it, and for how
// long, as in "kill a follower (the 2nd) for 400 ms, once writes succeed".
func (s Step) String() string {
	what := s.Fault.Name + " " + s.who()
	if s.Fault.describe != nil {
		what = s.Fault.describe(s, s.who())
	}
	if s.Hold > 0 {
		what += " for " + span(s.Hold)
	}
	if s.Calm {
		what += ", once writes succeed"
	}
	return what
}

// who names the targets.
func (s Step) who() string {
	t := s.Target
	switch {
	case t.Node != "":
		return t.Node
	case t.Role == All:
		return "all nodes"
	case t.Role == Whole && len(s.groups) > 0:
		return "all of " + s.group().Shard
	case t.Role == Leader:
		return "the leader" + s.ofGroup()
	case t.Role == Follower:
		members := len(s.nodes)
		if len(s.groups) > 0 {
			members = len(s.group().Nodes)
		}
		if members < 2 {
			return some(t.Count, "follower")
		}
		var which []string
		for _, i := range pick(members-1, t.Count, s.Seed) {
			which = append(which, "the "+ordinal(i+1))
		}
		return fmt.Sprintf("%s (%s)%s", some(len(which), "follower"), and(which), s.ofGroup())
	}
	if len(s.nodes) == 0 {
		return some(t.Count, "node")
	}
	return and(s.known())
}

// group is the shard group that the step is about, the zero Group where there are none.
func (s Step) group() history.Group { return drawGroup(s.groups, s.Seed) }

func (s Step) ofGroup() string {
	if len(s.groups) == 0 {
		return ""
	}
	return " of " + s.group().Shard
}

// known returns the targets if the seed alone decides who they are.
func (s Step) known() []string {
	if s.Target.Node == "" && (s.Target.Role == Leader || s.Target.Role == Follower) {
		return nil
	}
	var ids []string
	for _, i := range s.Target.choose(s.nodes, s.group(), "", s.Seed) {
		ids = append(ids, s.nodes[i])
	}
	return ids
}

func some(n int, what string) string {
	if n <= 1 {
		return "a " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func and(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// counted is as in "1 segment" and "2 segments".
func counted[N int | int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// span is in milliseconds below a second, else in seconds.
func span(d time.Duration) string {
	if d < time.Second {
		return millis(d)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
