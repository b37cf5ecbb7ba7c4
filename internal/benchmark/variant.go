package main

import (
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// variant changes a correct history into a harder one that is still correct.
type variant string

const (
	asGenerated variant = ""
	// concurrent makes all operations overlap. Relative to each other they are
	// called earlier and return later than before, so the order that explained
	// them still does.
	concurrent variant = "all operations concurrent"
	// repeated renames the values to few. What a read returned is renamed
	// alike, so the order that explained them still does.
	repeated variant = "values repeat"
)

// different is how many values there are if values repeat.
const different = 8

func (v variant) change(h *history.History) error {
	switch v {
	case asGenerated:
	case concurrent:
		for i := range h.Operations {
			o := &h.Operations[i]
			o.Client, o.Call = i, time.Duration(i)
			if o.Outcome != history.Unknown {
				o.Return = time.Duration(len(h.Operations) + i)
			}
		}
	case repeated:
		names := make(map[string]string)
		for i := range h.Operations {
			o := &h.Operations[i]
			if o.Value == "" {
				continue
			}
			if names[o.Value] == "" {
				names[o.Value] = fmt.Sprint("v", len(names)%different)
			}
			o.Value = names[o.Value]
		}
	default:
		return fmt.Errorf("unknown variant %q", string(v))
	}
	return nil
}
