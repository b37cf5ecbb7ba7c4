package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// shorten keeps the beginning and the end of a text of more than limit bytes,
// and says how much is missing.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	head, tail := limit*3/4, len(text)-limit/4
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return fmt.Sprintf("%s … (%s bytes left out) … %s", text[:head], count(tail-head), text[tail:])
}

// visible gives every character of a text that shows nothing, or that changes
// how its neighbours show, the form that it has in source code: control
// characters, direction overrides, invalid bytes. Lines and tabs stay.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !hidden(r):
			b.WriteRune(r)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	switch {
	case r >= ' ' && r < 0x7f: // by far the most
		return false
	case r == '\n' || r == '\t' || r == '\u200d': // the last joins emoji
		return false
	case r&0xfffe == 0xfffe: // no characters, and refused by XML
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// inline is visible for the beginning of a text that has to stay on one line.
func inline(text string, limit int) string {
	dots := ""
	if len(text) > limit {
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		text, dots = text[:limit], "…"
	}
	text = visible(text)
	if strings.ContainsAny(text, "\n\t") {
		text = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text)
	}
	return text + dots
}

// count writes a number with separators between thousands.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is count and a noun with an s where it belongs.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// span writes how long something took, with the unit that suits it.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2g ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// seconds writes an offset from the run's start in seconds with that many decimals.
func seconds(decimals int) func(time.Duration) string {
	return func(t time.Duration) string { return fmt.Sprintf("%.*f s", decimals, t.Seconds()) }
}

// quote shows a value on one line: as it is if it is plain, as a quoted string
// otherwise. It shows at most limit bytes, and says how many there are.
func quote(value string, limit int) string {
	if len(value) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(value[cut]) {
			cut--
		}
		return strconv.Quote(value[:cut]) + fmt.Sprintf("… (%s bytes)", count(len(value)))
	}
	if q := strconv.Quote(value); q != `"`+value+`"` || value == "" || strings.ContainsRune(value, ' ') {
		return q
	}
	return value
}

// shellWord quotes a path for a POSIX shell, if it needs that.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_-./:=@%+,", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
