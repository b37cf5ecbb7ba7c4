package formats

import (
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// ednReader reads EDN values. Its size limits are those of one operation: the
// caller sets parts to 0 before each.
type ednReader struct {
	*ednScanner
	depth, parts int
}

// next passes white space, comments and discarded values, and returns the byte
// that follows without using it up; 0 at the end.
func (e *ednReader) next() (byte, error) {
	for {
		if !e.skipSpace() {
			return 0, e.endError()
		}
		b := e.buf[e.pos]
		if b != '#' {
			return b, nil
		}
		// #_ discards the next value; everything else with # is a value.
		e.pos++
		second, ok := e.peek()
		if !ok {
			return 0, e.brokenOff("a value")
		}
		if second != '_' {
			return '#', nil // it has been used up: there is no other value that begins so
		}
		e.pos++
		if err := e.enter(); err != nil {
			return 0, err
		}
		if _, err := e.value("a discarded value"); err != nil {
			return 0, err
		}
		e.depth--
	}
}

func (e *ednReader) enter() error {
	if e.depth++; e.depth > maxDepth {
		return e.fail("values are nested more than %d deep", maxDepth)
	}
	return nil
}

// value reads the next value; where names what it is part of.
func (e *ednReader) value(where string) (value, error) {
	b, err := e.next()
	switch {
	case err != nil:
		return value{}, err
	case b == 0:
		return value{}, e.brokenOff(where)
	}
	return e.valueAt(b)
}

// valueAt reads the value that begins with b, which next has returned.
func (e *ednReader) valueAt(b byte) (value, error) {
	if e.parts++; e.parts > maxParts {
		return value{}, e.fail("an operation holds more than %d values", maxParts)
	}
	switch b {
	case '[':
		e.pos++
		return e.items(formList, ']', "a vector")
	case '(':
		e.pos++
		return e.items(formList, ')', "a list")
	case '{':
		e.pos++
		return e.items(formMap, '}', "a map")
	case '#':
		return e.dispatch()
	case '"':
		e.pos++
		text, err := e.text()
		return value{form: formString, text: text}, err
	case '\\':
		return e.char()
	case ']', ')', '}':
		return value{}, e.fail("%q closes nothing", b)
	}
	return e.scalar()
}

// items reads the rest of a collection.
func (e *ednReader) items(kind form, closing byte, name string) (value, error) {
	v := value{form: kind}
	line := e.lines + 1
	if err := e.enter(); err != nil {
		return v, err
	}
	for {
		b, err := e.next()
		switch {
		case err != nil:
			return v, err
		case b == 0:
			return v, e.brokenOff(name + " that begins on line " + strconv.Itoa(line))
		case b == closing:
			if e.pos++; kind == formMap && len(v.items)%2 != 0 {
				return v, e.fail("a map has a key without a value")
			}
			e.depth--
			return v, nil
		}
		item, err := e.valueAt(b)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
}

// dispatch reads what follows a #: a set, or a tag and its value.
func (e *ednReader) dispatch() (value, error) {
	b, _ := e.peek()
	switch b {
	case '{':
		e.pos++
		return e.items(formSet, '}', "a set")
	case '#': // ##Inf, ##NaN
		e.pos++
		name, err := e.atom()
		return value{form: formSymbol, text: "##" + e.name(name)}, err
	}
	tag, err := e.tag()
	if err != nil {
		return value{}, err
	}
	if err := e.enter(); err != nil {
		return value{}, err
	}
	item, err := e.value("a tagged value")
	e.depth--
	return value{form: formTagged, text: tag, items: []value{item}}, err
}

func (e *ednReader) tag() (string, error) {
	b, err := e.atom()
	switch {
	case err != nil:
		return "", err
	case len(b) == 0:
		return "", e.fail("a # stands alone: it begins a set or a tag")
	}
	return e.name(b), nil
}

// char reads a character such as \a, \newline or \u00e9, and keeps it as it is written.
func (e *ednReader) char() (value, error) {
	e.pos++
	first, ok := e.peek()
	if !ok {
		return value{}, e.brokenOff("a character")
	}
	text := "\\"
	if ends(first) { // \( is a character
		if first == '\n' {
			return value{}, e.fail("a backslash stands alone")
		}
		text += string(first)
		e.pos++
		return value{form: formChar, text: text}, nil
	}
	b, err := e.atom()
	return value{form: formChar, text: text + string(b)}, err
}

// scalar reads a keyword, a number, or a symbol such as nil and true.
func (e *ednReader) scalar() (value, error) {
	b, err := e.atom()
	if err != nil {
		return value{}, err
	}
	if len(b) == 0 { // no byte that may begin a value ends an atom
		return value{}, e.fail("this is not EDN")
	}
	digits := b
	if (b[0] == '-' || b[0] == '+') && len(b) > 1 {
		digits = b[1:]
	}
	switch {
	case b[0] == ':':
		if len(b) == 1 {
			return value{}, e.fail("a colon stands alone: it begins a keyword")
		}
		return value{form: formKeyword, text: e.name(b)}, nil
	case digits[0] >= '0' && digits[0] <= '9':
		return e.number(b)
	case string(b) == "nil":
		return value{}, nil
	case string(b) == "true" || string(b) == "false":
		return value{form: formBool, text: e.name(b)}, nil
	}
	for _, c := range b {
		if c < ' ' || c == '`' || c == '~' || c == '@' || c == '^' || c == 0x7f {
			return value{}, e.fail("%q is not EDN", shortened(string(b)))
		}
	}
	return value{form: formSymbol, text: e.name(b)}, nil
}

// maxDigits bounds a number, in bytes: none that anybody means is longer.
const maxDigits = 400

// number reads a whole number of any size, one with a fraction, or a ratio.
func (e *ednReader) number(b []byte) (value, error) {
	if len(b) > maxDigits {
		return value{}, e.fail("a number is longer than %d digits", maxDigits)
	}
	text := string(b)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value{form: formInteger, text: strconv.FormatInt(n, 10)}, nil
	}
	if n, ok := new(big.Int).SetString(strings.TrimSuffix(text, "N"), 10); ok {
		return value{form: formInteger, text: n.String()}, nil
	}
	// An M asks for all digits to be kept.
	exact, isExact := strings.CutSuffix(text, "M")
	if f, err := strconv.ParseFloat(exact, 64); err == nil && !strings.ContainsAny(text, "_xXpP") {
		if !isExact {
			exact = strconv.FormatFloat(f, 'g', -1, 64)
		}
		return value{form: formNumber, text: exact}, nil
	}
	if above, below, ok := strings.Cut(text, "/"); ok && isInteger(above) && isInteger(below) {
		return value{form: formNumber, text: text}, nil
	}
	// Java's object addresses, in #object[Name 0x1f "…"].
	if _, err := strconv.ParseUint(text, 0, 64); err == nil && strings.HasPrefix(text, "0x") {
		return value{form: formSymbol, text: text}, nil
	}
	return value{}, e.fail("%q is not a number", text)
}

func isInteger(text string) bool {
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// endError is nil at the end of the text, else why reading failed.
func (e *ednReader) endError() error {
	if errors.Is(e.err, io.EOF) {
		return nil
	}
	return e.err
}
