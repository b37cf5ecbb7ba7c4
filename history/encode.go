package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Format and Version identify the document; a reader refuses a higher version.
const (
	Format  = "lsfr-history"
	Version = 1
)

type jsonHeader struct {
	Format    string      `json:"format"`
	Version   int         `json:"version"`
	Challenge string      `json:"challenge"`
	Stage     string      `json:"stage"`
	Scenario  string      `json:"scenario"`
	Model     string      `json:"model"`
	Seed      int64       `json:"seed"`
	Nodes     []string    `json:"nodes"`
	Groups    []jsonGroup `json:"groups,omitempty"`
	Started   string      `json:"started"`
}

type jsonGroup struct {
	Shard string   `json:"shard"`
	Nodes []string `json:"nodes"`
}

type jsonOperation struct {
	ID       int64   `json:"id"`
	Client   int     `json:"client"`
	Node     string  `json:"node"`
	Kind     string  `json:"kind"`
	Key      string  `json:"key"`
	Value    *string `json:"value"`
	Expected *string `json:"expected,omitempty"`
	Call     int64   `json:"call"`
	Return   *int64  `json:"return"`
	Outcome  string  `json:"outcome"`
	Status   int     `json:"status,omitempty"`
	Error    string  `json:"error,omitempty"`
	Defect   string  `json:"defect,omitempty"`
	Final    bool    `json:"final,omitempty"`
	Settled  int64   `json:"settled,omitempty"`
}

func newJSONOperation(op *Operation) jsonOperation {
	j := jsonOperation{
		ID: op.ID, Client: op.Client, Node: op.Node, Kind: op.Kind.String(), Key: op.Key,
		Call: int64(op.Call), Outcome: op.Outcome.String(), Status: op.Status, Error: op.Error,
		Defect: op.Defect, Final: op.Final,
	}
	if op.Present || !op.Kind.Reads() && op.Kind != Delete {
		j.Value = &op.Value
	}
	if op.Kind == Cas {
		j.Expected = &op.Expected
	}
	if op.Outcome != Unknown {
		ret := int64(op.Return)
		j.Return = &ret
	}
	return j
}

// MarshalJSON writes the operation as it stands in history.json.
func (o Operation) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(newJSONOperation(&o))
	if err != nil {
		return nil, fmt.Errorf("encode operation %d: %w", o.ID, err)
	}
	return b, nil
}

type jsonFault struct {
	Fault   string   `json:"fault"`
	Targets []string `json:"targets"`
	Detail  string   `json:"detail,omitempty"`
	Start   int64    `json:"start"`
	End     int64    `json:"end"`
	Hits    int      `json:"hits"`
}

type jsonLeader struct {
	At     int64   `json:"at"`
	Shard  string  `json:"shard,omitempty"`
	Leader *string `json:"leader"`
	Term   int64   `json:"term"`
}

// Ending is what stands behind the operations: it is known only when a run is over.
type Ending struct {
	Faults []FaultEvent
	// Leaders are left out of the document if there are none.
	Leaders []LeaderEvent
	// Shards is left out as well if it is empty.
	Shards map[string]string
}

// Writer writes a history as a stream: what was written before a crash can be
// read again. Not safe for concurrent use.
type Writer struct {
	w     *bufio.Writer
	buf   bytes.Buffer
	enc   *json.Encoder
	first bool
}

