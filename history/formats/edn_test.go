package formats

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/st3v3nmw/lsfr/history"
)

func parse(text string) (value, error) {
	e := &ednReader{ednScanner: newEDNScanner(iotest.OneByteReader(strings.NewReader(text)), 16)}
	v, err := e.value("the test")
	if err != nil {
		return v, err
	}
	if b, err := e.next(); err != nil || b != 0 {
		return v, errors.Join(errors.New("something follows"), err)
	}
	return v, nil
}

func TestEDNValuesAreReadAndWrittenCanonically(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"nil", "nil"},
		{"true", "true"},
		{" , \n false", "false"},
		{"0", "0"},
		{"-0", "0"},
		{"+17", "17"},
		{"42N", "42"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.50", "1.5"},
		{"1e3", "1000"},
		{"1.50M", "1.50"},
		{"1/3", "1/3"},
		{"##NaN", "##NaN"},
		{":a", ":a"},
		{":jepsen.nemesis/kill", ":jepsen.nemesis/kill"},
		{"sym-bol.x/y*", "sym-bol.x/y*"},
		{"-", "-"},
		{`"a \"b\" \\ \n\t\u00e9 \ud83d\ude00"`, "a \"b\" \\ \n\té 😀"},
		{`""`, ""},
		{`\a`, `\a`},
		{`\newline`, `\newline`},
		{`\(`, `\(`},
		{`[1 "a" :b nil]`, `["1","a",":b","nil"]`},
		{`(1 2)`, `["1","2"]`},
		{`[]`, `[]`},
		{`#{3 1 2}`, `["1","2","3"]`},
		{`[[1 "a"] #{2 1}]`, `["[\"1\",\"a\"]","[\"1\",\"2\"]"]`},
		{`{:b 1, :a [1 "x\"y"]}`, `{:a [1 "x\"y"] :b 1}`},
		{`#inst "2026-01-01"`, `#inst "2026-01-01"`},
		{`#object[a.B 0x1f "x"]`, `#object [a.B 0x1f "x"]`},
		{`#_ 1 #_ #_ 2 3 4 ; five`, "4"},
		{`[1 #_ {:a 1} 2]`, `["1","2"]`},
		{`; a comment "` + "\n1", "1"},
		{`[1;2]` + "\n3]", `["1","3"]`},
		{`"a"`, "a"},
	}
	for _, tt := range tests {
		v, err := parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if got := v.String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestDefectiveEDNIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"a vector without its end", "[1\n2\n", 3, "breaks off inside a vector that begins on line 1"},
		{"a map without its end", "\n{:a", 2, "breaks off inside a map that begins on line 2"},
		{"a string without its end", "\"ab\n", 2, "breaks off inside a string"},
		{"nothing", "", 1, "breaks off"},
		{"a tag without a value", "#a", 1, "breaks off"},
		{"a wrong bracket", "[1\n)", 2, `')' closes nothing`},
		{"a bracket too many", "]", 1, `']' closes nothing`},
		{"a key without a value", "{:a 1 :b}", 1, "a key without a value"},
		{"half a number", "12x4", 1, `"12x4" is not a number`},
		{"a hexadecimal float", "0x1p-2", 1, "is not a number"},
		{"a number with underscores", "1_000", 1, "is not a number"},
		{"a huge number", strings.Repeat("9", 401), 1, "longer than 400 digits"},
		{"an unknown escape", `"\x"`, 1, `\x`},
		{"a short \\u", `"\u12"`, 1, "four digits"},
		{"a wrong \\u", `"\u12xy"`, 1, "hexadecimal"},
		{"half a character", `"\ud83d"`, 1, "half of a character"},
		{"two first halves", `"\ud83d\ud83d"`, 1, "half of a character"},
		{"a text that is not UTF-8", "\"a\xffb\"", 1, "not UTF-8"},
		{"a name that is not UTF-8", ":a\xff", 1, "not UTF-8"},
		{"a colon", "[: a]", 1, "a colon stands alone"},
		{"a hash", "[# a]", 1, "a # stands alone"},
		{"a control character", "\x01", 1, "is not EDN"},
		{"a quote of Clojure", "`a", 1, "is not EDN"},
		{"deep vectors", strings.Repeat("[", 1001), 1, "nested more than 1000 deep"},
		{"deep discards", strings.Repeat("#_ ", 1001), 1, "nested more than 1000 deep"},
		{"deep tags", strings.Repeat("#a ", 1001), 1, "nested more than 1000 deep"},
		{"too many values", "[" + strings.Repeat("1 ", maxParts) + "]", 1, "more than 1048576 values"},
	}
	for _, tt := range tests {
		_, err := parse(tt.text)
		syntax, ok := errors.AsType[*history.SyntaxError](err)
		if !ok {
			t.Errorf("%s: got %v, want a syntax error", tt.name, err)
			continue
		}
		if syntax.Line != tt.line || !strings.Contains(syntax.Msg, tt.want) || syntax.Offset > int64(len(tt.text)) {
			t.Errorf("%s: got line %d, offset %d: %s; want line %d: %s", tt.name, syntax.Line, syntax.Offset, syntax.Msg, tt.line, tt.want)
		}
	}
	if _, err := parse(strings.Repeat("[", 1000) + strings.Repeat("]", 1000)); err != nil {
		t.Errorf("1000 deep: %v", err)
	}
}

