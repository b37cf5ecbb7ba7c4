package formats

import (
	"fmt"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// theKey is what operations act on whose file has no keys: one register, one
// queue, one set.
const theKey = "x"

// kinds are the functions that lsfr knows, under the names that workloads give them.
var kinds = map[string]history.Kind{
	"read": history.Get, "get": history.Get, "r": history.Get,
	"write": history.Put, "put": history.Put, "w": history.Put,
	"cas": history.Cas, "delete": history.Delete,
	"enqueue": history.Enqueue, "dequeue": history.Dequeue,
	"add": history.Add, "append": history.Append,
}

// reading knows what events mean.
type reading struct {
	// tuples says whether values are [key value] pairs, as jepsen.independent
	// and Maelstrom write them. The first operation decides it.
	tuples, decided bool
	// scalar and text are the first events that read something other than a
	// collection, and what it was.
	scalar, text *event
}

// asked fills in what an invocation asks for. It reports false for one that
// asks for nothing.
func (r *reading) asked(ev *event, op *history.Operation) (bool, error) {
	if some, err := ev.unwrapTransaction(); err != nil || !some {
		return false, err
	}
	kind, known := kinds[ev.f]
	if !known {
		return false, ev.unknownFunction()
	}
	op.Kind = kind
	if err := r.splitKey(ev, op); err != nil {
		return false, err
	}
	switch kind {
	case history.Get, history.Dequeue, history.Delete:
		return true, nil
	case history.Cas:
		from, to, ok := ev.val.pair()
		if !ok || from.isNil() || to.isNil() {
			return false, ev.fail("the value of :cas is %s, want [old new], neither of them nil", note(&ev.val))
		}
		op.Expected, op.Value = from.String(), to.String()
		return true, nil
	case history.Put:
		if ev.has&hasValue != 0 && ev.val.isNil() { // a register that is nil reads as absent
			op.Kind = history.Delete
			return true, nil
		}
	}
	if ev.val.isNil() {
		return false, ev.fail(":%s has no value", ev.f)
	}
	op.Value = ev.val.String()
	return true, nil
}

// unknownFunction says what a function that lsfr cannot judge is about.
func (ev *event) unknownFunction() error {
	var names []string
	for name := range kinds {
		names = append(names, ":"+name)
	}
	slices.Sort(names)
	if ev.f == "" {
		return ev.fail("an operation has no function (one of %s)", strings.Join(names, ", "))
	}
	return ev.fail(":%s is no operation that lsfr can judge: it knows %s, and transactions of one of them", ev.f, strings.Join(names, ", "))
}

// splitKey separates the key from the value of an invocation.
func (r *reading) splitKey(ev *event, op *history.Operation) error {
	if ev.has&hasKey != 0 {
		op.Key = ev.key.String()
		return nil
	}
	key, val, paired := ev.val.pair()
	if paired && op.Kind == history.Cas {
		_, _, paired = val.pair()
	}
	if !r.decided {
		r.tuples, r.decided = paired, true
	}
	if !r.tuples {
		op.Key = theKey
		return nil
	}
	if !paired {
		return ev.fail("the value of :%s is %s, want [key value] as in the operations before", ev.f, note(&ev.val))
	}
	op.Key = key.String()
	ev.val = *val
	return nil
}

// answered fills in the answer to an operation that succeeded.
func (r *reading) answered(ev *event, op *history.Operation) error {
	some, err := ev.unwrapTransaction()
	if err != nil {
		return err
	}
	if kind := kinds[ev.f]; !some || kind != op.Kind && !(kind == history.Put && op.Kind == history.Delete) {
		return ev.fail("the transaction ends with another operation than it was invoked with")
	}
	if ev.has&hasValue == 0 && op.Kind.Reads() {
		return ev.fail("a :%s that is ok has no value", op.Kind)
	}
	switch {
	case ev.has&hasKey != 0:
		if ev.key.String() != op.Key {
			return ev.fail("the operation ends with the key %s, but was invoked with %s", note(&ev.key), shortened(op.Key))
		}
	case r.tuples && !ev.val.isNil():
		key, val, ok := ev.val.pair()
		if !ok || key.String() != op.Key {
			return ev.fail("the operation ends with the value %s, want [%s value]", note(&ev.val), shortened(op.Key))
		}
		ev.val = *val
	case r.tuples && op.Kind.Reads():
		return ev.fail("the operation ends without a value, want [%s value]", shortened(op.Key))
	}
	if op.Kind.Reads() {
		r.found(ev, op)
		return nil
	}
	return r.confirmed(ev, op)
}

// found fills in what a read found.
func (r *reading) found(ev *event, op *history.Operation) {
	if ev.val.isNil() {
		return
	}
	val := &ev.val
	if bare := val.bare(); bare.isCollection() {
		val = bare
	}
	op.Present, op.Value = true, val.String()
	if op.Kind != history.Get || val.isCollection() {
		return
	}
	if r.scalar == nil && ev.val.form != formString {
		r.scalar = &event{line: ev.line, offset: ev.offset, val: ev.val}
	}
	if r.text == nil && ev.val.form == formString {
		r.text = &event{line: ev.line, offset: ev.offset, val: ev.val}
	}
}

// confirmed makes sure that what was acknowledged is what was asked for: a file
// that writes something else there cannot be judged by either.
func (r *reading) confirmed(ev *event, op *history.Operation) error {
	if ev.val.isNil() || op.Kind == history.Delete {
		return nil
	}
	want := op.Value
	got := ev.val.String()
	if op.Kind == history.Cas {
		from, to, ok := ev.val.pair()
		if !ok {
			return nil
		}
		want, got = op.Expected+" "+op.Value, from.String()+" "+to.String()
	}
	if got != want {
		return ev.fail("the %s ends with the value %s, but was invoked with %s", op.Kind, shortened(got), shortened(want))
	}
	return nil
}

// finish names the model that suits the operations, and looks at the reads once
// it is known what they read.
func (r *reading) finish(h *history.History) ([]string, error) {
	var seen [len(families)]bool
	for i := range h.Operations {
		seen[h.Operations[i].Kind] = true
	}
	switch {
	case seen[history.Add] && (r.scalar != nil || r.text != nil):
		odd := r.scalar
		if odd == nil {
			odd = r.text
		}
		return nil, odd.fail("a read found %s, but a history of :add is about a set, whose reads find all elements; lsfr has no model for counters", note(&odd.val))
	case seen[history.Append] && r.scalar != nil:
		return nil, r.scalar.fail("a read found %s, but the reads of a history of :append find a list or a text", note(&r.scalar.val))
	}
	if seen[history.Add] {
		if err := sortElements(h); err != nil {
			return nil, err
		}
	}
	return nameModel(h), nil
}

// sortElements makes reads of equal sets equal.
func sortElements(h *history.History) error {
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Kind != history.Get || !o.Present {
			continue
		}
		elements, err := history.ParseElements(o.Value)
		if err != nil {
			return fmt.Errorf("operation %d: %w", o.ID, err)
		}
		if !slices.IsSorted(elements) {
			slices.Sort(elements)
			o.Value = history.FormatElements(elements)
		}
	}
	return nil
}

// families names the model of each kind; a get goes with all of them, and an
// append may follow a put.
var families = [...]string{
	history.Get: "", history.Put: "linearizable", history.Delete: "linearizable", history.Cas: "cas-register",
	history.Enqueue: "queue", history.Dequeue: "queue", history.Add: "set", history.Append: "append",
}

// nameModel sets the header's model by the kinds that occur.
func nameModel(h *history.History) []string {
	var found [len(families)]bool
	for i := range h.Operations {
		found[h.Operations[i].Kind] = true
	}
	var special []string // models beside the plain register's
	for kind, family := range families {
		if found[kind] && family != "" && family != "linearizable" && !slices.Contains(special, family) {
			special = append(special, family)
		}
	}
	written := found[history.Put] || found[history.Delete]
	switch {
	case len(special) == 0:
		h.Model = "linearizable"
	case len(special) == 1 && (!written || special[0] == "cas-register" || special[0] == "append" && !found[history.Delete]):
		h.Model = special[0]
	default:
		if written {
			special = append(special, "linearizable")
		}
		return []string{fmt.Sprintf("operations of several data types are mixed (%s): choose one with --model", strings.Join(special, ", "))}
	}
	return nil
}
