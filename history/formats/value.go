package formats

import (
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// form is the kind of a value.
type form uint8

const (
	formNil form = iota
	formBool
	formInteger
	formNumber // with a fraction, an exponent, or a ratio
	formString
	formKeyword
	formSymbol
	formChar
	formList // a vector or a list
	formSet
	formMap // items are keys and values in turns
	formTagged
)

// value is any value of EDN or JSON.
type value struct {
	// text is a scalar as String returns it, or the tag of the only item.
	text  string
	items []value
	form  form
}

func (v *value) isNil() bool        { return v.form == formNil }
func (v *value) isCollection() bool { return v.form == formList || v.form == formSet }

// bare returns the value without its tags, such as #ordered/set.
func (v *value) bare() *value {
	for v.form == formTagged {
		v = &v.items[0]
	}
	return v
}

// pair returns the items of a list of two.
func (v *value) pair() (first, second *value, ok bool) {
	v = v.bare()
	if v.form != formList || len(v.items) != 2 {
		return nil, nil, false
	}
	return &v.items[0], &v.items[1], true
}

// String returns the text that stands for the value in a history: of a string
// its text, of a whole number its digits, of a list or a set what
// history.FormatElements makes of its items, and of everything else EDN. Equal
// values have equal texts.
func (v *value) String() string {
	switch v.form {
	case formList:
		return history.FormatElements(texts(v.items))
	case formSet:
		elements := texts(v.items)
		slices.Sort(elements)
		return history.FormatElements(elements)
	case formNil, formMap, formTagged:
		return string(v.appendEDN(nil))
	}
	return v.text
}

func texts(items []value) []string {
	out := make([]string, len(items))
	for i := range items {
		out[i] = items[i].String()
	}
	return out
}

// name returns a keyword without its colon, or a symbol or a string: JSON has
// no keywords.
func (v *value) name() (string, bool) {
	switch v.form {
	case formKeyword, formSymbol, formString:
		return strings.TrimPrefix(v.text, ":"), true
	}
	return "", false
}

func (v *value) appendEDN(b []byte) []byte {
	switch v.form {
	case formNil:
		return append(b, "nil"...)
	case formString:
		return appendQuoted(b, v.text)
	case formList:
		return append(appendJoined(append(b, '['), edn(v.items)), ']')
	case formSet:
		elements := edn(v.items)
		slices.Sort(elements)
		return append(appendJoined(append(b, "#{"...), elements), '}')
	case formMap:
		var entries []string
		for i := 0; i+1 < len(v.items); i += 2 {
			entries = append(entries, string(v.items[i+1].appendEDN(append(v.items[i].appendEDN(nil), ' '))))
		}
		slices.Sort(entries)
		return append(appendJoined(append(b, '{'), entries), '}')
	case formTagged:
		return v.items[0].appendEDN(append(append(append(b, '#'), v.text...), ' '))
	}
	return append(b, v.text...)
}

func edn(items []value) []string {
	out := make([]string, len(items))
	for i := range items {
		out[i] = string(items[i].appendEDN(nil))
	}
	return out
}

func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}

func appendJoined(b []byte, texts []string) []byte {
	for i, t := range texts {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, t...)
	}
	return b
}
