package formats

import (
	"bytes"

	"github.com/st3v3nmw/lsfr/history"
)

// fressianFormat recognises Jepsen's binary test.jepsen, only to say where to
// look instead: Jepsen writes the same history as text beside it.
func fressianFormat() Format {
	return Format{
		Name: "jepsen-fressian", Title: "Jepsen's test.jepsen (refused)",
		detect: func(head []byte) bool { return bytes.HasPrefix(head, []byte("JEPSEN")) },
		read: func(*input) (*history.History, []string, error) {
			return nil, nil, &history.SyntaxError{Line: 1, Msg: "this is Jepsen's binary format (Fressian), which lsfr does not read: " +
				"use history.edn from the same folder"}
		},
	}
}
