package models

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// textHistory is a key to which texts are appended. Lists become texts: each
// element by its length and itself, so that equal texts are equal lists. A key
// without a value holds the empty text.
type textHistory struct {
	ops   []op
	texts []string // by operation: what it wrote or found
	torn  bool     // a read found what can be no value at all
	// whole is what the longest read found, if there are no puts: every other
	// read found a beginning of it.
	whole string
	puts  bool
}

func textOf(k *keyHistory) *textHistory { return textAs(k, holdsLists(k)) }

// textAs reads a key as lists or as plain texts: a part of a key's history must
// be read as the whole is.
func textAs(k *keyHistory, lists bool) *textHistory {
	t := &textHistory{ops: slices.Clone(k.ops)}
	read := make(map[string]bool)
	held := make([]bool, len(k.firstPut))
	var buffer []string
	for i := range t.ops {
		o := &t.ops[i]
		held[o.value] = true
		text, err := "", error(nil)
		switch {
		case o.Value == "" && o.Kind != history.Append || o.isAbsentRead():
		case !lists:
			text = o.Value
		case o.Kind == history.Append:
			text = join([]string{o.Value})
		default:
			buffer, err = parseElements(o.Value, buffer[:0])
			text = join(buffer)
		}
		t.texts = append(t.texts, text)
		t.torn = t.torn || err != nil && o.Kind == history.Get
		t.puts = t.puts || o.Kind == history.Put
		if o.Kind == history.Get {
			t.torn = t.torn || o.Defect != ""
			read[text] = true
			if len(text) > len(t.whole) {
				t.whole = text
			}
		}
		if o.Outcome == history.Unknown {
			o.ret = forever // evidence knows no equal texts but those of equal values
		}
	}
	// For the same reason it may have dropped, of a key without appends, an
	// unknown put that was read all the same: with no value if the text was
	// empty, or written in another way. When it was called is lost.
	for value, n := range k.numbers.all() {
		if held[n] {
			continue
		}
		if lists {
			buffer, _ = parseElements(value, buffer[:0])
			value = join(buffer)
		}
		if read[value] {
			lost := &history.Operation{Kind: history.Put, Key: k.key, Value: value}
			t.ops = append(t.ops, op{Operation: lost, Call: math.MinInt64, ret: forever, Kind: history.Put})
			t.texts = append(t.texts, value)
			t.puts = true
		}
	}
	return t
}

func join(elements []string) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteString(strconv.Itoa(len(e)))
		b.WriteByte(':')
		b.WriteString(e)
	}
	return b.String()
}

// text is a text as it grew, so that two that have a beginning in common share
// it. nil is the empty text. The hash is a polynomial in base, so that the one of
// a longer text follows from it.
type text struct {
	start  *text
	end    string
	length int
	hash   uint64
}

const base = 0x9e3779b97f4a7c15 // odd; any will do, since equal hashes are looked at

// hashOf returns the hash of a text, and base to the power of its length.
func hashOf(s string) (hash, power uint64) {
	power = 1
	for i := range len(s) {
		hash, power = hash*base+uint64(s[i])+1, power*base
	}
	return hash, power
}

func (t *text) size() int {
	if t == nil {
		return 0
	}
	return t.length
}

func (t *text) sum() uint64 {
	if t == nil {
		return 0
	}
	return t.hash
}

// is reports whether the text is s.
func (t *text) is(s string) bool {
	for ; t != nil; t = t.start {
		var ok bool
		if s, ok = strings.CutSuffix(s, t.end); !ok {
			return false
		}
	}
	return s == ""
}

func (t *text) equal(u *text) bool {
	if t.size() != u.size() || t.sum() != u.sum() {
		return false
	}
	for t != u {
		if t.end != u.end {
			return t.is(u.String())
		}
		t, u = t.start, u.start // as long as one another
	}
	return true
}

// String returns the whole text.
func (t *text) String() string {
	out := make([]byte, t.size())
	for ; t != nil; t = t.start {
		copy(out[t.length-len(t.end):], t.end)
	}
	return string(out)
}

// textInput is an operation with its text, hashed.
type textInput struct {
	kind        history.Kind
	text        string
	hash, power uint64
}

// model is a text that grows, and that puts replace. Where there are no puts,
// what is appended must be the next part of the longest read: until it is made,
// the text must be its beginning, or the read could never be made.
func (t *textHistory) model(ctx context.Context) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return (*text)(nil) },
		Step: func(state, input, _ any) (bool, any) {
			if ctx.Err() != nil {
				return false, state
			}
			now, in := state.(*text), input.(*textInput)
			switch {
			case in.kind == history.Get:
				return now.size() == len(in.text) && now.sum() == in.hash && now.is(in.text), state
			case in.kind == history.Put:
				now = nil
			case !t.puts && now.size() < len(t.whole) && !strings.HasPrefix(t.whole[now.size():], in.text):
				return false, state
			}
			if in.text == "" {
				return true, now
			}
			return true, &text{now, in.text, now.size() + len(in.text), now.sum()*in.power + in.hash}
		},
		Equal: func(a, b any) bool { return a.(*text).equal(b.(*text)) },
		Hash:  func(state any) uint64 { return state.(*text).sum() },
	}
}

func searchText(ctx context.Context, t *textHistory) (bool, error) {
	if t.torn {
		return false, nil
	}
	var ops []porcupine.Operation
	for i := range t.ops {
		if ctx.Err() != nil {
			break // search returns the error
		}
		o := &t.ops[i]
		if o.Outcome == history.Unknown && !t.seen(i) {
			continue // it may as well never take effect
		}
		in := &textInput{kind: o.Kind, text: t.texts[i]}
		in.hash, in.power = hashOf(in.text)
		ops = append(ops, porcupine.Operation{ClientId: o.Client, Input: in, Call: int64(o.Call), Return: int64(o.ret)})
	}
	return search(ctx, t.model(ctx), ops)
}

// seen reports whether any read can have found what operation i wrote: what was
// appended is part of it, what was put is its beginning.
func (t *textHistory) seen(i int) bool {
	if !t.puts {
		return strings.Contains(t.whole, t.texts[i])
	}
	for j := range t.ops {
		if t.ops[j].Kind == history.Get && shows(t.texts[j], t.ops[i].Kind, t.texts[i]) {
			return true
		}
	}
	return false
}

func shows(found string, kind history.Kind, written string) bool {
	if kind == history.Put {
		return strings.HasPrefix(found, written)
	}
	return strings.Contains(found, written)
}
