package formats

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
)

// Whatever is read is either refused, with a position in the file, or a history
// that can be written and read again.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no test files", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(native(3))
	f.Add(gzipped(f, native(3)))
	f.Add(zstded(f, []byte(ednOf("0 invoke :write 1"))))
	f.Add([]byte("JEPSEN\x00"))
	f.Add([]byte(ednOf("0 invoke :txn [[:append 1 2]]", "0 ok :txn [[:append 1 2]]", ":nemesis info :start #{1 \"a\" \\b}")))
	f.Add([]byte(`{:process "a" :type :invoke :f :read :value nil :time 5 #_ 1} {:process "a" :type :ok :f :read :value #a ##Inf :time 4N}`))
	f.Add([]byte(etcdOf(1, 2, 3, putIf, lost)))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, info, err := Read(t.Context(), bytes.NewReader(data))
		if err != nil {
			syntax, ok := errors.AsType[*history.SyntaxError](err)
			if !ok {
				t.Fatalf("got the error %v, want a syntax error", err)
			}
			if syntax.Line < 1 || syntax.Offset < 0 || syntax.Msg == "" || strings.ContainsAny(syntax.Msg, "\n") {
				t.Fatalf("got %+v", syntax)
			}
			if info.Compression == "" && (syntax.Offset > int64(len(data)) || syntax.Line > 1+bytes.Count(data, []byte("\n"))) {
				t.Fatalf("got %+v in a file of %d bytes", syntax, len(data))
			}
			return
		}
		if info.Format == "lsfr" {
			return // the native reader has a fuzz target of its own
		}
		for i := range h.Operations {
			o := &h.Operations[i]
			switch {
			case o.Outcome != history.Unknown && o.Return < o.Call:
				t.Fatalf("%+v returns before its call", o)
			case o.Client < 0 || o.ID != int64(i):
				t.Fatalf("%+v has a wrong client or id", o)
			case o.Kind.Reads() && o.Outcome != history.OK && (o.Present || o.Value != ""):
				t.Fatalf("%+v carries a value without an answer", o)
			case !utf8.ValidString(o.Value + o.Key + o.Error + o.Expected):
				t.Fatalf("%+v is not UTF-8", o)
			}
		}
		var b bytes.Buffer
		if err := history.Encode(&b, h); err != nil {
			t.Fatal(err)
		}
		again, err := history.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if len(again.Operations) != len(h.Operations) || len(again.Faults) != len(h.Faults) {
			t.Fatalf("%d operations and %d faults became %d and %d", len(h.Operations), len(h.Faults), len(again.Operations), len(again.Faults))
		}
		for i := range h.Operations {
			if again.Operations[i] != h.Operations[i] {
				t.Fatalf("%+v became %+v", h.Operations[i], again.Operations[i])
			}
		}
	})
}
