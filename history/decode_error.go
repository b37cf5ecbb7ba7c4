package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// where names what is being read, for messages.
func (d *decoder) where() string {
	switch {
	case d.item != "" && d.member != "":
		return fmt.Sprintf("%s number %d: %q", d.item, d.index+1, d.member)
	case d.member != "":
		return fmt.Sprintf("%q", d.member)
	}
	return d.whereIn()
}

// whereIn names the object around it.
func (d *decoder) whereIn() string {
	if d.item != "" {
		return fmt.Sprintf("%s number %d", d.item, d.index+1)
	}
	return "the file"
}

// wrong says that the value just read is not what belongs here.
func (d *decoder) wrong(v jsontext.Value, want string) error {
	found := shorten(string(v))
	switch v.Kind() {
	case '{':
		found = "an object"
	case '[':
		found = "a list"
	}
	begin := d.dec.InputOffset() - int64(len(v))
	return &SyntaxError{
		Line: d.lineAt(d.dec.InputOffset()) - bytes.Count(v, newline), Offset: begin,
		Msg: fmt.Sprintf("%s is %s, want %s", d.where(), found, want),
	}
}

// explain turns an error of the JSON decoder into a SyntaxError, but leaves a
// break-off as it is.
func (d *decoder) explain(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTooLong):
		return d.failAt(d.nextOffset(), "a value is longer than %d MiB", maxValue>>20)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case !errors.As(err, &syntax):
		return fmt.Errorf("%s: %w", d.where(), err)
	}
	hint := ""
	unread := d.dec.UnreadBuffer()
	if at := syntax.ByteOffset - d.dec.InputOffset(); at >= 0 && at < int64(len(unread)) {
		if r, n := utf8.DecodeRune(unread[at:]); r == utf8.RuneError && n == 1 {
			return d.failAt(syntax.ByteOffset, "%s is not UTF-8: the byte 0x%02x stands in it; convert the file to UTF-8", d.where(), unread[at])
		}
		if unread[at] == ',' {
			hint = " (is there a comma too many?)"
		}
	}
	return d.failAt(syntax.ByteOffset, "%s is not JSON: %v%s", d.where(), syntax.Err, hint)
}

func (d *decoder) fail(format string, args ...any) error {
	return d.failAt(d.dec.InputOffset(), format, args...)
}

func (d *decoder) failAt(offset int64, format string, args ...any) error {
	return &SyntaxError{Line: d.lineAt(offset), Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// lineAt returns the line of an offset between what has been consumed and what has been read.
func (d *decoder) lineAt(offset int64) int {
	unread := d.dec.UnreadBuffer()
	ahead := min(max(offset-d.dec.InputOffset(), 0), int64(len(unread)))
	return d.src.line - bytes.Count(unread[ahead:], newline)
}

// nextOffset returns where the next token begins, as far as has been read.
func (d *decoder) nextOffset() int64 {
	unread := d.dec.UnreadBuffer()
	return d.dec.InputOffset() + int64(len(unread)-len(bytes.TrimLeft(unread, " \t\r\n,:")))
}

// shorten keeps a message readable whatever the file holds.
func shorten(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	n := most
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
