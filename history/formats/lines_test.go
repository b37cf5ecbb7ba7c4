package formats

import (
	"slices"
	"strings"
	"testing"
)

func TestLinesOfText(t *testing.T) {
	t.Parallel()
	log := "INFO  jepsen.util - "
	tests := []struct {
		name, text string
		want       []string
	}{
		{"spaces, empty lines, and Windows' line ends", "0 :invoke  :write 1\r\n\r\n  0 :ok\t:write 1\r\n", []string{"0 put x 1 ok 0-1" + ms}},
		{"no line end at the end", "0\t:invoke\t:write\t1\n0\t:ok\t:write\t1", []string{"0 put x 1 ok 0-1" + ms}},
		{"a key and a string", `0 :invoke :write ["a b" "c	d"]` + "\n" + `0 :ok :write ["a b" "c	d"]`, []string{"0 put a b c	d ok 0-1" + ms}},
		{"a failure", "0 :invoke :write 1\n0 :fail :write 1 {:no \"such\" thing", []string{`0 put x 1 failed 0-1` + ms + ` ({:no "such" thing)`}},
		{"a failure for want of time", "0 :invoke :write 1\n0 :fail :write 1 timed out", []string{"0 put x 1 unknown 0 (timed out)"}},
		{"a value without its end is shown as an error only", "0 :invoke :write 1\n0 :info :write 1 [oops", []string{"0 put x 1 unknown 0 ([oops)"}},
		{"other lines of a log", "WARN x\n" + log + "0 :invoke :write 1\n" + log + "something else\nINFO jepsen.core - 0 :ok :write 1\n", []string{"0 put x 1 unknown 0"}},
		{"a newer log", "2026-01-02 03:04:05,678{GMT}\tINFO\t[jepsen worker 0] jepsen.util: x\n2026-01-02 INFO [worker 0] jepsen.util 0 :invoke :write 1\n", []string{"0 put x 1 unknown 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := read(t, tt.text)
			if got := told(h); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDefectiveLinesAreRefused(t *testing.T) {
	t.Parallel()
	good := "0\t:invoke\t:write\t1\n"
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"another text", good + "hello\n", 2, `the line is "hello"`},
		{"a type that does not exist", good + "0 :okay :write 1\n", 2, "the line is"},
		{"no function", good + "1 :invoke\n", 2, "has no function"},
		{"a function that is not known", good + "1 :invoke :jump 3\n", 2, ":jump is no operation"},
		{"a value without its end", good + "\n1 :invoke :cas [1 2\n", 3, "the line ends inside a vector"},
		{"a log's event that is none", "INFO  jepsen.util - " + good + "INFO  jepsen.util - 0 :ok :write 7\n", 2, "ends with the value 7"},
		{"a process that is half a string", good + `"a :invoke :read nil`, 2, "the line ends inside a string"},
		{"a text that is not UTF-8", good + "1 :invoke :write \"\xff\"\n", 2, "not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := refused(t, tt.text); err.Line != tt.line || !strings.Contains(err.Msg, tt.want) {
				t.Errorf("got line %d: %s\nwant line %d: %s", err.Line, err.Msg, tt.line, tt.want)
			}
		})
	}
}

func TestDefectiveJSONIsRefused(t *testing.T) {
	t.Parallel()
	op := `{"type":"invoke","process":0,"f":"write","value":1}`
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"a missing comma", "[" + op + "\n" + op + "]", 2, "not JSON"},
		{"a comma too many", "[" + op + ",\n]", 1, "not JSON"},
		{"no closing bracket", "[" + op + "\n", 2, "breaks off"},
		{"half an object", op + "\n" + op[:20], 2, "breaks off"},
		{"half a text", op + "\n" + `{"type":"inv`, 2, "breaks off"},
		{"something behind", "[" + op + "]\n7", 2, "something follows"},
		{"a list in the list", "[" + op + ",\n[]]", 2, "consists of objects"},
		{"a member twice", "[" + op + ",\n" + `{"type":"ok","type":"ok"}]`, 2, "not JSON"},
		{"a text that is not UTF-8", "[" + op + ",\n{\"type\":\"\xff\"}]", 2, "not JSON"},
		{"deep lists", "[" + op + ",\n" + `{"value":` + strings.Repeat("[", 1001), 2, "nested more than 1000 deep"},
		{"a type that does not exist", op + "\n" + `{"type":"okay"}`, 2, `"type" is okay`},
		{"no process", "[" + op + ",\n\n" + `{"type":"ok"}]`, 3, "no process"},
		{"no process, with lines within", "[" + op + ",\n{\n\"type\":\n\"ok\"}\n]", 2, "no process"},
		{"a time with a fraction", op + "\n" + `{"type":"ok","time":1.5}`, 2, `"time" is 1.5`},
		{"a transaction of two", `{"type":"invoke","process":0,"value":[["r",1,null],["r",2,null]]}`, 1, "a transaction of 2 operations"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := refused(t, tt.text); err.Line != tt.line || !strings.Contains(err.Msg, tt.want) {
				t.Errorf("got line %d: %s\nwant line %d: %s", err.Line, err.Msg, tt.line, tt.want)
			}
		})
	}
}

func TestJSONEventsMeanTheSame(t *testing.T) {
	t.Parallel()
	h, _ := read(t, `[{"type":":invoke","process":0,"f":":cas","value":[1,2],"time":1e3,"index":-1,"extra":{"a":[1]}},
		{"type":"ok","process":0,"f":null,"value":[1,2.0],"time":2000,"index":-1},
		{"type":"info","process":":nemesis","f":"kill","value":null,"time":2500},
		{"type":"invoke","process":"a","f":"read","value":null,"time":3000},
		{"type":"ok","process":"a","f":"read","value":2,"time":4000}]`)
	want := []string{"0 cas x 1→2 ok 1000-2000", "1 get x 2 ok 3000-4000", "fault kill 2500-4000 "}
	if got := told(h); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
