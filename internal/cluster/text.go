package cluster

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// printable makes text from a node safe to show: escape sequences and control
// characters are dropped, tabs become spaces, invalid UTF-8 is replaced.
func printable(raw []byte) string {
	var out strings.Builder
	for len(raw) > 0 {
		if raw[0] == 0x1b {
			raw = raw[escapeLength(raw):]
			continue
		}
		r, size := utf8.DecodeRune(raw)
		raw = raw[size:]
		switch {
		case r == '\t':
			out.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// escapeLength is the length of the terminal escape sequence at the start of raw:
// ESC [ parameters final (ECMA-48 CSI), or ESC and one character.
func escapeLength(raw []byte) int {
	if len(raw) < 2 || raw[1] != '[' {
		return min(2, len(raw))
	}
	for i := 2; i < len(raw); i++ {
		if raw[i] >= 0x40 && raw[i] <= 0x7e {
			return i + 1
		}
	}
	return len(raw)
}

// seconds formats a duration as in "15 s".
func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// shellQuote joins words to a command line for a POSIX shell.
func shellQuote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if word != "" && strings.IndexFunc(word, needsQuote) < 0 {
			quoted[i] = word
			continue
		}
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

func needsQuote(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r))
}
