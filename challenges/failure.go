package challenges

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Failure says what a node got wrong.
type Failure struct {
	// Rule is what was violated.
	Rule Rule
	// Summary is one sentence.
	Summary string
	// Request that showed it, empty if there was no single one.
	Request string
	// Expected and Actual are shortened around their first difference.
	Expected, Actual string
	// Hint is empty where the check's hint applies.
	Hint string
	// Err is the cause, such as a timeout; it may be nil.
	Err error
}

// Error returns the summary.
func (f *Failure) Error() string { return f.Summary }

// Unwrap returns the cause, which may be nil.
func (f *Failure) Unwrap() error { return f.Err }

// Failf returns a Failure with a rule and a summary only.
func Failf(rule Rule, format string, args ...any) error {
	return &Failure{Rule: rule, Summary: fmt.Sprintf(format, args...)}
}

const (
	// before and after are how many bytes are shown on either side of the first difference.
	before = 24
	after  = 56
)

// Contrast shows two texts on one line each, shortened around their first
// difference and with everything invisible made visible.
func Contrast(expected, actual string) (shownExpected, shownActual string) {
	if expected == actual || expected == "" || actual == "" {
		return excerpt(expected, none), excerpt(actual, none)
	}
	d := 0
	for d < len(expected) && d < len(actual) && expected[d] == actual[d] {
		d++
	}
	escape := hiddenAt(expected, d) || hiddenAt(actual, d)
	return quoted(expected, d, escape), quoted(actual, d, escape)
}

// none is the offset of the first difference where there is none.
const none = -1

// excerpt quotes the part of text around offset d, and tells what was left out.
func excerpt(text string, d int) string { return quoted(text, d, false) }

// quoted is an excerpt in which all but ASCII is escaped if escape is set.
func quoted(text string, d int, escape bool) string {
	if text == "" {
		return "(nothing)"
	}
	from, to := max(0, d-before), min(len(text), max(0, d)+after)
	if from < 8 {
		from = 0
	}
	if len(text)-to < 8 {
		to = len(text)
	}
	from, to = runeStart(text, from), runeEnd(text, to)
	s := visible(text[from:to], escape)
	if from > 0 {
		s = "…" + s
	}
	if to < len(text) {
		s += "…"
	}
	switch {
	case from == 0 && to == len(text):
	case d == none:
		s += fmt.Sprintf(" (%d bytes)", len(text))
	default:
		s += fmt.Sprintf(" (%d bytes, first difference at byte %d)", len(text), d)
	}
	return s
}

// runeStart goes back from i to where a rune begins, and runeEnd forth. In what
// is not UTF-8 there may be no such place, so neither goes far.
func runeStart(text string, i int) int {
	for n := 0; n < utf8.UTFMax && i > 0 && i < len(text) && !utf8.RuneStart(text[i]); n++ {
		i--
	}
	return i
}

func runeEnd(text string, i int) int {
	for n := 0; n < utf8.UTFMax && i < len(text) && !utf8.RuneStart(text[i]); n++ {
		i++
	}
	return i
}

// hiddenAt reports whether a difference at offset d may look like none: an
// accent of its own is shown like a letter that has one, and a joiner between
// two runes is not shown at all.
func hiddenAt(text string, d int) bool {
	rest := text[runeStart(text, d):]
	for range 2 { // the accent may stand behind the rune that differs
		r, n := utf8.DecodeRuneInString(rest)
		if r == joiner || unicode.Is(unicode.M, r) {
			return true
		}
		rest = rest[n:]
	}
	return false
}

// joiner makes one emoji of two (U+200D, zero width joiner).
const joiner = '\u200d'

// visible quotes text; what cannot be seen is escaped, and if escape is set all
// but ASCII is. Everything else stays.
func visible(text string, escape bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case (r < utf8.RuneSelf || !escape) && (unicode.IsPrint(r) || r == joiner):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}
