package kvnode

import (
	"net/http"
	"strings"
)

// Mistakes of the HTTP handlers. Those that are not here are a line at their place in http.go.
const (
	caseInsensitiveKeys bug = "case-insensitive-keys"
	deleteAbsent404     bug = "delete-absent-404"
	emptyValueAccepted  bug = "empty-value-accepted"
	trimsValue          bug = "trims-value"
	bodyLimit8k         bug = "body-limit-8k"
	wrong405            bug = "wrong-405"
	asciiValues         bug = "ascii-values"
	clearForgetsNothing bug = "clear-forgets-nothing"
	keyLimit64          bug = "key-limit-64"
	emptyKeyAccepted    bug = "empty-key-accepted"
	absentIsEmpty       bug = "absent-is-empty"
	refusedButStored    bug = "refused-but-stored"
)

// refuse answers a put that came while another write was under way as if nothing had been done: bug
// refused-but-stored, which has stored it by then.
func (h *handler) refuse(w http.ResponseWriter) {
	http.Error(w, "another write is under way", http.StatusConflict)
}

// mistakeKey is the key that the bug takes a request's key for.
func (b bug) mistakeKey(key string) string {
	switch b {
	case caseInsensitiveKeys:
		return strings.ToLower(key)
	case keyLimit64:
		return key[:min(len(key), 64)]
	}
	return key
}

// mistakeValue is the value that the bug takes a request's body for.
func (b bug) mistakeValue(value string) string {
	switch b {
	case trimsValue:
		return strings.TrimSpace(value)
	case bodyLimit8k:
		return value[:min(len(value), 8<<10)]
	case asciiValues:
		ascii := []byte(value)
		for i, c := range ascii {
			if c >= 0x80 {
				ascii[i] = '?'
			}
		}
		return string(ascii)
	}
	return value
}
