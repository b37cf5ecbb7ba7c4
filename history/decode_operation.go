package history

import "time"

const (
	opID = iota
	opClient
	opNode
	opKind
	opKey
	opValue
	opExpected
	opCall
	opReturn
	opOutcome
	opStatus
	opError
	opDefect
	opFinal
	opSettled
)

// operationMembers stand in the order in which Writer writes them, which finds
// each with one comparison.
var operationMembers = []string{
	opID: "id", opClient: "client", opNode: "node", opKind: "kind", opKey: "key", opValue: "value", opExpected: "expected",
	opCall: "call", opReturn: "return", opOutcome: "outcome", opStatus: "status", opError: "error", opDefect: "defect",
	opFinal: "final", opSettled: "settled",
}

var requiredMembers = [...]int{opID, opClient, opKind, opKey, opCall}

// members is a set of indices into a list of names.
type members uint32

func (s members) has(m int) bool { return s&(1<<m) != 0 }

// operationIn is an operation as it stands in the document, before its members
// are held against each other.
type operationIn struct {
	Operation
	has     members // not those that are null
	kind    string
	outcome string
	settled time.Duration
}

func (d *decoder) operation() error {
	var in operationIn
	if err := d.object("an object", operationMembers, func(m int) error { return d.operationMember(&in, m) }); err != nil {
		return err
	}
	for _, m := range requiredMembers {
		if !in.has.has(m) {
			return d.fail("%s has no %q", d.where(), operationMembers[m])
		}
	}
	if err := d.complete(&in); err != nil {
		return err
	}
	d.room()
	d.h.Operations = append(d.h.Operations, in.Operation)
	d.h.Settled = max(d.h.Settled, in.settled)
	return nil
}

func (d *decoder) operationMember(in *operationIn, m int) error {
	var ok bool
	var err error
	switch m {
	case opID:
		ok, err = readNumber(d, &in.ID)
	case opClient:
		ok, err = readNumber(d, &in.Client)
	case opNode:
		ok, err = d.readText(&in.Node)
	case opKind:
		ok, err = d.readText(&in.kind)
	case opKey:
		ok, err = d.readText(&in.Key)
	case opValue:
		ok, err = d.readText(&in.Value)
	case opExpected:
		ok, err = d.readText(&in.Expected)
	case opCall:
		ok, err = readNumber(d, &in.Call)
	case opReturn:
		ok, err = readNumber(d, &in.Return)
	case opOutcome:
		ok, err = d.readText(&in.outcome)
	case opStatus:
		ok, err = readNumber(d, &in.Status)
	case opError:
		ok, err = d.readText(&in.Error)
	case opDefect:
		ok, err = d.readText(&in.Defect)
	case opFinal:
		ok, err = d.readFlag(&in.Final)
	case opSettled:
		ok, err = readNumber(d, &in.settled)
	}
	if ok {
		in.has |= 1 << m
	}
	return err
}

// complete checks what the members mean together, and clears what means nothing.
func (d *decoder) complete(in *operationIn) error {
	var err error
	if !d.ids.add(in.ID) {
		return d.fail("operation %d appears twice", in.ID)
	}
	if in.Kind, err = ParseKind(in.kind); err != nil {
		_, err = ParseKind(shorten(in.kind))
		return d.fail("operation %d: %v", in.ID, err)
	}
	if in.outcome != "" { // a missing outcome is unknown, the zero value
		if in.Outcome, err = ParseOutcome(in.outcome); err != nil {
			_, err = ParseOutcome(shorten(in.outcome))
			return d.fail("operation %d: %v", in.ID, err)
		}
	}
	switch {
	case in.Outcome == Unknown:
		in.Return = 0
	case !in.has.has(opReturn):
		return d.fail("operation %d is %s but has no \"return\" time", in.ID, in.Outcome)
	case in.Return < in.Call:
		return d.fail("operation %d returns at %d ns, before its call at %d ns", in.ID, in.Return, in.Call)
	}
	switch {
	case in.Kind == Delete:
		in.Value = ""
	case in.Kind.Reads():
		in.Present = in.has.has(opValue)
	case !in.has.has(opValue):
		return d.fail("operation %d is a %s without a \"value\"", in.ID, in.Kind)
	}
	if in.Kind != Cas {
		in.Expected = ""
	} else if !in.has.has(opExpected) {
		return d.fail("operation %d is a cas without an \"expected\" value", in.ID)
	}
	return nil
}

// room makes room for one more operation: for all of them, if the reader's size
// lets their number be estimated, or else by doubling. Growing by append alone
// moves a large history so often that it takes half of all the time.
func (d *decoder) room() {
	// A size may be wrong, so it buys only so much more than what has been read.
	const first, trust = 1024, 64
	ops := d.h.Operations
	n := len(ops)
	if n < cap(ops) {
		return
	}
	want := max(2*n, first)
	if size := d.src.size(); n >= first && size > 0 {
		estimate := 1.01 * float64(n) * float64(size) / float64(d.dec.InputOffset())
		want = max(n+n/8, int(min(estimate, trust*float64(n))))
	}
	d.h.Operations = append(make([]Operation, 0, want), ops...)
}

// idSet is a set of numbers, small if they are dense: a word for each 64.
type idSet map[int64]uint64

// add reports whether the number is new.
func (s idSet) add(id int64) bool {
	word, bit := id>>6, uint64(1)<<(id&63)
	old := s[word]
	s[word] = old | bit
	return old&bit == 0
}
