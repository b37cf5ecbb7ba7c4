package history

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// endless repeats a block until it is asked no more, and counts what it gave.
type endless struct {
	block []byte
	given int
}

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), len(e.block))
	copy(p, e.block[:n])
	e.given += n
	return n, nil
}

func TestAValueWithoutAnEndIsRefusedWhileItIsSmall(t *testing.T) {
	// Not parallel: it looks at how much memory is in use.
	if testing.Short() {
		t.Skip("reads 64 MiB for each case")
	}
	for _, tt := range []struct {
		name, begin string
		repeated    byte
		line        int
	}{
		{"a text", `{"format":"lsfr-history","version":1,"operations":[` + "\n" + `{"id":1,"key":"`, 'x', 2},
		{"a number", "{\"format\":\"lsfr-history\",\n\n\"seed\":", '7', 3},
		{"a name", "{\n\"", 'x', 2},
		{"a text that means nothing", "{\n\"x\":\n[\"", 'x', 3},
		{"a text where a list belongs", "{\n\"nodes\":\"", 'x', 2},
		{"spaces", "{\n\"x\":", ' ', 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			rest := &endless{block: bytes.Repeat([]byte{tt.repeated}, 1<<16)}
			h, err := Decode(io.MultiReader(strings.NewReader(tt.begin), rest))
			runtime.ReadMemStats(&after)
			var syntax *SyntaxError
			if h != nil || !errors.As(err, &syntax) || syntax.Line != tt.line || syntax.Msg != "a value is longer than 64 MiB" {
				t.Errorf("got %v, %v, want line %d", h, err, tt.line)
			}
			if rest.given > 65<<20 {
				t.Errorf("it read %d bytes", rest.given)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 300 {
				t.Errorf("it took %d MiB in all", used)
			}
		})
	}
}

func TestALongLineOfShorterValuesIsRead(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 80 MiB")
	}
	long := strings.Repeat("x", 40<<20)
	var b bytes.Buffer
	b.WriteString(`{"x":["` + long + `",`)
	b.WriteString(`0],"format":"lsfr-history","version":1,"operations":[{"id":1,"client":2,"kind":"put","key":"k","value":"` + long + `","call":5}]}`)
	h, err := Decode(&b)
	if err != nil || len(h.Operations) != 1 || h.Operations[0].Value != long {
		t.Error(err)
	}
}

// sized says of itself how large it is.
type sized struct {
	io.Reader
	size int64
}

func (s sized) Size() int64 { return s.size }

func TestTheSizeOfAReaderIsOnlyAHint(t *testing.T) {
	t.Parallel()
	want := large(5000)
	document := encode(t, want)
	for _, tt := range []struct {
		name string
		size int64
		most int // operations that room is made for
	}{
		{"none", 0, 8192},
		{"the right one", int64(len(document)), 5500},
		{"a negative one", -1, 8192},
		{"far too small", 1, 5500},
		{"far too large", 1 << 62, 64 * 1024},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := Decode(sized{bytes.NewReader(document), tt.size})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(h, want) {
				t.Error("it is another history")
			}
			if n := cap(h.Operations); n > tt.most {
				t.Errorf("there is room for %d operations, want at most %d", n, tt.most)
			}
		})
	}
}

func TestEqualTextsAreHeldOnce(t *testing.T) {
	// Not parallel: it counts allocations.
	document := encode(t, large(20_000))
	perOperation := testing.AllocsPerRun(1, func() {
		if _, err := Decode(bytes.NewReader(document)); err != nil {
			t.Error(err)
		}
	}) / 20_000
	// Each operation has a value of its own; everything else has been seen before.
	if perOperation > 1.1 {
		t.Errorf("%.2f allocations for each operation", perOperation)
	}
}

func TestMessagesAreShortWhateverTheFileHolds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("日", 10_000)
	op := `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":7,"outcome":"ok"}`
	for name, defective := range map[string]string{
		"format":  `{"format":"` + long + `"}`,
		"started": `{"started":"` + long + `"}`,
		"kind":    document(strings.Replace(op, "get", long, 1)),
		"outcome": document(strings.Replace(op, `"ok"`, `"`+long+`"`, 1)),
		"call":    document(strings.Replace(op, `"call":5`, `"call":5`+strings.Repeat("0", 10_000), 1)),
		"return":  document(strings.Replace(op, `"return":7`, `"return":"`+long+`"`, 1)),
		"literal": document(strings.Replace(op, `"return":7`, `"return":n`+long, 1)),
	} {
		_, err := Decode(strings.NewReader(defective))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || len(syntax.Msg) > 300 || !strings.Contains(syntax.Msg, name) && name != "literal" && name != "kind" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
