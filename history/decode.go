package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"
)

// SyntaxError says where and why a document is not a history.
type SyntaxError struct {
	// Line counts from 1, Offset in bytes from 0.
	Line   int
	Offset int64
	Msg    string
}

// Error returns "line L: message".
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Decode reads history.json. A document that breaks off inside its operations
// is read up to the break and marked Truncated; every other defect is a
// *SyntaxError. Other errors are the reader's.
func Decode(r io.Reader) (*History, error) {
	d := &decoder{lines: &lineReader{r: r}, ids: make(map[int64]struct{}), h: &History{}}
	d.dec = json.NewDecoder(d.lines)
	err := d.document()
	switch {
	case err == nil:
		return d.h, nil
	case d.lines.err != nil:
		return nil, fmt.Errorf("read history: %w", d.lines.err)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		if d.lines.n == 0 {
			return nil, d.fail("the file is empty")
		}
		if len(d.h.Operations) == 0 {
			return nil, d.fail("the file breaks off before its first operation")
		}
		if err := d.checkFormat(); err != nil { // it may stand behind the operations
			return nil, err
		}
		d.h.Truncated = true
		return d.h, nil
	}
	return nil, err
}

type decoder struct {
	dec   *json.Decoder
	lines *lineReader
	ids   map[int64]struct{}
	h     *History

	format  string
	version int
}

func (d *decoder) fail(format string, args ...any) error {
	return d.failAt(d.dec.InputOffset(), format, args...)
}

