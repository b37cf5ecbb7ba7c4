package main

import (
	"math"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// plainInput makes a step of the model as cheap as it can be: values are
// numbers, and already in the form that the model returns its states in.
type plainInput struct {
	key   int32
	read  bool
	value any // an int32; absent for a delete, and for a read that found nothing
}

const absent int32 = 0

// plainRegister is a register with delete for each key, as one would write it
// for porcupine.
func plainRegister() porcupine.Model {
	var initial any = absent
	return porcupine.Model{
		Partition: partition,
		Init:      func() any { return initial },
		Step: func(state, input, _ any) (bool, any) {
			in := input.(*plainInput)
			if in.read {
				return state == in.value, state
			}
			return true, in.value
		},
		Hash: func(state any) uint64 { return uint64(state.(int32)) * 0x9e3779b97f4a7c15 },
	}
}

func partition(ops []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	for _, o := range ops {
		key := int(o.Input.(*plainInput).key)
		for len(parts) <= key {
			parts = append(parts, nil)
		}
		parts[key] = append(parts[key], o)
	}
	return parts
}

// plainOperations drops what says nothing in any case: operations that failed,
// and reads without an answer. Writes whose outcome is unknown stay open.
func plainOperations(h *history.History) []porcupine.Operation {
	keys, values := make(map[string]int32), make(map[string]any)
	ops := make([]porcupine.Operation, 0, len(h.Operations))
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Outcome == history.Failed || o.Kind == history.Get && o.Outcome == history.Unknown {
			continue
		}
		key, ok := keys[o.Key]
		if !ok {
			key = int32(len(keys))
			keys[o.Key] = key
		}
		in := &plainInput{key: key, read: o.Kind == history.Get, value: absent}
		if o.Kind == history.Put || o.Present {
			if values[o.Value] == nil {
				values[o.Value] = int32(len(values) + 1)
			}
			in.value = values[o.Value]
		}
		op := porcupine.Operation{ClientId: o.Client, Input: in, Call: int64(o.Call), Return: int64(o.Return)}
		if o.Outcome == history.Unknown {
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	return ops
}