func TestEqualTextsStandForEqualValues(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"#{1 2}", "#{2 1}"}, {"[1 2]", "(1 2)"}, {"{:a 1 :b 2}", "{:b 2, :a 1}"}, {"7", "7N"}, {"[#{[1] [2]}]", "[#{[2] [1]}]"},
	} {
		a, errA := parse(pair[0])
		b, errB := parse(pair[1])
		if errA != nil || errB != nil || a.String() != b.String() {
			t.Errorf("%s is %q, %s is %q (%v, %v)", pair[0], a.String(), pair[1], b.String(), errA, errB)
		}
	}
	for _, pair := range [][2]string{{"[1 2]", "[2 1]"}, {"[1 [2]]", "[[1] 2]"}, {`["a b"]`, "[a b]"}, {":a", ":b"}, {"nil", "[]"}} {
		a, errA := parse(pair[0])
		b, errB := parse(pair[1])
		if errA != nil || errB != nil || a.String() == b.String() {
			t.Errorf("%s and %s are both %q (%v, %v)", pair[0], pair[1], a.String(), errA, errB)
		}
	}
}

// What a value holds is bounded, however long it is.
func TestEndlessValuesAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 64 MiB some times over")
	}
	t.Parallel()
	op := `{:process 0, :type :invoke, :f :write, :value `
	for name, in := range map[string]*endless{
		"a string":        {head: op + `"`, text: "abcdefghijklmnopqrstuvw"},
		"escapes":         {head: op + `"`, text: `\n`},
		"a keyword":       {head: op + ":", text: "abcdefg"},
		"a vector":        {head: op + "[", text: "1 "},
		"nested vectors":  {head: op, text: "["},
		"a line of text":  {head: "0 :invoke :write 1\n1 :invoke :write ", text: "abc "},
		"a JSON string":   {head: `{"type":"invoke","process":0,"f":"write","value":"`, text: "abcdefg"},
		"a JSON list":     {head: `{"type":"invoke","process":0,"f":"write","value":[1`, text: ",1"},
		"JSON's spaces":   {head: `{"type":"invoke","process":0,"f":"write","value":1}`, text: " \n"},
		"an etcd request": {head: `{"ClientId":1,"Input":{"Type":"`, text: "txn"},
	} {
		t.Run(name, func(t *testing.T) {
			in.reads = -1
			_, _, err := Read(t.Context(), io.LimitReader(in, 1<<30))
			syntax, ok := errors.AsType[*history.SyntaxError](err)
			if !ok || !strings.Contains(syntax.Msg, "more than") && !strings.Contains(syntax.Msg, "longer than") {
				t.Errorf("got %v", err)
			}
		})
	}
}
