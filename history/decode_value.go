package history

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep lists and objects may be nested in a member that means nothing.
const maxDepth = 1000

// object reads an object and calls read for each member that has one of the names.
func (d *decoder) object(want string, names []string, read func(m int) error) error {
	if err := d.open('{', want); err != nil {
		return err
	}
	var seen members
	for next := 0; ; {
		if d.dec.PeekKind() == '}' {
			return d.close()
		}
		quoted, err := d.dec.ReadValue()
		if err != nil {
			return d.explain(err)
		}
		m := memberOf(quoted[1:len(quoted)-1], names, next)
		if m < 0 && bytes.IndexByte(quoted, '\\') >= 0 {
			name, _ := jsontext.AppendUnquote(nil, quoted) // ReadValue has checked it
			m = memberOf(name, names, next)
		}
		if m < 0 {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		if seen.has(m) {
			return d.fail("%s has two members %q", d.whereIn(), names[m])
		}
		seen |= 1 << m
		next = m + 1
		d.member = names[m]
		if err := read(m); err != nil {
			return err
		}
		d.member = ""
	}
}

// memberOf returns the index of a name, or -1. It tries first the one that is
// expected next.
func memberOf(name []byte, names []string, next int) int {
	for i := next; i < len(names); i++ {
		if string(name) == names[i] {
			return i
		}
	}
	for i := range next {
		if string(name) == names[i] {
			return i
		}
	}
	return -1
}

// list reads a list of items and calls read for each.
func (d *decoder) list(item string, read func() error) error {
	if err := d.open('[', "a list"); err != nil {
		return err
	}
	list := d.member
	d.item, d.member, d.index = item, "", 0
	for d.dec.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
		d.index++
	}
	d.item, d.member = "", list
	return d.close()
}

// open reads the bracket that an object or a list begins with.
func (d *decoder) open(kind jsontext.Kind, want string) error {
	next := d.dec.PeekKind()
	if next == kind || next == jsontext.KindInvalid {
		return d.close() // or learns why nothing follows
	}
	v, err := d.dec.ReadValue()
	if err != nil {
		return d.explain(err)
	}
	return d.wrong(v, want)
}

// close reads a bracket that is known to come.
func (d *decoder) close() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return d.explain(err)
	}
	return nil
}

// end makes sure that nothing follows.
func (d *decoder) end() error {
	if d.dec.PeekKind() == jsontext.KindInvalid {
		if _, err := d.dec.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return d.failAt(d.nextOffset(), "something follows the history's closing brace")
}

// skip reads a value that means nothing, and keeps none of it.
func (d *decoder) skip() error {
	for depth := 0; ; {
		var err error
		switch d.dec.PeekKind() {
		case '{', '[':
			if depth++; depth > maxDepth {
				return d.failAt(d.nextOffset(), "%s: lists and objects are nested more than %d deep", d.whereIn(), maxDepth)
			}
			_, err = d.dec.ReadToken()
		case '}', ']':
			depth--
			_, err = d.dec.ReadToken()
		default:
			_, err = d.dec.ReadValue()
		}
		if err != nil {
			return d.explain(err)
		}
		if depth <= 0 {
			return nil
		}
	}
}

// value reads a value as a whole; it is empty for null, and valid until the next read.
func (d *decoder) value() (jsontext.Value, error) {
	v, err := d.dec.ReadValue()
	if err != nil {
		return nil, d.explain(err)
	}
	if v[0] == 'n' {
		return nil, nil
	}
	return v, nil
}

// readText, readNumber and readFlag leave their target alone if the value is
// null, and then report false: null is as good as a missing member.
func (d *decoder) readText(into *string) (bool, error) {
	v, err := d.value()
	if err != nil || len(v) == 0 {
		return false, err
	}
	if v[0] != '"' {
		return false, d.wrong(v, "a string")
	}
	*into = d.unquote(v)
	return true, nil
}

func (d *decoder) unquote(v jsontext.Value) string {
	text := []byte(v[1 : len(v)-1])
	if bytes.IndexByte(text, '\\') >= 0 {
		d.buf, _ = jsontext.AppendUnquote(d.buf[:0], v) // ReadValue has checked it
		text = d.buf
	}
	return d.texts.get(text)
}

func readNumber[T ~int | ~int64](d *decoder, into *T) (bool, error) {
	const want = "a whole number"
	v, err := d.value()
	if err != nil || len(v) == 0 {
		return false, err
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	*into = T(n)
	switch {
	case err == nil && int64(*into) == n:
		return true, nil
	case err == nil || errors.Is(err, strconv.ErrRange):
		return false, d.wrong(v, want+" of 64 bits")
	case v.Kind() == '0':
		return false, d.wrong(v, want+" without fraction or exponent")
	}
	return false, d.wrong(v, want)
}

func (d *decoder) readFlag(into *bool) (bool, error) {
	const want = "true or false"
	v, err := d.value()
	if err != nil || len(v) == 0 {
		return false, err
	}
	if v[0] != 't' && v[0] != 'f' {
		return false, d.wrong(v, want)
	}
	*into = v[0] == 't'
	return true, nil
}

func (d *decoder) readTexts(into *[]string) error {
	const want = "a list of strings"
	if d.dec.PeekKind() == 'n' {
		return d.skip()
	}
	if err := d.open('[', want); err != nil {
		return err
	}
	*into = []string{}
	for d.dec.PeekKind() != ']' {
		v, err := d.value()
		if err != nil {
			return err
		}
		if len(v) == 0 || v[0] != '"' {
			return d.fail("%s holds something else than strings, want %s", d.where(), want)
		}
		*into = append(*into, d.unquote(v))
	}
	return d.close()
}

// textCache returns one string for equal texts that come soon after each other,
// such as the names of nodes and keys, and a value and the reads of it.
type textCache struct {
	seed  maphash.Seed
	texts [1 << 10]string
}

func (c *textCache) get(text []byte) string {
	const long = 64
	if len(text) > long {
		return string(text)
	}
	slot := &c.texts[maphash.Bytes(c.seed, text)%uint64(len(c.texts))]
	if *slot != string(text) {
		*slot = string(text)
	}
	return *slot
}
