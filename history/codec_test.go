package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// complete is a history in which every field has a value.
func complete() *History {
	return &History{
		Header: Header{
			Challenge: "kv-store", Stage: "crash-recovery", Scenario: "crashes-under-load", Model: "linearizable",
			Seed: 1<<53 - 1, Nodes: []string{"n1", "n2"}, Started: time.Date(2026, 1, 2, 15, 4, 5, 678, time.UTC),
		},
		Operations: []Operation{
			{ID: 0, Client: 3, Node: "n1", Kind: Put, Key: "k7", Value: "c3-118", Call: 12304, Return: 12311, Outcome: OK, Status: 200},
			{ID: 1, Client: 5, Node: "n2", Kind: Get, Key: "k7", Value: "c3-118", Present: true, Call: 12320, Return: 12320, Outcome: OK, Status: 200},
			{ID: 2, Client: 1, Node: "n2", Kind: Get, Key: "k8", Call: 12320, Return: 12322, Outcome: OK, Status: 404, Final: true},
			{ID: 3, Client: 2, Node: "n1", Kind: Delete, Key: "k7", Call: 12401, Error: "timeout after 2s"},
			{ID: 4, Client: 4, Node: "n1", Kind: Put, Key: "k7", Value: "", Call: 12402, Return: 12405, Outcome: Failed, Status: 400, Error: "value cannot be empty"},
			{ID: 9, Client: 6, Node: "n1", Kind: Get, Key: "k9", Value: "c3-9… (8 bytes)", Present: true, Call: 12500, Return: 12600, Outcome: OK, Status: 200, Defect: "it breaks off"},
			{ID: 10, Client: 6, Node: "n1", Kind: Cas, Key: "k9", Value: "2", Expected: "1", Call: 12601, Return: 12602, Outcome: OK},
			{ID: 11, Client: 6, Node: "n1", Kind: Enqueue, Key: "q", Value: "2", Call: 12603, Return: 12604, Outcome: OK},
			{ID: 12, Client: 6, Node: "n1", Kind: Dequeue, Key: "q", Value: "2", Present: true, Call: 12605, Return: 12606, Outcome: OK},
			{ID: 13, Client: 6, Node: "n1", Kind: Dequeue, Key: "q", Call: 12607, Return: 12608, Outcome: OK},
			{ID: 14, Client: 6, Node: "n1", Kind: Add, Key: "s", Value: "2", Call: 12609, Return: 12610, Outcome: OK},
			{ID: 15, Client: 6, Node: "n1", Kind: Append, Key: "l", Value: "2", Call: 12611, Return: 12612, Outcome: OK},
			{ID: 16, Client: 6, Node: "n1", Kind: Get, Key: "l", Value: FormatElements([]string{"2"}), Present: true, Call: 12613, Return: 12614, Outcome: OK},
		},
		Faults: []FaultEvent{
			{Fault: "kill", Targets: []string{"n1"}, Detail: "killed again 5 ms after its restart", Start: 11900, End: 14000, Hits: 57},
			{Fault: "stop", Targets: []string{}, Start: 15000, End: 15000},
		},
	}
}

func encode(t testing.TB, h *History) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, h); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, document string) *History {
	t.Helper()
	h, err := Decode(strings.NewReader(document))
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return h
}

func TestEveryFieldSurvivesARoundTrip(t *testing.T) {
	t.Parallel()
	want := complete()
	if got := decode(t, string(encode(t, want))); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	empty := &History{Header: Header{Nodes: []string{}}}
	if got := decode(t, string(encode(t, empty))); !reflect.DeepEqual(got, empty) {
		t.Errorf("got  %+v\nwant %+v", got, empty)
	}
}

func TestEveryTextSurvivesARoundTrip(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"quotes and backslashes", `a "b" \ 'c' \n`, ""},
		{"line breaks", "a\nb\r\nc\n", ""},
		{"control characters", "a\x00\x01\x1b[31mb\x7f", ""},
		{"emoji", "👩‍🚀 grüße 日本語", ""},
		{"markup", "<script>alert('&')</script>", ""},
		{"line separators", "a\u2028b\u2029c", ""},
		{"something like a document", "\"}],\n \"faults\":[]}", ""},
		{"nothing", "", ""},
		// JSON has no such bytes. Whoever records a body decides on its name first.
		{"invalid UTF-8", "a\xffb\xc3", "a\uFFFDb\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.text
			}
			h := complete()
			h.Scenario, h.Operations[0].Key, h.Operations[1].Value = tt.text, tt.text, tt.text
			h.Operations[3].Error, h.Faults[0].Detail = tt.text, tt.text
			got := decode(t, string(encode(t, h)))
			for _, text := range []string{
				got.Scenario, got.Operations[0].Key, got.Operations[1].Value, got.Operations[3].Error, got.Faults[0].Detail,
			} {
				if text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			}
			if !got.Operations[1].Present {
				t.Error("the value that was read is gone")
			}
		})
	}
}

