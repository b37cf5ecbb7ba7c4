package formats

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
)

// ednScanner reads the smallest parts of EDN (github.com/edn-format/edn) from a
// stream: white space, atoms and strings. It holds one of them at a time.
type ednScanner struct {
	r   io.Reader
	buf []byte
	// buf[pos:end] was read but not used.
	pos, end int
	// consumed counts the bytes before buf[0], lines the line breaks before buf[pos].
	consumed int64
	lines    int
	// err is why there is no more to read.
	err error
	// part collects what does not lie in buf as a whole.
	part []byte
	// names are the keywords and symbols seen so far: they come again and again.
	names map[string]string
}

const maxNames = 4096

func newEDNScanner(r io.Reader, size int) *ednScanner {
	return &ednScanner{r: r, buf: make([]byte, size), names: make(map[string]string)}
}

// fail returns an error at the present position.
func (s *ednScanner) fail(format string, args ...any) error {
	return &history.SyntaxError{Line: s.lines + 1, Offset: s.offset(), Msg: fmt.Sprintf(format, args...)}
}

func (s *ednScanner) offset() int64 { return s.consumed + int64(s.pos) }

// fill reads on when buf is used up, and reports whether there is more.
func (s *ednScanner) fill() bool {
	for s.err == nil {
		s.consumed += int64(s.end)
		s.pos, s.end = 0, 0
		s.end, s.err = s.r.Read(s.buf)
		if s.end > 0 {
			return true
		}
	}
	return false
}

// peek returns the next byte; false at the end, or if reading failed.
func (s *ednScanner) peek() (byte, bool) {
	if s.pos == s.end && !s.fill() {
		return 0, false
	}
	return s.buf[s.pos], true
}

// brokenOff is the error for an end in the middle of something.
func (s *ednScanner) brokenOff(what string) error {
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return s.fail("the file breaks off inside %s", what)
}

// skipSpace passes white space and comments. It reports whether something follows.
func (s *ednScanner) skipSpace() bool {
	comment := false
	for {
		if s.pos == s.end && !s.fill() {
			return false
		}
		for i, b := range s.buf[s.pos:s.end] {
			switch {
			case b == '\n':
				s.lines++
				comment = false
			case comment:
			case b == ';':
				comment = true
			case b != ' ' && b != ',' && b != '\t' && b != '\r' && b != '\f' && b != '\v':
				s.pos += i
				return true
			}
		}
		s.pos = s.end
	}
}

// ends reports whether a byte ends an atom.
func ends(b byte) bool {
	switch b {
	case ' ', ',', '\t', '\n', '\r', '\f', '\v', '(', ')', '[', ']', '{', '}', '"', ';':
		return true
	}
	return false
}

// atom reads up to the next byte that ends an atom. The result is valid until
// the next call, and empty if such a byte comes first.
func (s *ednScanner) atom() ([]byte, error) {
	s.part = s.part[:0]
	for s.pos < s.end || s.fill() {
		rest := s.buf[s.pos:s.end]
		n := 0
		for n < len(rest) && !ends(rest[n]) {
			n++
		}
		s.pos += n
		if n < len(rest) && len(s.part) == 0 {
			return s.utf8(rest[:n])
		}
		if err := s.collect(rest[:n]); err != nil {
			return nil, err
		}
		if n < len(rest) {
			break
		}
	}
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return nil, s.err
	}
	return s.utf8(s.part)
}

func (s *ednScanner) utf8(b []byte) ([]byte, error) {
	if !utf8.Valid(b) {
		return nil, s.fail("a name or a text is not UTF-8: convert the file to UTF-8 first")
	}
	return b, nil
}

func (s *ednScanner) collect(b []byte) error {
	if len(s.part)+len(b) > maxToken {
		return s.fail("a value is longer than %d MiB", maxToken>>20)
	}
	s.part = append(s.part, b...)
	return nil
}

// name returns b as a string, the same one for equal names.
func (s *ednScanner) name(b []byte) string {
	if known, ok := s.names[string(b)]; ok {
		return known
	}
	name := string(b)
	if len(s.names) < maxNames && len(name) < maxNote {
		s.names[name] = name
	}
	return name
}

// text reads a string, whose first quote has been passed.
func (s *ednScanner) text() (string, error) {
	s.part = s.part[:0]
	for s.pos < s.end || s.fill() {
		rest := s.buf[s.pos:s.end]
		n := 0
		for n < len(rest) && rest[n] != '"' && rest[n] != '\\' {
			if rest[n] == '\n' {
				s.lines++
			}
			n++
		}
		s.pos += n
		if err := s.collect(rest[:n]); err != nil {
			return "", err
		}
		if n == len(rest) {
			continue
		}
		s.pos++
		if rest[n] == '"' {
			b, err := s.utf8(s.part)
			return string(b), err
		}
		if err := s.escape(); err != nil {
			return "", err
		}
	}
	return "", s.brokenOff("a string")
}

// escape reads what follows a backslash in a string.
func (s *ednScanner) escape() error {
	b, ok := s.peek()
	if !ok {
		return s.brokenOff("a string")
	}
	s.pos++
	switch b {
	case '"', '\\', '/', '\'':
		return s.collect([]byte{b})
	case 't':
		return s.collect([]byte{'\t'})
	case 'r':
		return s.collect([]byte{'\r'})
	case 'n':
		return s.collect([]byte{'\n'})
	case 'b':
		return s.collect([]byte{'\b'})
	case 'f':
		return s.collect([]byte{'\f'})
	case 'u':
		return s.unicode()
	}
	return s.fail("a string holds \\%c, which is no escape of EDN", b)
}
