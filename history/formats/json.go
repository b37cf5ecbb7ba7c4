package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/st3v3nmw/lsfr/history"
)

// jsonReader reads JSON objects that stand one after the other, or in one list.
type jsonReader struct {
	dec *jsontext.Decoder
	in  *jsonSource
	// inList is set within the list, done behind it.
	inList, done bool
	parts        int
}

// jsonSource counts line breaks, and stops a reader that collects a value
// without end.
type jsonSource struct {
	r        io.Reader
	n, limit int64
	newlines int
	err      error
}

var errTooLong = fmt.Errorf("a value is longer than %d MiB", maxToken>>20)

func (s *jsonSource) Read(b []byte) (int, error) {
	if s.n >= s.limit {
		s.err = errTooLong
		return 0, s.err
	}
	n, err := s.r.Read(b)
	s.n += int64(n)
	s.newlines += bytes.Count(b[:n], []byte{'\n'})
	if err != nil {
		s.err = err
	}
	return n, err
}

func newJSONReader(r io.Reader) *jsonReader {
	in := &jsonSource{r: r, limit: maxToken}
	return &jsonReader{dec: jsontext.NewDecoder(in), in: in}
}

// position returns the line and the offset of the next token.
func (j *jsonReader) position() (int, int64) {
	ahead := j.dec.UnreadBuffer()
	skip := len(ahead) - len(bytes.TrimLeft(ahead, " \t\r\n,:"))
	return j.in.newlines - bytes.Count(ahead[skip:], []byte{'\n'}) + 1, j.dec.InputOffset() + int64(skip)
}

// line returns the line of an offset that is not before the next token.
func (j *jsonReader) line(offset int64) int {
	ahead := j.dec.UnreadBuffer()
	passed := min(max(offset-j.dec.InputOffset(), 0), int64(len(ahead)))
	return j.in.newlines - bytes.Count(ahead[passed:], []byte{'\n'}) + 1
}

func (j *jsonReader) fail(format string, args ...any) error {
	line, offset := j.position()
	return &history.SyntaxError{Line: line, Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// explain turns the decoder's error into one with a position.
func (j *jsonReader) explain(err error) error {
	if j.in.err != nil && !errors.Is(j.in.err, io.EOF) {
		if errors.Is(j.in.err, errTooLong) {
			return j.fail("%v", errTooLong)
		}
		return j.in.err
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at := syntax.ByteOffset
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return &history.SyntaxError{Line: j.line(at), Offset: at, Msg: "the file breaks off inside an operation"}
		}
		msg := strings.TrimPrefix(syntax.Err.Error(), "jsontext: ")
		return &history.SyntaxError{Line: j.line(at), Offset: at, Msg: "this is not JSON: " + msg}
	}
	return j.fail("this is not JSON: %v", err)
}

// nextObject passes to the next object; false at the end.
func (j *jsonReader) nextObject() (bool, error) {
	j.parts = 0
	j.in.limit = j.dec.InputOffset() + maxToken
	for {
		if j.done {
			return false, j.end()
		}
		switch kind := j.dec.PeekKind(); {
		case kind == '{':
			return true, nil
		case kind == '[' && !j.inList && j.dec.InputOffset() == 0, kind == ']' && j.inList:
			if _, err := j.dec.ReadToken(); err != nil {
				return false, j.explain(err)
			}
			j.done, j.inList = kind == ']', true
		case kind == jsontext.KindInvalid:
			_, err := j.dec.ReadToken()
			if errors.Is(err, io.EOF) && j.in.err == io.EOF && !j.inList { //nolint:errorlint // a wrapped one is an error
				return false, nil
			}
			return false, j.explain(err)
		default:
			return false, j.fail("a history consists of objects; this is none")
		}
	}
}

// end makes sure that nothing follows the list.
func (j *jsonReader) end() error {
	_, err := j.dec.ReadToken()
	switch {
	case err == nil:
		return j.fail("something follows the history's closing bracket")
	case errors.Is(err, io.EOF) && j.in.err == io.EOF: //nolint:errorlint // see above
		return nil
	}
	return j.explain(err)
}

// value reads the next value.
func (j *jsonReader) value(depth int) (value, error) {
	switch j.parts++; {
	case j.parts > maxParts:
		return value{}, j.fail("an operation holds more than %d values", maxParts)
	case depth > maxDepth:
		return value{}, j.fail("values are nested more than %d deep", maxDepth)
	}
	tok, err := j.dec.ReadToken()
	if err != nil {
		return value{}, j.explain(err)
	}
	switch tok.Kind() {
	case 'n':
		return value{}, nil
	case 't', 'f':
		return value{form: formBool, text: tok.String()}, nil
	case '"':
		return value{form: formString, text: tok.String()}, nil
	case '0':
		return jsonNumber(tok.String()), nil
	case '[':
		return j.items(formList, ']', depth)
	}
	return j.items(formMap, '}', depth)
}

func (j *jsonReader) items(kind form, closing jsontext.Kind, depth int) (value, error) {
	v := value{form: kind}
	for {
		if j.dec.PeekKind() == closing {
			if _, err := j.dec.ReadToken(); err != nil {
				return v, j.explain(err)
			}
			return v, nil
		}
		item, err := j.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
}

// jsonNumber reads a number that is known to be one. JSON does not tell 1 from
// 1.0, so whole numbers are whole however they are written.
func jsonNumber(text string) value {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value{form: formInteger, text: strconv.FormatInt(n, 10)}
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !strings.ContainsAny(text, ".eE"):
		return value{form: formNumber, text: shortened(text)}
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return value{form: formInteger, text: strconv.FormatInt(int64(f), 10)}
	}
	return value{form: formNumber, text: strconv.FormatFloat(f, 'g', -1, 64)}
}
