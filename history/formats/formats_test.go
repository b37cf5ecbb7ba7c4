package formats

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/st3v3nmw/lsfr/history"
)

// told writes operations and faults in one line each.
func told(h *history.History) []string {
	var lines []string
	for i := range h.Operations {
		o := &h.Operations[i]
		line := fmt.Sprintf("%d %s %s", o.Client, o.Kind, o.Key)
		switch {
		case o.Kind == history.Cas:
			line += " " + o.Expected + "→" + o.Value
		case o.Kind.Reads() && !o.Present:
			line += " absent"
		case o.Kind != history.Delete:
			line += " " + o.Value
		}
		line += fmt.Sprintf(" %s %d", o.Outcome, o.Call)
		if o.Outcome != history.Unknown {
			line += fmt.Sprintf("-%d", o.Return)
		}
		if o.Error != "" {
			line += " (" + o.Error + ")"
		}
		lines = append(lines, line)
	}
	for _, f := range h.Faults {
		lines = append(lines, fmt.Sprintf("fault %s %d-%d %s", f.Fault, f.Start, f.End, f.Detail))
	}
	return lines
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t *testing.T, text string) (*history.History, Info) {
	t.Helper()
	h, info, err := Read(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return h, info
}

// refused returns the error that a document gives.
func refused(t *testing.T, text string) *history.SyntaxError {
	t.Helper()
	h, _, err := Read(t.Context(), strings.NewReader(text))
	syntax, ok := errors.AsType[*history.SyntaxError](err)
	if !ok {
		t.Fatalf("got %v and the error %v, want a syntax error\n%s", h, err, text)
	}
	if syntax.Line < 1 || strings.Contains(syntax.Msg, "\n") {
		t.Errorf("got line %d, message %q", syntax.Line, syntax.Msg)
	}
	return syntax
}

const ms = "000000"

func TestEveryFormatIsRecognisedAndRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file, format, model string
		want                []string
		warning             string
	}{
		{"maelstrom.edn", "jepsen-edn", "cas-register", []string{
			"0 put 7 1 ok 1000-2000",
			"1 get 7 1 ok 1500-2500",
			"0 cas 7 1→2 unknown 3000 (:net-timeout)",
			`1 cas 7 5→6 failed 3100-3200 (["22","expected 5, had 1"])`,
			"1 get 8 absent ok 5000-5100",
			`fault start-partition 2600-4100 [":isolated","{\"n0\" #{\"n1\"}}"]`,
		}, ""},
		{"register.edn", "jepsen-edn", "linearizable", []string{
			"0 put x 3 ok 10-20",
			"1 get x 3 ok 30-40",
		}, ""},
		{"history.txt", "jepsen-txt", "cas-register", []string{
			"0 put x 1 ok 0-2" + ms,
			"1 get x 1 ok 1" + ms + "-3" + ms,
			"2 cas x 1→2 unknown 5" + ms + " (:timeout socket closed)",
			"fault start 4" + ms + "-6" + ms + " ",
		}, ""},
		{"jepsen.log", "jepsen-log", "cas-register", []string{
			"0 put x 4 ok 0-1" + ms,
			"1 get x 4 ok 2" + ms + "-3" + ms,
			"1 get x absent failed 4" + ms + "-5" + ms + " (:timed-out)",
			"0 cas x 4→5 unknown 6" + ms + " (:timed-out)",
		}, ""},
		{"kv.txt", "porcupine-kv", "append", []string{
			"0 append a one  ok 0-2" + ms,
			"1 get b  ok 1" + ms + "-3" + ms,
			"0 append a two ok 4" + ms + "-5" + ms,
			"1 get a one two ok 6" + ms + "-7" + ms,
			"1 put a three unknown 8" + ms,
		}, ""},
		{"operations.json", "etcd", "linearizable", []string{
			"1 put k1 5 ok 100-200",
			"2 get k1 5 ok 150-250",
			"2 get k2 absent ok 300-350",
			"1 delete k1 unknown 400 (context deadline exceeded)",
		}, "1 reads of several keys, 1 requests for maintenance"},
		{"list-append.json", "jepsen-json", "append", []string{
			"0 append x 1 ok 0-2" + ms,
			`1 get x ["1"] ok 1` + ms + "-3" + ms,
			"0 append x 2 unknown 4" + ms,
		}, ""},
		{"rw-register.json", "jepsen-json", "linearizable", []string{
			"0 put x 2 ok 5-6",
			"0 get x 2 ok 7-8",
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			data := readFile(t, tt.file)
			for compression, packed := range map[string][]byte{"": data, "gzip": gzipped(t, data), "zstd": zstded(t, data)} {
				// One byte at a time, so that everything lies across some border.
				h, info, err := Read(t.Context(), iotest.OneByteReader(bytes.NewReader(packed)))
				if err != nil {
					t.Fatal(err)
				}
				if got := told(h); !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
				if info.Format != tt.format || info.Compression != compression || h.Model != tt.model || h.Truncated {
					t.Errorf("got %+v, model %q, truncated: %v", info, h.Model, h.Truncated)
				}
				if all := strings.Join(info.Warnings, "\n"); tt.warning == "" && all != "" || !strings.Contains(all, tt.warning) {
					t.Errorf("got the warnings %q, want %q", all, tt.warning)
				}
				ids := make(map[int64]bool)
				for _, o := range h.Operations {
					ids[o.ID] = true
				}
				if len(ids) != len(h.Operations) {
					t.Errorf("%d operations have %d ids", len(h.Operations), len(ids))
				}
			}
		})
	}
}

