package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

const (
	// leastGrouped is from how many on unanswered writes are told together.
	leastGrouped = 3
	// toldNames is the most clients, or values, that one sentence names.
	toldNames = 4
)

// grouped tells unanswered writes of the same kind to the same key in one step, at the time
// of the first of them, if no answered operation of the proof came in between: when each
// took effect, if it did, nobody knows anyway. The steps are in the order of time.
func grouped(steps []storyStep) []storyStep {
	type likeness struct {
		kind    history.Kind
		key     string
		answers int // before it
	}
	alike := func(s *storyStep, answers int) (likeness, bool) {
		if s.op == nil || s.op.Outcome != history.Unknown || s.op.Kind != history.Put && s.op.Kind != history.Delete {
			return likeness{}, false
		}
		return likeness{s.op.Kind, s.op.Key, answers}, true
	}
	groups := make(map[likeness][]*history.Operation)
	each := func(visit func(s *storyStep, l likeness, unanswered bool)) {
		answers := 0
		for i := range steps {
			l, ok := alike(&steps[i], answers)
			if !ok && steps[i].op != nil {
				answers++
			}
			visit(&steps[i], l, ok)
		}
	}
	each(func(s *storyStep, l likeness, unanswered bool) {
		if unanswered {
			groups[l] = append(groups[l], s.op)
		}
	})
	var out []storyStep
	each(func(s *storyStep, l likeness, unanswered bool) {
		ops := groups[l]
		switch {
		case !unanswered || len(ops) < leastGrouped:
			out = append(out, *s)
		case s.op == ops[0]:
			step := *s
			step.Text = toldTogether(ops)
			out = append(out, step)
		}
	})
	return out
}

// toldTogether tells unanswered writes of one kind to one key in one sentence.
func toldTogether(ops []*history.Operation) string {
	var clients, values, nodes []string
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, o := range ops {
		add(&clients, fmt.Sprint(o.Client))
		add(&values, quote(o.Value, 40))
		if o.Node != "" {
			add(&nodes, nodeName(o.Node))
		}
	}
	who := "Client " + clients[0]
	if len(clients) > 1 {
		who = "Clients " + someOf(clients)
	}
	what := fmt.Sprintf("%d deletes of %s", len(ops), quote(ops[0].Key, 60))
	if ops[0].Kind == history.Put {
		what = fmt.Sprintf("%d writes of %s to %s", len(ops), someOf(values), quote(ops[0].Key, 60))
	}
	if slices.Sort(nodes); len(nodes) > 0 {
		what += " through " + someOf(nodes)
	}
	return fmt.Sprintf("%s sent %s between %s and %s; none was answered, so each may have taken effect.",
		who, what, seconds(3)(ops[0].Call), seconds(3)(ops[len(ops)-1].Call))
}

// someOf lists names; of many the first ones, and how many more there are.
func someOf(names []string) string {
	if len(names) > toldNames+1 {
		names = append(slices.Clone(names[:toldNames]), fmt.Sprintf("%d others", len(names)-toldNames))
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
