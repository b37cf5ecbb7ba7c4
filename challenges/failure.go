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

// Failf returns a Failure with a summary only.
func Failf(format string, args ...any) error { return &Failure{Summary: fmt.Sprintf(format, args...)} }

const (
	// before and after are how many bytes are shown on either side of the first difference.
	before = 24
	after  = 56
)

// Contrast shows two texts on one line each, shortened around their first
// difference and with everything invisible made visible.
func Contrast(expected, actual string) (shownExpected, shownActual string) {
	d := 0
	for d < len(expected) && d < len(actual) && expected[d] == actual[d] {
		d++
	}
	if expected == actual {
		d = 0
	}
	return excerpt(expected, d), excerpt(actual, d)
}

// excerpt quotes text around offset d, and tells what was left out.
func excerpt(text string, d int) string {
	if text == "" {
		return "(nothing)"
	}
	from, to := max(0, d-before), min(len(text), d+after)
	if from < 8 {
		from = 0
	}
	if len(text)-to < 8 {
		to = len(text)
	}
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	s := visible(text[from:to])
	if from > 0 {
		s = "…" + s
	}
	if to < len(text) {
		s += "…"
	}
	if from > 0 || to < len(text) {
		s += fmt.Sprintf(" (%d bytes, first difference at byte %d)", len(text), d)
	}
	return s
}

// visible quotes text; what cannot be seen is escaped, everything else stays.
func visible(text string) string {
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
		case r == ' ' || unicode.IsPrint(r) || r == '\u200d':
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}