func TestOurOwnFormatIsReadByOurOwnReader(t *testing.T) {
	t.Parallel()
	h, info := read(t, "\n"+`{"version":1,"format" : "lsfr-history","model":"queue","operations":[{"id":7,"client":0,"kind":"enqueue","key":"q","value":"1","call":5}]}`)
	if got := told(h); info.Format != "lsfr" || h.Model != "queue" || !slices.Equal(got, []string{"0 enqueue q 1 unknown 5"}) {
		t.Errorf("got %q of %+v, model %s", got, info, h.Model)
	}
	// What says nothing at its beginning, and may be ours for all we know, gets our errors.
	for text, want := range map[string]string{
		"":                    "empty",
		" \n":                 "breaks off",
		`{"name":"x"}`:        `no "format"`,
		"[]":                  "one JSON object",
		`{"operations":[{}]}`: `no "id"`,
	} {
		if err := refused(t, text); !strings.Contains(err.Msg, want) {
			t.Errorf("%q: got %q, want %q", text, err.Msg, want)
		}
	}
}

func TestOtherTextIsRefusedWithTheFormatsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hello", "\x00\x01\xff\n", "a,b\n1,2\n", "# a title\n", ":type\n"} {
		err := refused(t, text)
		for _, want := range []string{"not JSON", "history.edn", "history.txt", "porcupine", "etcd", "elle"} {
			if !strings.Contains(err.Msg, want) {
				t.Errorf("%q: got %q, want %q in it", text, err.Msg, want)
			}
		}
	}
}

func TestFressianIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	if err := refused(t, "JEPSEN\x00\x00\x00\x01\x02"); !strings.Contains(err.Msg, "history.edn") {
		t.Errorf("got %q", err.Msg)
	}
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // it has no writer
	return w.EncodeAll(data, nil)
}

