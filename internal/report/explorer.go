package report

import (
	"fmt"
	"strings"
)

// explorer is the part of the page that its script shows.
type explorer struct {
	payload    *payload
	Operations string // how many there are
	Thinned    string // what was left out, empty if nothing
}

func newExplorer(p *payload) *explorer {
	e := &explorer{payload: p, Operations: count(p.Total)}
	if n := len(p.Ops.ID); n < p.Total {
		e.Thinned = fmt.Sprintf("Of %s operations, the timeline and the table hold %s: all of those around the violations, and of the others an even sample. All charts and figures count all of them, and the recorded history holds them.", count(p.Total), count(n))
		if len(p.Violations) == 0 {
			e.Thinned = strings.Replace(e.Thinned, "all of those around the violations, and of the others an even sample", "an even sample", 1)
		}
	}
	return e
}
