package models

import (
	"context"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// registerInput names values by their numbers, so that states compare fast. It
// carries what a read returned, so that there is no output.
type registerInput struct {
	kind  history.Kind
	value int32
}

// registerModel is a register with delete on one key.
func registerModel(ctx context.Context) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return int32(absent) },
		Step: func(state, input, _ any) (bool, any) {
			if ctx.Err() != nil { // ends the search; the caller looks at ctx before it trusts the result
				return false, state
			}
			in := input.(registerInput)
			switch in.kind {
			case history.Put:
				return true, in.value
			case history.Delete:
				return true, int32(absent)
			default:
				return state.(int32) == in.value, state
			}
		},
		Hash: func(state any) uint64 { return uint64(state.(int32)) * 0x9e3779b97f4a7c15 },
	}
}

func registerOperations(ops []*op) []porcupine.Operation {
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		out[i] = porcupine.Operation{
			ClientId: o.Client, Input: registerInput{o.Kind, o.value},
			Call: int64(o.Call), Return: int64(o.ret),
		}
	}
	return out
}

// search asks porcupine. The error is ctx's.
func search(ctx context.Context, model porcupine.Model, ops []porcupine.Operation) (legal bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	timeout := time.Duration(0) // none
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline), time.Nanosecond)
	}
	result := porcupine.CheckOperationsTimeout(model, ops, timeout)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if result == porcupine.Unknown {
		return false, context.DeadlineExceeded
	}
	return result == porcupine.Ok, nil
}
