package formats

import (
	"regexp"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

var (
	ednSign = regexp.MustCompile(`:type\s+:(invoke|ok|fail|info)\b`)
	kvSign  = regexp.MustCompile(`(?m)^\s*\{:process \d+, :type :\w+, :f :(get|put|append), :key "`)
)

// jepsenEDNFormat is the history.edn of Jepsen, Knossos and Maelstrom: one map
// for each event, one after the other, or within a vector or a list.
func jepsenEDNFormat() Format {
	return Format{
		Name: "jepsen-edn", Title: "Jepsen's history.edn",
		detect: func(head []byte) bool {
			return strings.IndexByte("{[(#;", firstByte(head)) >= 0 && ednSign.Match(head)
		},
		read: readEDN,
	}
}

// porcupineKVFormat is the same with a key of its own and the functions :get,
// :put and :append, as in porcupine's test data.
func porcupineKVFormat() Format {
	return Format{
		Name: "porcupine-kv", Title: "porcupine's key-value log",
		detect: kvSign.Match,
		read:   readEDN,
	}
}

func readEDN(in *input) (*history.History, []string, error) {
	e := &ednReader{ednScanner: newEDNScanner(in, headSize)}
	p := newPairing()
	closing := byte(0) // of the vector or list that holds the events
	for {
		b, err := e.next()
		e.parts = 0
		switch {
		case err != nil:
			return nil, nil, err
		case b == 0 && closing != 0:
			return nil, nil, e.fail("the file breaks off: there is no %q at its end", closing)
		case b == 0:
			return p.finish()
		case b == closing && closing != 0:
			e.pos++
			if b, err := e.next(); b != 0 || err != nil {
				if err == nil {
					err = e.fail("something follows the history's closing %q", closing)
				}
				return nil, nil, err
			}
			return p.finish()
		case (b == '[' || b == '(') && closing == 0 && len(p.times) == 0:
			e.pos++
			closing = map[byte]byte{'[': ']', '(': ')'}[b]
		case b == '#': // #jepsen.history.Op{…}
			if _, err := e.tag(); err != nil {
				return nil, nil, err
			}
		case b == '{':
			ev, err := e.event()
			if err != nil {
				return nil, nil, err
			}
			if err := p.add(&ev); err != nil {
				return nil, nil, err
			}
		default:
			return nil, nil, e.fail("a history consists of maps such as {:process 0, :type :invoke, :f :read, :value nil}; this is none")
		}
	}
}

// event reads a map.
func (e *ednReader) event() (event, error) {
	ev := event{line: e.lines + 1, offset: e.offset()}
	e.pos++
	for {
		b, err := e.next()
		switch {
		case err != nil:
			return ev, err
		case b == 0:
			return ev, e.brokenOff("an operation")
		case b == '}':
			e.pos++
			return ev, nil
		}
		name, err := e.valueAt(b)
		if err != nil {
			return ev, err
		}
		switch b, err = e.next(); {
		case err != nil:
			return ev, err
		case b == 0:
			return ev, e.brokenOff("an operation")
		case b == '}':
			return ev, e.fail("a map has a key without a value")
		}
		v, err := e.valueAt(b)
		if err != nil {
			return ev, err
		}
		if name.form != formKeyword {
			continue
		}
		if member := field(name.text[1:]); member != 0 {
			if err := ev.set(member, name.text, v); err != nil {
				return ev, err
			}
		}
	}
}
