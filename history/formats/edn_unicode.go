package formats

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// unicode reads the four digits of \uXXXX in a string, and the second half of a
// character that needs two of them.
func (s *ednScanner) unicode() error {
	r, err := s.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		for _, want := range []byte{'\\', 'u'} {
			if b, ok := s.peek(); !ok || b != want {
				return s.fail("a string holds one half of a character, \\u%04x", r)
			}
			s.pos++
		}
		low, err := s.hex4()
		if err != nil {
			return err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return s.fail("a string holds one half of a character, \\u%04x", low)
		}
	}
	return s.collect(utf8.AppendRune(nil, r))
}

func (s *ednScanner) hex4() (rune, error) {
	var digits [4]byte
	for i := range digits {
		b, ok := s.peek()
		if !ok {
			return 0, s.brokenOff("a string")
		}
		digits[i] = b
		if b == '"' || b == '\n' { // where the string ends, or a line: neither is a digit
			return 0, s.fail("a string holds \\u without four digits")
		}
		s.pos++
	}
	r, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return 0, s.fail("a string holds \\u%s, want four hexadecimal digits", digits)
	}
	return rune(r), nil
}
