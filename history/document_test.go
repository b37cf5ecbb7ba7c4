package history

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// formatDocument is where the format is described to others.
const formatDocument = "../docs/history-format.md"

func readFormatDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(formatDocument)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExamplesOfTheDocumentAreHistories(t *testing.T) {
	t.Parallel()
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readFormatDocument(t), -1)
	if len(examples) != 2 {
		t.Fatalf("there are %d examples, want 2", len(examples))
	}
	h := decode(t, examples[0][1])
	ok, failed, unknown := h.Count()
	if h.Truncated || ok != 6 || failed != 1 || unknown != 1 || len(h.Faults) != 1 || h.Settled != 99000000 {
		t.Errorf("got %d ok, %d failed, %d unknown: %+v", ok, failed, unknown, h)
	}
	// It is what lsfr itself writes; only settled depends on the run.
	plain := regexp.MustCompile(`,"settled":\d+`).ReplaceAllString(examples[0][1], "")
	if got := string(encode(t, h)); got != plain {
		t.Errorf("the example is written as\n%s\nand reads\n%s", got, plain)
	}
	small := decode(t, examples[1][1])
	if small.Truncated || len(small.Operations) != 2 || small.Model != "linearizable" || small.Operations[0].Outcome != OK {
		t.Errorf("got %+v", small)
	}
}

func TestTheDocumentExplainsEveryMember(t *testing.T) {
	t.Parallel()
	text := readFormatDocument(t)
	for _, object := range []any{jsonHeader{}, jsonOperation{}, jsonFault{}, jsonLeader{}, jsonGroup{}} {
		typ := reflect.TypeOf(object)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if row := regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`[^|]*\\|"); !row.MatchString(text) {
				t.Errorf("there is no row about %q", name)
			}
		}
	}
}

// What is read and what is written must be the same members, in the same order.
func TestEveryMemberThatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	for _, object := range []struct {
		written any
		read    []string
	}{{jsonOperation{}, operationMembers}, {jsonFault{}, faultMembers}, {jsonLeader{}, leaderMembers}, {jsonGroup{}, groupMembers}, {jsonHeader{}, headerMembers[:headerOperations]}} {
		var names []string
		typ := reflect.TypeOf(object.written)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
		if !slices.Equal(names, object.read) {
			t.Errorf("written: %v, read: %v", names, object.read)
		}
	}
}
