package formats

import (
	"regexp"

	"github.com/st3v3nmw/lsfr/history"
)

var (
	typeSign    = regexp.MustCompile(`"type"\s*:\s*":?(invoke|ok|fail|info)"`)
	processSign = regexp.MustCompile(`"process"\s*:`)
)

// jepsenJSONFormat is the same as history.edn in JSON, as elle-cli reads it: a
// list of objects, or objects one after the other. Elle's workloads hold
// transactions.
func jepsenJSONFormat() Format {
	return Format{
		Name: "jepsen-json", Title: "elle-cli's JSON",
		detect: func(head []byte) bool {
			first := firstByte(head)
			return (first == '[' || first == '{') && typeSign.Match(head) && processSign.Match(head)
		},
		read: readJepsenJSON,
	}
}

func readJepsenJSON(in *input) (*history.History, []string, error) {
	j := newJSONReader(in)
	p := newPairing()
	for {
		ev, more, err := j.event()
		if err != nil {
			return nil, nil, err
		}
		if !more {
			return p.finish()
		}
		if err := p.add(&ev); err != nil {
			return nil, nil, err
		}
	}
}

// event reads the next object.
func (j *jsonReader) event() (event, bool, error) {
	more, err := j.nextObject()
	if err != nil || !more {
		return event{}, false, err
	}
	line, offset := j.position()
	ev := event{line: line, offset: offset}
	object, err := j.value(0)
	if err != nil {
		return ev, false, err
	}
	for i := 0; i+1 < len(object.items); i += 2 {
		name := object.items[i].text
		if member := field(name); member != 0 {
			if err := ev.set(member, `"`+name+`"`, object.items[i+1]); err != nil {
				return ev, false, err
			}
		}
	}
	return ev, true, nil
}