// NewWriter writes the header and returns a Writer for the operations.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	hw := &Writer{w: bufio.NewWriterSize(w, 1<<16), first: true}
	hw.enc = json.NewEncoder(&hw.buf)
	hw.enc.SetEscapeHTML(false)
	var groups []jsonGroup
	for _, g := range h.Groups {
		groups = append(groups, jsonGroup{g.Shard, listed(g.Nodes)})
	}
	head, err := hw.marshal(jsonHeader{
		Format: Format, Version: Version, Challenge: h.Challenge, Stage: h.Stage, Scenario: h.Scenario,
		Model: h.Model, Seed: h.Seed, Nodes: listed(h.Nodes), Groups: groups, Started: h.Started.UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return nil, err
	}
	// The header's closing brace is left out: the operations are members of the same object.
	if _, err := hw.w.Write(head[:len(head)-1]); err != nil {
		return nil, fmt.Errorf("write history header: %w", err)
	}
	if _, err := hw.w.WriteString(",\n \"operations\":["); err != nil {
		return nil, fmt.Errorf("write history header: %w", err)
	}
	return hw, hw.Flush()
}

// Write appends one operation. A settled time greater than 0 is a promise that
// every operation called before it has been written, this one included.
func (w *Writer) Write(op *Operation, settled time.Duration) error {
	j := newJSONOperation(op)
	j.Settled = int64(settled)
	b, err := w.marshal(j)
	if err != nil {
		return err
	}
	sep := ",\n  "
	if w.first {
		sep, w.first = "\n  ", false
	}
	if _, err := w.w.WriteString(sep); err != nil {
		return fmt.Errorf("write operation %d: %w", op.ID, err)
	}
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("write operation %d: %w", op.ID, err)
	}
	return nil
}

// Flush hands everything written so far to the underlying writer.
func (w *Writer) Flush() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Close ends the document. It does not close the underlying writer.
func (w *Writer) Close(end Ending) error {
	faults := make([]any, len(end.Faults))
	for i, f := range end.Faults {
		faults[i] = jsonFault{f.Fault, listed(f.Targets), f.Detail, int64(f.Start), int64(f.End), f.Hits}
	}
	leaders := make([]any, len(end.Leaders))
	for i, l := range end.Leaders {
		j := jsonLeader{At: int64(l.At), Shard: l.Shard, Term: l.Term}
		if l.Leader != "" {
			j.Leader = &l.Leader
		}
		leaders[i] = j
	}
	if err := w.list("faults", faults); err != nil {
		return err
	}
	if len(leaders) > 0 {
		if err := w.list("leaders", leaders); err != nil {
			return err
		}
	}
	w.w.WriteByte(']') //nolint:errcheck // bufio keeps the error for Flush
	if len(end.Shards) > 0 {
		b, err := w.marshal(end.Shards) // in the order of the keys
		if err != nil {
			return err
		}
		fmt.Fprintf(w.w, ",\n \"shards\":%s", b) //nolint:errcheck // see above
	}
	w.w.WriteString("}\n") //nolint:errcheck // see above
	return w.Flush()
}

// listed is a list that is written as [] where there is none.
func listed(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

// list ends the list before it and begins another one.
func (w *Writer) list(name string, items []any) error {
	fmt.Fprintf(w.w, "],\n %q:[", name) //nolint:errcheck // bufio keeps the error for Flush
	for i, item := range items {
		b, err := w.marshal(item)
		if err != nil {
			return err
		}
		if i > 0 {
			w.w.WriteByte(',') //nolint:errcheck // see above
		}
		w.w.WriteString("\n  ") //nolint:errcheck // see above
		w.w.Write(b)            //nolint:errcheck // see above
	}
	return nil
}

// marshal returns v as JSON without a final newline; valid until the next call.
func (w *Writer) marshal(v any) ([]byte, error) {
	w.buf.Reset()
	if err := w.enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode history: %w", err)
	}
	return bytes.TrimRight(w.buf.Bytes(), "\n"), nil
}

// Encode writes a whole history.
func Encode(w io.Writer, h *History) error {
	hw, err := NewWriter(w, h.Header)
	if err != nil {
		return err
	}
	for i := range h.Operations {
		if err := hw.Write(&h.Operations[i], 0); err != nil {
			return err
		}
	}
	return hw.Close(Ending{Faults: h.Faults, Leaders: h.Leaders, Shards: h.Shards})
}
