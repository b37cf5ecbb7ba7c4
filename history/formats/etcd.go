package formats

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/st3v3nmw/lsfr/history"
)

// etcdFormat is the operations.json of etcd's robustness tests: porcupine
// operations as JSON objects, one after the other. There is a file for each
// client; all of them together, joined, are a history.
func etcdFormat() Format {
	return Format{
		Name: "etcd", Title: "etcd's operations.json",
		detect: func(head []byte) bool {
			return firstByte(head) == '{' && bytes.Contains(head, []byte(`"ClientId"`)) && bytes.Contains(head, []byte(`"Input"`))
		},
		read: readEtcd,
	}
}

// etcdReader translates requests to operations on single keys.
type etcdReader struct {
	h *history.History
	// leased and revoked say by which operation keys were put under a lease, and
	// which leases were revoked.
	leased, revoked map[int64]int
	// leftOut counts what says nothing about a single key's present value.
	leftOut []string
	counts  map[string]int
}

func readEtcd(in *input) (*history.History, []string, error) {
	j := newJSONReader(in)
	e := &etcdReader{h: &history.History{}, leased: map[int64]int{}, revoked: map[int64]int{}, counts: map[string]int{}}
	for n := 1; ; n++ {
		more, err := j.nextObject()
		if err != nil {
			return nil, nil, err
		}
		if !more {
			break
		}
		line, offset := j.position()
		raw, err := j.dec.ReadValue()
		if err != nil {
			return nil, nil, j.explain(err)
		}
		fail := func(at int64, format string, args ...any) error {
			at = min(max(at, 0), int64(len(raw)))
			return &history.SyntaxError{
				Line: line + bytes.Count(raw[:at], []byte{'\n'}), Offset: offset + at,
				Msg: fmt.Sprintf("operation number %d: ", n) + fmt.Sprintf(format, args...),
			}
		}
		var op etcdOperation
		if err := json.Unmarshal(raw, &op); err != nil {
			if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
				return nil, nil, fail(semantic.ByteOffset, "%s is of another type than etcd writes there", semantic.JSONPointer)
			}
			return nil, nil, fail(0, "%v", err)
		}
		if err := e.add(&op, n); err != nil {
			return nil, nil, fail(0, "%v", err)
		}
	}
	for lease, by := range e.leased {
		if n, ok := e.revoked[lease]; ok {
			return nil, nil, &history.SyntaxError{Line: 1, Msg: fmt.Sprintf(
				"operation number %d revokes a lease, which deletes the key that operation number %d has put under it: lsfr cannot judge that", n, by)}
		}
	}
	e.h.Model = "linearizable"
	return e.h, e.warnings(), nil
}

var errNoKey = errors.New("it has no key")

func (e *etcdReader) leaveOut(what string) error {
	if e.counts[what]++; e.counts[what] == 1 {
		e.leftOut = append(e.leftOut, what)
	}
	return nil
}

// add takes the operation of number n. Its errors lack number and position.
func (e *etcdReader) add(in *etcdOperation, n int) error {
	for _, m := range []struct {
		name    string
		missing bool
	}{
		{"ClientId", in.ClientID == nil}, {"Input", in.Input == nil}, {"Call", in.Call == nil}, {"Output", in.Output == nil},
		{"Input.Txn", in.Input != nil && in.Input.Type == "txn" && in.Input.Txn == nil},
		{"Input.Range", in.Input != nil && in.Input.Type == "range" && in.Input.Range == nil},
	} {
		if m.missing {
			return fmt.Errorf("it has no %q", m.name)
		}
	}
	op := history.Operation{ID: int64(len(e.h.Operations)), Client: *in.ClientID, Call: time.Duration(*in.Call)}
	out := in.Output
	op.Error = shortened(out.Error + out.ClientError)
	if out.Error == "" && !out.Persisted && !out.PartialResponse {
		op.Outcome, op.Return = history.OK, time.Duration(in.Return)
		if op.Return < op.Call {
			return fmt.Errorf("it returns at %d ns, before its call at %d ns", op.Return, op.Call)
		}
		if out.ClientError != "" {
			op.Outcome = history.Failed
		}
	}
	switch in.Input.Type {
	case "range":
		return e.get(op, *in.Input.Range, out.Range)
	case "txn":
		return e.transaction(op, in, n)
	case "leaseRevoke":
		if in.Input.LeaseRevoke != nil {
			e.revoked[in.Input.LeaseRevoke.LeaseID] = n
		}
		return e.leaveOut("requests about leases")
	case "leaseGrant":
		return e.leaveOut("requests about leases")
	case "defragment", "compact":
		return e.leaveOut("requests for maintenance")
	}
	return fmt.Errorf("%q is no request that lsfr knows", in.Input.Type)
}

