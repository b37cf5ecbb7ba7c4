package formats

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/st3v3nmw/lsfr/history"
)

// event is one line of a history as Jepsen writes it, whatever the syntax: an
// operation begins (invoke), or ends (ok, fail, info).
type event struct {
	// line and offset are where it stands in the file.
	line   int
	offset int64
	// typ is invoke, ok, fail or info.
	typ     string
	process value
	// f names the function, such as read; empty if the format may leave it out.
	f string
	// val and key are nil values if they are missing: has tells the difference.
	val, key value
	err      value
	time     int64
	index    int64
	has      fields
}

// fields is a set of an event's members.
type fields uint8

const (
	hasType fields = 1 << iota
	hasProcess
	hasF
	hasValue
	hasKey
	hasError
	hasTime
	hasIndex
)

func (ev *event) fail(format string, args ...any) error {
	return &history.SyntaxError{Line: ev.line, Offset: ev.offset, Msg: fmt.Sprintf(format, args...)}
}

// field returns the member of that name; 0 for one that says nothing of the history.
func field(name string) fields {
	switch name {
	case "type":
		return hasType
	case "process":
		return hasProcess
	case "f":
		return hasF
	case "value":
		return hasValue
	case "key":
		return hasKey
	case "error":
		return hasError
	case "time":
		return hasTime
	case "index":
		return hasIndex
	}
	return 0
}

// set fills in a member; name is how the file writes it.
func (ev *event) set(member fields, name string, v value) error {
	if ev.has&member != 0 {
		return ev.fail("an operation has two %s", name)
	}
	ev.has |= member
	switch member {
	case hasType:
		typ, _ := v.name()
		switch typ {
		case "invoke", "ok", "fail", "info":
			ev.typ = typ
			return nil
		}
		return ev.fail("%s is %s, want invoke, ok, fail or info", name, note(&v))
	case hasF:
		f, ok := v.name()
		if ok {
			ev.f = f
			return nil
		}
		if v.isNil() { // JSON made of records has it where it means nothing
			ev.has &^= hasF
			return nil
		}
		return ev.fail("%s is %s, want a name such as read", name, note(&v))
	case hasTime, hasIndex:
		n, err := strconv.ParseInt(v.text, 10, 64)
		switch {
		case v.isNil():
			ev.has &^= member
		case v.form != formInteger:
			return ev.fail("%s is %s, want a whole number", name, note(&v))
		case err != nil:
			return ev.fail("%s is %s, which is beyond 64 bits", name, note(&v))
		case member == hasTime:
			ev.time = n
		case n < 0: // Jepsen's word for none
			ev.has &^= member
		default:
			ev.index = n
		}
	case hasProcess:
		ev.process = v
	case hasValue:
		ev.val = v
	case hasKey:
		ev.key = v
		if v.isNil() {
			ev.has &^= hasKey
		}
	case hasError:
		ev.err = v
	}
	return nil
}

// timedOut reports whether the reason given for a failure is that no answer
// came in time: then nobody knows whether the operation took effect, whatever
// its type claims. Logs put the reason where the value belongs.
func (ev *event) timedOut() bool {
	return soundsLikeTimeout(&ev.err) || ev.val.form == formKeyword && soundsLikeTimeout(&ev.val)
}

func soundsLikeTimeout(reason *value) bool {
	if reason.isNil() {
		return false
	}
	text := strings.ToLower(reason.String())
	for _, sign := range []string{"timeout", "timed-out", "timed out", "time-out", "timedout", "indeterminate"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// reason is what a history says of an operation that is failed or unknown.
func (ev *event) reason() string {
	switch {
	case !ev.err.isNil():
		return note(&ev.err)
	case ev.val.form == formKeyword:
		return note(&ev.val)
	}
	return ""
}

// note is a text that is only shown: one line, bounded in length.
func note(v *value) string { return shortened(v.String()) }

func shortened(text string) string {
	more := ""
	if len(text) > maxNote {
		text, more = text[:maxNote], "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")) + more
}