// native is a history in lsfr's format of n operations.
func native(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"format":"lsfr-history","version":1,"operations":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"id":%d,"client":%d,"kind":"put","key":"k","value":"v%d","call":%d}`, i, i, i*i*7919, i)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// A history that breaks off is read up to the break; compressed data that does
// is not, because its last part cannot be trusted.
func TestCompressedDataThatBreaksOffIsRefused(t *testing.T) {
	t.Parallel()
	plain := native(20_000)
	half := plain[:len(plain)/2]
	if h, _, err := Read(t.Context(), bytes.NewReader(half)); err != nil || !h.Truncated {
		t.Fatalf("plain: %v", err)
	}
	edn := bytes.Repeat(readFile(t, "register.edn"), 1000)
	for name, packed := range map[string][]byte{
		"gzip": gzipped(t, plain), "zstd": zstded(t, plain), "gzip of EDN": gzipped(t, edn),
	} {
		if h, _, err := Read(t.Context(), bytes.NewReader(gzipped(t, half))); err != nil || !h.Truncated {
			t.Errorf("%s: intact, the history in it breaks off: %v", name, err)
		}
		for _, n := range []int{5, 12, len(packed) / 2, len(packed) - 3} {
			err := refused(t, string(packed[:n]))
			if strings.Contains(name, "EDN") && strings.Contains(err.Msg, "something follows") {
				continue // found before the break
			}
			if want := fmt.Sprintf("breaks off at byte %d", n); !strings.Contains(err.Msg, want) {
				t.Errorf("%s of %d bytes: got %q, want %q", name, n, err.Msg, want)
			}
		}
		damaged := slices.Clone(packed)
		damaged[len(damaged)-1-bytes.IndexByte([]byte("zg"), name[0])*4] ^= 0xff // in the checksum
		if err := refused(t, string(damaged)); !strings.Contains(name, "EDN") && !strings.Contains(err.Msg, "damaged at byte") {
			t.Errorf("%s, damaged: got %q", name, err.Msg)
		}
	}
}

func TestReadersErrorsAreNotTheDocuments(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	var inputs [][]byte
	for _, name := range []string{"maelstrom.edn", "history.txt", "jepsen.log", "kv.txt", "operations.json", "list-append.json"} {
		inputs = append(inputs, readFile(t, name))
	}
	inputs = append(inputs, native(10), gzipped(t, native(10)), zstded(t, native(10)), gzipped(t, nil)[:4], nil)
	for _, data := range inputs {
		_, _, err := Read(t.Context(), io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)))
		if _, syntax := errors.AsType[*history.SyntaxError](err); !errors.Is(err, broken) || syntax {
			t.Errorf("%.40q: got %v", data, err)
		}
	}
}

func TestTheEndOfTheContextEndsReading(t *testing.T) {
	t.Parallel()
	short := errors.New("memory is short")
	op := `{:process 0, :type :invoke, :f :write, :value 1} {:process 0, :type :ok, :f :write, :value 1}` + "\n"
	tests := map[string]endless{
		"EDN":           {text: op},
		"one string":    {head: `{:process 0, :type :invoke, :f :write, :value "`, text: "abc"},
		"a text":        {text: "0\t:invoke\t:write\t1\n0\t:ok\t:write\t1\n"},
		"lsfr":          {head: `{"format":"lsfr-history","version":1,"operations":[],"x":[1`, text: ",1"},
		"JSON":          {text: `{"type":"invoke","process":0,"f":"read"}{"type":"ok","process":0,"f":"read","value":1}`},
		"white space":   {head: op, text: "\n"},
		"before a word": {text: " "},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			in.reads, in.stop = 8, func() { cancel(short) }
			_, _, err := Read(ctx, &in)
			if !errors.Is(err, short) {
				t.Errorf("got %v, want the context's cause", err)
			}
		})
	}
}

// endless gives a text again and again.
type endless struct {
	head, text string
	at         int
	// After so many reads it calls stop.
	reads int
	stop  func()
}

func (e *endless) Read(b []byte) (int, error) {
	if e.reads--; e.reads == 0 {
		e.stop()
	}
	n := copy(b, e.head)
	e.head = e.head[n:]
	for n < len(b) {
		c := copy(b[n:], e.text[e.at:])
		e.at = (e.at + c) % len(e.text)
		n += c
	}
	return n, nil
}
