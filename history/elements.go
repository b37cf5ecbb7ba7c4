package history

import (
	"encoding/json"
	"fmt"
)

// FormatElements returns the elements of a set or a list as the one text that a
// read's Value holds: a JSON array of strings. Equal lists give equal texts.
func FormatElements(elements []string) string {
	if elements == nil {
		elements = []string{}
	}
	text, err := json.Marshal(elements)
	if err != nil { // strings can always be marshalled
		return "[]"
	}
	return string(text)
}

// ParseElements is the inverse of FormatElements.
func ParseElements(text string) ([]string, error) {
	var elements []string
	if err := json.Unmarshal([]byte(text), &elements); err != nil {
		return nil, fmt.Errorf("the value is not a JSON array of strings: %w", err)
	}
	return elements, nil
}