// get adds a read of one key's present value.
func (e *etcdReader) get(op history.Operation, asked etcdRange, found *etcdFound) error {
	switch {
	case asked.End != "":
		return e.leaveOut("reads of several keys")
	case asked.Revision != 0:
		return e.leaveOut("reads of an old revision")
	}
	op.Kind, op.Key = history.Get, asked.Start
	if op.Key == "" {
		return errNoKey
	}
	if op.Outcome == history.OK {
		switch {
		case found == nil:
			return errors.New("a read that succeeded has no answer")
		case len(found.KVs) > 1 || len(found.KVs) == 1 && found.KVs[0].Key != op.Key:
			return fmt.Errorf("a read of the key %q was answered with other keys", shortened(op.Key))
		case len(found.KVs) == 1:
			op.Present, op.Value = true, found.KVs[0].Value.String()
		}
	}
	e.h.Operations = append(e.h.Operations, op)
	return nil
}

// transaction adds the one operation that a transaction consists of. Its
// conditions are revisions, of which lsfr knows nothing: that they held is not
// checked.
func (e *etcdReader) transaction(op history.Operation, in *etcdOperation, n int) error {
	txn := in.Input.Txn
	steps, other := txn.OperationsOnSuccess, txn.OperationsOnFailure
	var results []etcdFound
	if op.Outcome == history.OK {
		if in.Output.Txn == nil {
			return errors.New("a transaction that succeeded has no answer")
		}
		results = in.Output.Txn.Results
		if in.Output.Txn.Failure {
			steps, other = other, steps
		}
		other = nil // it was not executed
	}
	if op.Outcome != history.OK && onlyReads(other) {
		other = nil // it may have been executed, and changed nothing
	}
	switch {
	case onlyReads(steps) && len(steps) > 1 && len(other) == 0:
		return e.leaveOut("reads of several keys")
	case len(steps)+len(other) > 1:
		return fmt.Errorf("a transaction of %d operations: lsfr judges single operations on single keys", len(steps)+len(other))
	case len(steps) == 0 && len(other) > 0:
		steps = other
	}
	if len(steps) == 0 {
		return e.leaveOut("transactions that did nothing")
	}
	step := &steps[0]
	switch kind, _, _ := strings.Cut(step.Type, "-"); kind { // "put", or "put-operation"
	case "range":
		asked := step.Range
		if asked.Start == "" {
			asked.Start = step.Key
		}
		if step.WithPrefix {
			asked.End = "prefix"
		}
		var found *etcdFound
		if len(results) > 0 {
			found = &results[0]
		}
		return e.get(op, asked, found)
	case "put":
		op.Kind, op.Key, op.Value = history.Put, step.Put.Key, step.Put.Value.String()
		if op.Key == "" {
			op.Key, op.Value = step.Key, step.Value.String()
		}
		if lease := step.Put.LeaseID + step.LeaseID; lease != 0 {
			e.leased[lease] = n
		}
	case "delete":
		op.Kind, op.Key = history.Delete, step.Delete.Key
		if op.Key == "" {
			op.Key = step.Key
		}
	default:
		return fmt.Errorf("%q is no operation of a transaction that lsfr knows", step.Type)
	}
	if op.Key == "" {
		return errNoKey
	}
	e.h.Operations = append(e.h.Operations, op)
	return nil
}

func onlyReads(steps []etcdStep) bool {
	for i := range steps {
		if kind, _, _ := strings.Cut(steps[i].Type, "-"); kind != "range" {
			return false
		}
	}
	return true
}

func (e *etcdReader) warnings() []string {
	var out []string
	if len(e.leftOut) > 0 {
		parts := make([]string, len(e.leftOut))
		for i, what := range e.leftOut {
			parts[i] = fmt.Sprintf("%d %s", e.counts[what], what)
		}
		out = append(out, "left out, as they say nothing about one key's present value: "+strings.Join(parts, ", "))
	}
	if len(e.h.Operations) > 1 && sequential(e.h.Operations) {
		// What the other clients wrote is missing, and would explain what looks
		// like a violation: that is what a history that breaks off is, too.
		e.h.Truncated = true
		out = append(out, "no two operations overlap, so this seems to be one client's file: join those of all clients "+
			"(cat client-*/operations.json); for itself a file cannot show a violation")
	}
	return out
}

// sequential reports whether no operation began before the one before it ended.
func sequential(operations []history.Operation) bool {
	var last time.Duration
	for i := range operations {
		o := &operations[i]
		if i > 0 && o.Call <= last {
			return false
		}
		last = max(o.Call, o.Return)
	}
	return true
}
