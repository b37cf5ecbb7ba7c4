package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// textWidth is where text for reading is wrapped at the latest, in columns.
const textWidth = 96

// columns is where text on w is wrapped.
func columns(w io.Writer) int {
	if width, ok := terminal(w); ok {
		return min(width, textWidth)
	}
	return textWidth
}

// wrap breaks text into lines of that many columns, if its words allow. The
// first line begins with first, the others with rest.
func wrap(text string, width int, first, rest string) string {
	var b strings.Builder
	line, empty := first, true
	// Split at single spaces, so that alignment and what is quoted stay as they are.
	for word := range strings.SplitSeq(text, " ") {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(line)
	return b.String()
}

// shellWord quotes a word for a POSIX shell, if it needs that.
func shellWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
