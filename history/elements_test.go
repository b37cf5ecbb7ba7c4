package history

import (
	"slices"
	"testing"
)

func TestElementsSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	for _, elements := range [][]string{{}, {""}, {"1", "2"}, {`a"b`, "c,d", "[]"}} {
		got, err := ParseElements(FormatElements(elements))
		if err != nil || !slices.Equal(got, elements) {
			t.Errorf("%q became %q, %v", elements, got, err)
		}
	}
	if FormatElements(nil) != FormatElements([]string{}) {
		t.Error("no elements have two texts")
	}
	if _, err := ParseElements("[1]"); err == nil {
		t.Error("a number passes for an element")
	}
}