// document wraps operations as any tool might write them.
func document(operations string) string {
	return `{"format":"lsfr-history","version":1,"operations":[` + operations + `]}`
}

func TestWhatADocumentMayLeaveOutOrAdd(t *testing.T) {
	t.Parallel()
	get := Operation{ID: 1, Client: 2, Kind: Get, Key: "k", Call: 5}
	with := func(change func(*Operation)) Operation {
		op := get
		change(&op)
		return op
	}
	answered := with(func(o *Operation) { o.Outcome, o.Return = OK, 7 })
	tests := []struct {
		name, operation string
		want            Operation
	}{
		{"an operation without an outcome is unknown", `{"id":1,"client":2,"kind":"get","key":"k","call":5}`, get},
		{"so is one whose outcome is null", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"outcome":null}`, get},
		{"the return of an unknown one means nothing", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":3,"outcome":"unknown"}`, get},
		{"a get without a value found none", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":7,"outcome":"ok"}`, answered},
		{"so does one whose value is null", `{"id":1,"client":2,"kind":"get","key":"k","value":null,"call":5,"return":7,"outcome":"ok"}`, answered},
		{
			"an empty value is a value", `{"id":1,"client":2,"kind":"get","key":"k","value":"","call":5,"return":7,"outcome":"ok"}`,
			with(func(o *Operation) { o.Outcome, o.Return, o.Present = OK, 7, true }),
		},
		{
			"a put of an empty value", `{"id":1,"client":2,"kind":"put","key":"k","value":"","call":5}`,
			with(func(o *Operation) { o.Kind = Put }),
		},
		{
			"the value of a delete means nothing", `{"id":1,"client":2,"kind":"delete","key":"k","value":"x","call":5}`,
			with(func(o *Operation) { o.Kind = Delete }),
		},
		{"a return at the time of the call", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":5,"outcome":"ok"}`,
			with(func(o *Operation) { o.Outcome, o.Return = OK, 5 })},
		{"members in another order", `{"outcome":"ok","return":7,"call":5,"key":"k","kind":"get","client":2,"id":1}`, answered},
		{
			"members that nobody knows yet",
			`{"id":1,"shard":"s1","client":2,"kind":"get","x":{"id":7,"y":[1,{"key":"z"}]},"key":"k","call":5,"return":7,"outcome":"ok","w":null}`, answered,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := decode(t, document(tt.operation))
			if len(h.Operations) != 1 || h.Operations[0] != tt.want {
				t.Errorf("got %+v\nwant %+v", h.Operations, tt.want)
			}
			if h.Truncated {
				t.Error("it counts as truncated")
			}
		})
	}
}

func TestTheOrderOfTheDocumentsMembersDoesNotMatter(t *testing.T) {
	t.Parallel()
	h := decode(t, ` { "faults": [{"fault":"kill","hits":1}], "x": [[]], "operations" :
		[ {"id":-1,"client":0,"kind":"get","key":"","call":-5} ] , "nodes":["n1"], "y":{"operations":[1]}, "version" : 1, "format":"lsfr-history" }
	`)
	if len(h.Operations) != 1 || len(h.Faults) != 1 || h.Faults[0].Hits != 1 || !slices.Equal(h.Nodes, []string{"n1"}) {
		t.Errorf("got %+v", h)
	}
}

func TestTheLargestSettledTimeCounts(t *testing.T) {
	t.Parallel()
	h := decode(t, document(`{"id":1,"client":2,"kind":"get","key":"k","call":5,"settled":6},{"id":2,"client":2,"kind":"get","key":"k","call":5,"settled":3}`))
	if h.Settled != 6 {
		t.Errorf("got %d", h.Settled)
	}
}

func TestDefectiveDocumentsAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	op := `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":7,"outcome":"ok"}`
	tests := []struct {
		name, document string
		line           int
		want           string
	}{
		{"an empty file", "", 1, "empty"},
		{"only line breaks", "\n\n", 1, "breaks off"},
		{"a program", "\x7fELF\x02\x01\x01\x00\x00\x00\x00", 1, "not JSON"},
		{"zeros", "\x00\x00\x00\x00", 1, "not JSON"},
		{"a list", "[]", 1, "one JSON object"},
		{"a text", `"lsfr-history"`, 1, "one JSON object"},
		{"another object", `{"name":"x"}`, 1, `no "format"`},
		{"another format", "{\n\"format\":\"jepsen\",\"version\":1,\"operations\":[]}", 2, `"jepsen"`},
		{"a format that is no text", `{"format":7}`, 1, "a string"},
		{"no version", `{"format":"lsfr-history","operations":[` + op + `]}`, 1, `"version" is missing`},
		{"version 0", `{"format":"lsfr-history","version":0,"operations":[` + op + `]}`, 1, `"version"`},
		{"version 2", `{"format":"lsfr-history",` + "\n" + `"version":2,"operations":7}`, 2, "update lsfr"},
		{"no operations", `{"format":"lsfr-history","version":1}`, 1, `no "operations"`},
		{"operations that are no list", `{"format":"lsfr-history","version":1,"operations":{}}`, 1, `"operations" is not a list`},
		{"operations that are null", `{"format":"lsfr-history","version":1,"operations":null}`, 1, `"operations" is not a list`},
		{"faults that are no list", `{"format":"lsfr-history","version":1,"operations":[],"faults":7}`, 1, `"faults" is not a list`},
		{"a fault that is no object", `{"format":"lsfr-history","version":1,"operations":[],"faults":["kill"]}`, 1, "fault number 1"},
		{"a seed with a fraction", `{"format":"lsfr-history","version":1,"seed":1.5,"operations":[]}`, 1, "a whole number"},
		{"nodes that are no texts", `{"format":"lsfr-history","version":1,"nodes":[1],"operations":[]}`, 1, `"nodes"`},
		{"a start that is no time", `{"format":"lsfr-history","version":1,"started":"yesterday","operations":[]}`, 1, `"yesterday"`},

		{"an operation that is a number", document("\n" + op + ",\n7"), 3, "operation number 2"},
		{"no id", document(strings.Replace(op, `"id":1,`, "", 1)), 1, `operation number 1 has no "id"`},
		{"an id that is null", document(strings.Replace(op, `"id":1,`, `"id":null,`, 1)), 1, `no "id"`},
		{"no client", document(strings.Replace(op, `"client":2,`, "", 1)), 1, `no "client"`},
		{"no kind", document(strings.Replace(op, `"kind":"get",`, "", 1)), 1, `no "kind"`},
		{"no key", document(strings.Replace(op, `"key":"k",`, "", 1)), 1, `no "key"`},
		{"no call", document(strings.Replace(op, `"call":5,`, "", 1)), 1, `no "call"`},
		{"no return", document(strings.Replace(op, `"return":7,`, "", 1)), 1, `operation 1 is ok but has no "return"`},
		{"a failed one without a return", document(`{"id":1,"client":2,"kind":"delete","key":"k","call":5,"return":null,"outcome":"failed"}`), 1, `failed but has no "return"`},
		{"an id twice", document("\n" + op + ",\n" + op), 3, "operation 1 appears twice"},
		{"a return before its call", document("\n\n" + strings.Replace(op, `"return":7`, `"return":4`, 1)), 3, "returns at 4 ns, before its call at 5 ns"},
		{"an unknown kind", document(strings.Replace(op, `"get"`, `"swap"`, 1)), 1, `"swap"`},
		{"a cas that expects nothing", document(strings.Replace(op, `"kind":"get"`, `"kind":"cas","value":"v"`, 1)), 1, `cas without an "expected"`},
		{"an enqueue without a value", document(strings.Replace(op, `"get"`, `"enqueue"`, 1)), 1, `enqueue without a "value"`},
		{"an unknown outcome", document(strings.Replace(op, `"ok"`, `"maybe"`, 1)), 1, `"maybe"`},
		{"a put without a value", document(strings.Replace(op, `"get"`, `"put"`, 1)), 1, `put without a "value"`},
		{"a put of null", document(strings.Replace(op, `"kind":"get"`, `"kind":"put","value":null`, 1)), 1, `put without a "value"`},
		{"a value that is a number", document(strings.Replace(op, `"kind":"get"`, `"kind":"get","value":7`, 1)), 1, `"value" is neither`},
		{"an id that is a text", document("\n" + strings.Replace(op, `"id":1`, `"id":"1"`, 1)), 2, `"id"`},
		{"a call with a fraction", document("\n" + strings.Replace(op, `"call":5`, `"call":5.5`, 1)), 2, `"call"`},
		{"a call beyond 64 bits", document(strings.Replace(op, `"call":5`, `"call":99999999999999999999`, 1)), 1, `"call"`},
		{"a final that is a number", document(strings.Replace(op, `"id":1`, `"id":1,"final":1`, 1)), 1, "true or false"},
		{"a key that is a list", document(strings.Replace(op, `"k"`, `["k"]`, 1)), 1, `"key"`},

		{"a missing comma between members", "{\"format\":\"lsfr-history\"\n\"version\":1}", 2, "not JSON"},
		{"a missing comma between operations", document(op + "\n" + op), 2, "comma"},
		{"a comma too many", document(op + ",\n"), 2, "operation number 2 is not JSON"},
		{"a comma after the last member", "{\"format\":\"lsfr-history\",\"version\":1,\"operations\":[],\n}", 2, "not JSON"},
		{"a name without quotes", document(op + ",\n{id:1}"), 2, "operation number 2 is not JSON"},
		{"a bare line break in a text", document(strings.Replace(op, `"k"`, "\"k\n\"", 1)), 1, "not JSON"},
		{"the wrong bracket", `{"format":"lsfr-history","version":1,"operations":[` + op + "\n}}", 2, "not JSON"},
		{"another document behind it", document(op) + "\n" + document(op), 2, "something follows"},
		{"garbage behind it", document(op) + "\n@", 2, "something follows"},
		{"a broken file that does not name its format", `{"operations":[` + op, 1, `no "format"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := Decode(strings.NewReader(tt.document))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %+v and error %v", h, err)
			}
			if h != nil {
				t.Error("there is a history all the same")
			}
			if syntax.Line != tt.line || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want line %d and %q", err, tt.line, tt.want)
			}
		})
	}
	decode(t, document(op)) // what all those were made from is fine
}

func TestLinesAreCountedRightFarIntoAFile(t *testing.T) {
	t.Parallel()
	for _, defect := range []struct{ name, operation string }{
		{"syntax", `{"id": x}`}, {"type", `{"id": "x"}`}, {"meaning", `{"id": 1}`},
	} {
		t.Run(defect.name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(`{"format":"lsfr-history","version":1,"operations":[`)
			const n = 3000 // several of the decoder's buffers
			for i := range n {
				fmt.Fprintf(&b, "\n    {\"id\":%d,\"client\":1,\"kind\":\"get\",\"key\":\"k\",\"call\":1} ,", i)
			}
			b.WriteString("\n\n" + defect.operation + "]}")
			_, err := Decode(iotest.HalfReader(strings.NewReader(b.String())))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line != n+3 {
				t.Errorf("got %v, want line %d", err, n+3)
			}
		})
	}
}

func TestAFileThatBreaksOffIsReadUpToTheBreak(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	want := complete()
	w, err := NewWriter(&b, want.Header)
	if err != nil {
		t.Fatal(err)
	}
	// ends[i] is where operation i is complete in the file.
	var ends []int
	settled := make([]time.Duration, len(want.Operations))
	settled[2], settled[4] = 12000, 12390
	for i := range want.Operations {
		if err := errors.Join(w.Write(&want.Operations[i], settled[i]), w.Flush()); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, b.Len())
	}
	if err := w.Close(want.Faults); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for cut := range len(whole) + 1 {
		for name, reader := range map[string]io.Reader{
			"at once": bytes.NewReader(whole[:cut]), "in pieces": iotest.OneByteReader(bytes.NewReader(whole[:cut])),
		} {
			h, err := Decode(reader)
			n := 0
			var promised time.Duration
			for n < len(ends) && ends[n] <= cut {
				promised = max(promised, settled[n])
				n++
			}
			var syntax *SyntaxError
			switch {
			case n == 0:
				if !errors.As(err, &syntax) || h != nil {
					t.Fatalf("cut at %d %s: got %+v, %v", cut, name, h, err)
				}
			case err != nil:
				t.Fatalf("cut at %d %s: %v", cut, name, err)
			default:
				if !slices.Equal(h.Operations, want.Operations[:n]) || h.Settled != promised {
					t.Fatalf("cut at %d %s: got %+v, want the first %d operations, settled at %d", cut, name, h, n, promised)
				}
				// Only the line break at the end is not missed.
				if h.Truncated != (cut < len(whole)-1) {
					t.Fatalf("cut at %d of %d %s: truncated is %v", cut, len(whole), name, h.Truncated)
				}
				if !reflect.DeepEqual(h.Header, want.Header) {
					t.Fatalf("cut at %d %s: got header %+v", cut, name, h.Header)
				}
				if len(h.Faults) > len(want.Faults) || len(h.Faults) > 0 && !reflect.DeepEqual(h.Faults, want.Faults[:len(h.Faults)]) {
					t.Fatalf("cut at %d %s: got faults %+v", cut, name, h.Faults)
				}
			}
		}
	}
}

func TestAnErrorOfTheReaderIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	whole := encode(t, complete())
	for _, cut := range []int{0, 100, len(whole) / 2, len(whole) - 5} {
		h, err := Decode(io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || h != nil {
			t.Errorf("after %d bytes: got %+v, %v", cut, h, err)
		}
	}
}

// failingWriter fails after a number of bytes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestEveryErrorOfTheWriterIsReported(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	h := complete()
	h.Operations[0].Value = strings.Repeat("x", 1<<17) // more than is buffered
	size := len(encode(t, h))
	for _, left := range []int{0, 10, 300, 1 << 16, size - 1} {
		if err := Encode(&failingWriter{left, full}, h); !errors.Is(err, full) {
			t.Errorf("with room for %d bytes: got %v", left, err)
		}
	}
	if err := Encode(&failingWriter{size, full}, h); err != nil {
		t.Errorf("with room for all: %v", err)
	}
}

func TestNamesOfKindsAndOutcomesAreTheirOwnInverse(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Get, Put, Delete} {
		if got, err := ParseKind(k.String()); got != k || err != nil {
			t.Errorf("%s: got %s, %v", k, got, err)
		}
	}
	for _, o := range []Outcome{Unknown, OK, Failed} {
		if got, err := ParseOutcome(o.String()); got != o || err != nil {
			t.Errorf("%s: got %s, %v", o, got, err)
		}
	}
	for _, name := range []string{"", "GET", "Ok", "kind(3)", "outcome(3)"} {
		if _, err := ParseKind(name); err == nil {
			t.Errorf("kind %q is accepted", name)
		}
		if _, err := ParseOutcome(name); err == nil {
			t.Errorf("outcome %q is accepted", name)
		}
	}
	if Kind(99).String() != "kind(99)" || Outcome(3).String() != "outcome(3)" {
		t.Errorf("got %s and %s", Kind(99), Outcome(3))
	}
}

// FuzzDecode: whatever a file holds, Decode ends with a history that can be
// written and read again, or with an error that names a line of the file.
func FuzzDecode(f *testing.F) {
	whole := encode(f, complete())
	f.Add(whole)
	f.Add(whole[:len(whole)*2/3])
	f.Add([]byte(document(`{"id":1,"client":2,"kind":"delete","key":"k","value":"x","call":5,"settled":9}`)))
	f.Add([]byte(`{"format":"lsfr-history","version":1,"started":"2026-01-02T15:04:05+07:00","operations":[],"faults":[{}]}`))
	f.Add([]byte("{\"format\":\"lsfr-history\",\n\"version\":9}"))
	f.Add([]byte("\xff\xfe{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Decode(bytes.NewReader(data))
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %T %v", err, err)
			}
			if lines := 1 + bytes.Count(data, []byte("\n")); syntax.Line < 1 || syntax.Line > lines {
				t.Fatalf("got %v in a file of %d lines", err, lines)
			}
			return
		}
		again := decode(t, string(encode(t, h)))
		if !slices.Equal(again.Operations, h.Operations) || len(again.Faults) != len(h.Faults) {
			t.Fatalf("got  %+v\nwant %+v", again, h)
		}
	})
}
