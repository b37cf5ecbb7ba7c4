package models

import (
	"context"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// Values are numbered for porcupine, so that states compare fast: 0 is absent.
type registerInput struct {
	kind  history.Kind
	value int
}

// registerModel is a register with delete on one key. The input carries what a
// read returned, so that there is no output.
func registerModel(ctx context.Context) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, _ any) (bool, any) {
			if ctx.Err() != nil { // ends the search; the caller looks at ctx before it trusts the result
				return false, state
			}
			in := input.(registerInput)
			switch in.kind {
			case history.Put:
				return true, in.value
			case history.Delete:
				return true, 0
			default:
				return state.(int) == in.value, state
			}
		},
		Hash: func(state any) uint64 { return uint64(state.(int)) * 0x9e3779b97f4a7c15 },
	}
}

// porcupineOperations numbers the values of ops.
func porcupineOperations(ops []*op) []porcupine.Operation {
	ids := make(map[string]int)
	number := func(o *op) int {
		if o.Kind == history.Delete || o.isAbsentRead() {
			return 0
		}
		id, ok := ids[o.Value]
		if !ok {
			id = len(ids) + 1
			ids[o.Value] = id
		}
		return id
	}
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		out[i] = porcupine.Operation{
			ClientId: o.Client, Input: registerInput{o.Kind, number(o)},
			Call: int64(o.Call), Return: int64(o.ret),
		}
	}
	return out
}

// legal decides by search whether ops are linearizable. The error is ctx's.
func legal(ctx context.Context, ops []*op) (bool, error) {
	timeout := time.Duration(0) // none
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline), time.Nanosecond)
	}
	result := porcupine.CheckOperationsTimeout(registerModel(ctx), porcupineOperations(ops), timeout)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if result == porcupine.Unknown {
		return false, context.DeadlineExceeded
	}
	return result == porcupine.Ok, nil
}