func (d *decoder) failAt(offset int64, format string, args ...any) error {
	return &SyntaxError{Line: d.lines.line(offset), Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// explain turns an error of encoding/json into a SyntaxError with a position,
// but leaves a break-off as it is.
func (d *decoder) explain(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return d.failAt(d.brokenAt(), "%s is not JSON: %s", what, syntax.Error())
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		if typ.Field == "" {
			return d.fail("%s: a %s stands where %s belongs", what, typ.Value, jsonTypeName(typ.Type.String()))
		}
		return d.fail("%s: %q is a %s, want %s", what, typ.Field, typ.Value, jsonTypeName(typ.Type.String()))
	}
	return d.fail("%s: %v", what, err)
}

// brokenAt returns the offset of the byte that the decoder stumbled over. The
// offset in its own error leaves out what Token has consumed, so the rest is
// scanned once more.
func (d *decoder) brokenAt() int64 {
	start := d.dec.InputOffset()
	var rest json.RawMessage
	var syntax *json.SyntaxError
	if err := json.NewDecoder(d.dec.Buffered()).Decode(&rest); errors.As(err, &syntax) {
		return start + max(syntax.Offset-1, 0)
	}
	return start
}

func jsonTypeName(goType string) string {
	switch goType {
	case "int", "int64":
		return "a whole number"
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "[]string":
		return "a list of strings"
	}
	return "an object"
}

func (d *decoder) document() error {
	tok, err := d.dec.Token()
	if err != nil {
		return d.explain("the file", err)
	}
	if tok != json.Delim('{') {
		return d.fail("a history is one JSON object that begins with { (see docs/history-format.md)")
	}
	sawOperations := false
	for d.dec.More() {
		tok, err := d.dec.Token()
		if err != nil {
			return d.explain("the file", err)
		}
		name, _ := tok.(string)
		if name == "operations" {
			sawOperations = true
		}
		if err := d.member(name); err != nil {
			return err
		}
	}
	if _, err := d.dec.Token(); err != nil {
		return d.explain("the file", err)
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	if !sawOperations {
		return d.fail("the history has no \"operations\"")
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return d.fail("something follows the history's closing brace")
	}
	return nil
}

func (d *decoder) checkFormat() error {
	switch {
	case d.format == "":
		return d.fail("the object has no \"format\": %q, so it is not an lsfr history", Format)
	case d.format != Format:
		return d.fail("\"format\" is %q, want %q", d.format, Format)
	case d.version < 1:
		return d.fail("\"version\" is missing, want %d", Version)
	case d.version > Version:
		return d.fail("the history has version %d, this lsfr reads up to version %d: update lsfr", d.version, Version)
	}
	return nil
}

func (d *decoder) member(name string) error {
	h := d.h
	switch name {
	case "format":
		if err := d.value(name, &d.format); err != nil {
			return err
		}
		if d.format != Format {
			return d.fail("\"format\" is %q, want %q", d.format, Format)
		}
		return nil
	case "version":
		if err := d.value(name, &d.version); err != nil {
			return err
		}
		if d.version > Version {
			return d.fail("the history has version %d, this lsfr reads up to version %d: update lsfr", d.version, Version)
		}
		return nil
	case "challenge":
		return d.value(name, &h.Challenge)
	case "stage":
		return d.value(name, &h.Stage)
	case "scenario":
		return d.value(name, &h.Scenario)
	case "model":
		return d.value(name, &h.Model)
	case "seed":
		return d.value(name, &h.Seed)
	case "nodes":
		return d.value(name, &h.Nodes)
	case "started":
		var s string
		if err := d.value(name, &s); err != nil {
			return err
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return d.fail("\"started\" is %q, want a time like 2026-01-02T15:04:05Z", s)
		}
		h.Started = t
		return nil
	case "operations":
		return d.list(name, d.operation)
	case "faults":
		return d.list(name, d.fault)
	}
	var ignored json.RawMessage
	return d.value(name, &ignored)
}

func (d *decoder) value(name string, into any) error {
	if err := d.dec.Decode(into); err != nil {
		return d.explain(fmt.Sprintf("%q", name), err)
	}
	return nil
}

func (d *decoder) list(name string, item func(i int) error) error {
	tok, err := d.dec.Token()
	if err != nil {
		return d.explain(fmt.Sprintf("%q", name), err)
	}
	if tok != json.Delim('[') {
		return d.fail("%q is not a list", name)
	}
	for i := 0; d.dec.More(); i++ {
		if err := item(i); err != nil {
			return err
		}
	}
	if _, err := d.dec.Token(); err != nil {
		return d.explain(fmt.Sprintf("%q", name), err)
	}
	return nil
}

// operationIn has pointers where a missing member must be told from a zero.
type operationIn struct {
	ID       *int64          `json:"id"`
	Client   *int            `json:"client"`
	Node     string          `json:"node"`
	Kind     *string         `json:"kind"`
	Key      *string         `json:"key"`
	Value    json.RawMessage `json:"value"`
	Expected *string         `json:"expected"`
	Call     *int64          `json:"call"`
	Return   *int64          `json:"return"`
	Outcome  string          `json:"outcome"`
	Status   int             `json:"status"`
	Error    string          `json:"error"`
	Defect   string          `json:"defect"`
	Final    bool            `json:"final"`
	Settled  int64           `json:"settled"`
}

func (d *decoder) operation(i int) error {
	what := fmt.Sprintf("operation number %d", i+1)
	var in operationIn
	if err := d.dec.Decode(&in); err != nil {
		return d.explain(what, err)
	}
	for _, m := range []struct {
		name    string
		missing bool
	}{{"id", in.ID == nil}, {"client", in.Client == nil}, {"kind", in.Kind == nil}, {"key", in.Key == nil}, {"call", in.Call == nil}} {
		if m.missing {
			return d.fail("%s has no %q", what, m.name)
		}
	}
	what = fmt.Sprintf("operation %d", *in.ID)
	if _, twice := d.ids[*in.ID]; twice {
		return d.fail("%s appears twice", what)
	}
	d.ids[*in.ID] = struct{}{}
	kind, err := ParseKind(*in.Kind)
	if err != nil {
		return d.fail("%s: %v", what, err)
	}
	outcome := Unknown
	if in.Outcome != "" { // a missing outcome is unknown, the zero value
		if outcome, err = ParseOutcome(in.Outcome); err != nil {
			return d.fail("%s: %v", what, err)
		}
	}
	op := Operation{
		ID: *in.ID, Client: *in.Client, Node: in.Node, Kind: kind, Key: *in.Key, Call: time.Duration(*in.Call),
		Outcome: outcome, Status: in.Status, Error: in.Error, Defect: in.Defect, Final: in.Final,
	}
	if outcome != Unknown {
		if in.Return == nil {
			return d.fail("%s is %s but has no \"return\" time", what, outcome)
		}
		op.Return = time.Duration(*in.Return)
		if op.Return < op.Call {
			return d.fail("%s returns at %d ns, before its call at %d ns", what, *in.Return, *in.Call)
		}
	}
	if len(in.Value) > 0 && !bytes.Equal(in.Value, []byte("null")) {
		var value string
		if err := json.Unmarshal(in.Value, &value); err != nil {
			return d.fail("%s: \"value\" is neither a string nor null", what)
		}
		if kind != Delete { // a delete has none
			op.Value, op.Present = value, kind.Reads()
		}
	} else if !kind.Reads() && kind != Delete {
		return d.fail("%s is a %s without a \"value\"", what, kind)
	}
	if kind == Cas {
		if in.Expected == nil {
			return d.fail("%s is a cas without an \"expected\" value", what)
		}
		op.Expected = *in.Expected
	}
	d.h.Operations = append(d.h.Operations, op)
	if s := time.Duration(in.Settled); s > d.h.Settled {
		d.h.Settled = s
	}
	return nil
}

func (d *decoder) fault(i int) error {
	var in jsonFault
	if err := d.dec.Decode(&in); err != nil {
		return d.explain(fmt.Sprintf("fault number %d", i+1), err)
	}
	d.h.Faults = append(d.h.Faults, FaultEvent{
		Fault: in.Fault, Targets: in.Targets, Detail: in.Detail,
		Start: time.Duration(in.Start), End: time.Duration(in.End), Hits: in.Hits,
	})
	return nil
}

// lineReader remembers where lines end, to turn offsets into line numbers.
type lineReader struct {
	r    io.Reader
	n    int64
	ends []int64
	err  error
}

func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.n+int64(i))
		}
	}
	l.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

func (l *lineReader) line(offset int64) int {
	return 1 + sort.Search(len(l.ends), func(i int) bool { return l.ends[i] >= offset })
}
