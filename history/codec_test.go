package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// complete is a history in which every field has a value.
func complete() *History {
	return &History{
		Header: Header{
			Challenge: "kv-store", Stage: "crash-recovery", Scenario: "crashes-under-load", Model: "linearizable",
			Seed: 1<<53 - 1, Nodes: []string{"n1", "n2"},
			Groups: []Group{{Shard: "s1", Nodes: []string{"n1"}}, {Shard: "s2", Nodes: []string{"n2"}}}, Started: time.Date(2026, 1, 2, 15, 4, 5, 678, time.UTC),
		},
		Operations: []Operation{
			{ID: 0, Client: 3, Node: "n1", Kind: Put, Key: "k7", Value: "c3-118", Call: 12304, Return: 12311, Outcome: OK, Status: 200},
			{ID: 1, Client: 5, Node: "n2", Kind: Get, Key: "k7", Value: "c3-118", Present: true, Call: 12320, Return: 12320, Outcome: OK, Status: 200},
			{ID: 2, Client: 1, Node: "n2", Kind: Get, Key: "k8", Call: 12320, Return: 12322, Outcome: OK, Status: 404, Final: true},
			{ID: 3, Client: 2, Node: "n1", Kind: Delete, Key: "k7", Call: 12401, Error: "timeout after 2s"},
			{ID: 4, Client: 4, Node: "n1", Kind: Put, Key: "k7", Value: "", Call: 12402, Return: 12405, Outcome: Failed, Status: 400, Error: "value cannot be empty"},
			{ID: 9, Client: 6, Node: "n1", Kind: Get, Key: "k9", Value: "c3-9… (8 bytes)", Present: true, Call: 12500, Return: 12600, Outcome: OK, Status: 200, Defect: "it breaks off"},
			{ID: 10, Client: 6, Node: "n1", Kind: Cas, Key: "k9", Value: "2", Expected: "1", Call: 12601, Return: 12602, Outcome: OK},
			{ID: 11, Client: 6, Node: "n1", Kind: Enqueue, Key: "q", Value: "2", Call: 12603, Return: 12604, Outcome: OK},
			{ID: 12, Client: 6, Node: "n1", Kind: Dequeue, Key: "q", Value: "2", Present: true, Call: 12605, Return: 12606, Outcome: OK},
			{ID: 13, Client: 6, Node: "n1", Kind: Dequeue, Key: "q", Call: 12607, Return: 12608, Outcome: OK},
			{ID: 14, Client: 6, Node: "n1", Kind: Add, Key: "s", Value: "2", Call: 12609, Return: 12610, Outcome: OK},
			{ID: 15, Client: 6, Node: "n1", Kind: Append, Key: "l", Value: "2", Call: 12611, Return: 12612, Outcome: OK},
			{ID: 16, Client: 6, Node: "n1", Kind: Get, Key: "l", Value: FormatElements([]string{"2"}), Present: true, Call: 12613, Return: 12614, Outcome: OK},
		},
		Faults: []FaultEvent{
			{Fault: "kill", Targets: []string{"n1"}, Detail: "killed again 5 ms after its restart", Start: 11900, End: 14000, Hits: 57},
			{Fault: "stop", Targets: []string{}, Start: 15000, End: 15000},
		},
		Leaders: []LeaderEvent{{At: 10, Leader: "n1", Term: 1}, {At: 11950}, {At: 12100, Leader: "n2", Term: 1<<53 - 1}, {At: 12200, Shard: "s1", Leader: "n1", Term: 2}, {At: 12300, Shard: "s2"}},
		Shards:  map[string]string{"k7": "s2", "k8": "s1", "": "", "q\"\n<": "s1"},
	}
}

func encode(t testing.TB, h *History) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, h); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, document string) *History {
	t.Helper()
	h, err := Decode(strings.NewReader(document))
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return h
}

func TestEveryFieldSurvivesARoundTrip(t *testing.T) {
	t.Parallel()
	want := complete()
	if got := decode(t, string(encode(t, want))); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	empty := &History{Header: Header{Nodes: []string{}}}
	if got := decode(t, string(encode(t, empty))); !reflect.DeepEqual(got, empty) {
		t.Errorf("got  %+v\nwant %+v", got, empty)
	}
}

func TestEveryTextSurvivesARoundTrip(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"quotes and backslashes", `a "b" \ 'c' \n`, ""},
		{"line breaks", "a\nb\r\nc\n", ""},
		{"control characters", "a\x00\x01\x1b[31mb\x7f", ""},
		{"emoji", "👩‍🚀 grüße 日本語", ""},
		{"markup", "<script>alert('&')</script>", ""},
		{"line separators", "a\u2028b\u2029c", ""},
		{"something like a document", "\"}],\n \"faults\":[]}", ""},
		{"nothing", "", ""},
		// JSON has no such bytes. Whoever records a body decides on its name first.
		{"invalid UTF-8", "a\xffb\xc3", "a\uFFFDb\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.text
			}
			h := complete()
			h.Scenario, h.Operations[0].Key, h.Operations[1].Value = tt.text, tt.text, tt.text
			h.Operations[3].Error, h.Faults[0].Detail = tt.text, tt.text
			got := decode(t, string(encode(t, h)))
			for _, text := range []string{
				got.Scenario, got.Operations[0].Key, got.Operations[1].Value, got.Operations[3].Error, got.Faults[0].Detail,
			} {
				if text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			}
			if !got.Operations[1].Present {
				t.Error("the value that was read is gone")
			}
		})
	}
}

// document wraps operations as any tool might write them.
func document(operations string) string {
	return `{"format":"lsfr-history","version":1,"operations":[` + operations + `]}`
}

func TestWhatADocumentMayLeaveOutOrAdd(t *testing.T) {
	t.Parallel()
	get := Operation{ID: 1, Client: 2, Kind: Get, Key: "k", Call: 5}
	with := func(change func(*Operation)) Operation {
		op := get
		change(&op)
		return op
	}
	answered := with(func(o *Operation) { o.Outcome, o.Return = OK, 7 })
	tests := []struct {
		name, operation string
		want            Operation
	}{
		{"an operation without an outcome is unknown", `{"id":1,"client":2,"kind":"get","key":"k","call":5}`, get},
		{"so is one whose outcome is null", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"outcome":null}`, get},
		{"the return of an unknown one means nothing", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":3,"outcome":"unknown"}`, get},
		{"a get without a value found none", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":7,"outcome":"ok"}`, answered},
		{"so does one whose value is null", `{"id":1,"client":2,"kind":"get","key":"k","value":null,"call":5,"return":7,"outcome":"ok"}`, answered},
		{
			"an empty value is a value", `{"id":1,"client":2,"kind":"get","key":"k","value":"","call":5,"return":7,"outcome":"ok"}`,
			with(func(o *Operation) { o.Outcome, o.Return, o.Present = OK, 7, true }),
		},
		{
			"a put of an empty value", `{"id":1,"client":2,"kind":"put","key":"k","value":"","call":5}`,
			with(func(o *Operation) { o.Kind = Put }),
		},
		{
			"the value of a delete means nothing", `{"id":1,"client":2,"kind":"delete","key":"k","value":"x","call":5}`,
			with(func(o *Operation) { o.Kind = Delete }),
		},
		{"a return at the time of the call", `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":5,"outcome":"ok"}`,
			with(func(o *Operation) { o.Outcome, o.Return = OK, 5 })},
		{"a name with escapes", `{"\u0069d":1,"client":2,"kind":"get","k\u0065y":"\u006b","call":5}`, get},
		{"a name that differs in case", `{"id":1,"ID":7,"client":2,"kind":"get","key":"k","Key":"z","call":5}`, get},
		{"unknown members that come twice", `{"id":1,"x":1,"client":2,"kind":"get","key":"k","x":2,"call":5}`, get},
		{"members that may be null", `{"id":1,"client":2,"node":null,"kind":"get","key":"k","expected":null,"call":5,"return":null,"status":null,"error":null,"defect":null,"final":null,"settled":null}`, get},
		{"a surrogate pair", `{"id":1,"client":2,"kind":"get","key":"\ud83d\ude00","call":5}`, with(func(o *Operation) { o.Key = "\U0001F600" })},
		{"the largest number of all", `{"id":1,"client":2,"kind":"get","key":"k","call":9223372036854775807}`, with(func(o *Operation) { o.Call = 1<<63 - 1 })},
		{"the least number of all", `{"id":1,"client":2,"kind":"get","key":"k","call":-9223372036854775808}`, with(func(o *Operation) { o.Call = -1 << 63 })},
		{"what is expected by anything but a cas", `{"id":1,"client":2,"kind":"get","key":"k","expected":"x","call":5}`, get},
		{
			"members nested as deep as is read", `{"id":1,"client":2,"kind":"get","key":"k","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,"call":5}`, get,
		},
		{"members in another order", `{"outcome":"ok","return":7,"call":5,"key":"k","kind":"get","client":2,"id":1}`, answered},
		{
			"members that nobody knows yet",
			`{"id":1,"shard":"s1","client":2,"kind":"get","x":{"id":7,"y":[1,{"key":"z"}]},"key":"k","call":5,"return":7,"outcome":"ok","w":null}`, answered,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := decode(t, document(tt.operation))
			if len(h.Operations) != 1 || h.Operations[0] != tt.want {
				t.Errorf("got %+v\nwant %+v", h.Operations, tt.want)
			}
			if h.Truncated {
				t.Error("it counts as truncated")
			}
		})
	}
}

func TestTheOrderOfTheDocumentsMembersDoesNotMatter(t *testing.T) {
	t.Parallel()
	h := decode(t, ` { "faults": [{"fault":"kill","hits":1}], "x": [[]], "operations" :
		[ {"id":-1,"client":0,"kind":"get","key":"","call":-5} ] , "nodes":["n1"], "y":{"operations":[1]}, "version" : 1, "format":"lsfr-history" }
	`)
	if len(h.Operations) != 1 || len(h.Faults) != 1 || h.Faults[0].Hits != 1 || !slices.Equal(h.Nodes, []string{"n1"}) {
		t.Errorf("got %+v", h)
	}
}

func TestWhatAChangeOfLeadersMayLeaveOutOrAdd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, leader string
		want         LeaderEvent
	}{
		{"everything", `{"at":5,"leader":"n1","term":4}`, LeaderEvent{At: 5, Leader: "n1", Term: 4}},
		{"of a shard", `{"at":5,"shard":"s1","leader":"n1","term":4}`, LeaderEvent{At: 5, Shard: "s1", Leader: "n1", Term: 4}},
		{"members in another order", `{"term":4,"leader":"n1","at":5}`, LeaderEvent{At: 5, Leader: "n1", Term: 4}},
		{"nobody leads", `{"at":5,"leader":null,"term":4}`, LeaderEvent{At: 5, Term: 4}},
		{"nor does a missing name", `{"at":5}`, LeaderEvent{At: 5}},
		{"members that may be null", `{"at":null,"shard":null,"leader":null,"term":null}`, LeaderEvent{}},
		{"members that nobody knows yet", `{"at":5,"region":"eu","leader":"n1","x":[{"at":7}]}`, LeaderEvent{At: 5, Leader: "n1"}},
	} {
		h := decode(t, `{"leaders":[`+tt.leader+`],`+strings.TrimPrefix(document(""), "{"))
		if !slices.Equal(h.Leaders, []LeaderEvent{tt.want}) || h.Truncated {
			t.Errorf("%s: got %+v, want %+v", tt.name, h.Leaders, tt.want)
		}
	}
	if without := encode(t, &History{}); bytes.Contains(without, []byte("leaders")) {
		t.Errorf("nobody watched, and still it says %s", without)
	}
}

func TestWhatGroupsAndShardsMayLeaveOutOrAdd(t *testing.T) {
	t.Parallel()
	s1 := []Group{{Shard: "s1", Nodes: []string{"n1", "n2"}}}
	for _, tt := range []struct {
		name, members string
		groups        []Group
		shards        map[string]string
	}{
		{"neither", ``, nil, nil},
		{"empty ones", `"groups":[],"shards":{},`, nil, nil},
		{"both", `"groups":[{"shard":"s1","nodes":["n1","n2"]}],"shards":{"a":"s1","b":"s2"},`, s1, map[string]string{"a": "s1", "b": "s2"}},
		{"in another order", `"shards":{"b":"s2","a":"s1"},"groups":[{"nodes":["n1","n2"],"shard":"s1"}],`, s1, map[string]string{"a": "s1", "b": "s2"}},
		{"members that may be null", `"groups":[{"shard":null,"nodes":null}],"shards":{"a":null,"b":"s2"},`, []Group{{}}, map[string]string{"b": "s2"}},
		{"missing members", `"groups":[{}],`, []Group{{}}, nil},
		{"members that nobody knows yet", `"groups":[{"x":[{"shard":7}],"shard":"s1","nodes":["n1","n2"],"y":{}}],`, s1, nil},
		{"a key with escapes", `"shards":{"\u0061\n":"\u0073"},`, nil, map[string]string{"a\n": "s"}},
		{"keys that differ in case", `"shards":{"a":"s1","A":"s2"},`, nil, map[string]string{"a": "s1", "A": "s2"}},
	} {
		h := decode(t, `{`+tt.members+strings.TrimPrefix(document(""), "{"))
		if !reflect.DeepEqual(h.Groups, tt.groups) || !reflect.DeepEqual(h.Shards, tt.shards) || h.Truncated {
			t.Errorf("%s: got %+v and %v", tt.name, h.Groups, h.Shards)
		}
	}
	if without := string(encode(t, &History{Shards: map[string]string{}})); strings.Contains(without, "shard") || strings.Contains(without, "groups") {
		t.Errorf("there are no shards, and still it says %s", without)
	}
}

func TestShardsAreWrittenInTheOrderOfTheirKeys(t *testing.T) {
	t.Parallel()
	h := &History{
		Header:  Header{Nodes: []string{"n1"}, Groups: []Group{{"s1", []string{"n1", "n2", "n3"}}, {Shard: "s2"}}},
		Leaders: []LeaderEvent{{At: 1, Shard: "s1", Leader: "n1", Term: 3}, {At: 2, Leader: "n1"}},
		Shards:  map[string]string{"k10": "s1", "k1": "s2", "k2": "s1"},
	}
	got := string(encode(t, h))
	for _, want := range []string{
		`"nodes":["n1"],"groups":[{"shard":"s1","nodes":["n1","n2","n3"]},{"shard":"s2","nodes":[]}],"started":`,
		`{"at":1,"shard":"s1","leader":"n1","term":3}`, `{"at":2,"leader":"n1","term":0}`,
		"],\n \"shards\":{\"k1\":\"s2\",\"k10\":\"s1\",\"k2\":\"s1\"}}\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nis missing in\n%s", want, got)
		}
	}
}

func TestAGroupIsFoundByItsShard(t *testing.T) {
	t.Parallel()
	h := complete()
	if got := h.Group("s2"); !slices.Equal(got, []string{"n2"}) {
		t.Errorf("got %v", got)
	}
	for _, none := range []string{"", "s3", "n1"} {
		if got := h.Group(none); got != nil {
			t.Errorf("%q: got %v", none, got)
		}
	}
}

func TestTheLargestSettledTimeCounts(t *testing.T) {
	t.Parallel()
	h := decode(t, document(`{"id":1,"client":2,"kind":"get","key":"k","call":5,"settled":6},{"id":2,"client":2,"kind":"get","key":"k","call":5,"settled":3}`))
	if h.Settled != 6 {
		t.Errorf("got %d", h.Settled)
	}
}

func TestDefectiveDocumentsAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	op := `{"id":1,"client":2,"kind":"get","key":"k","call":5,"return":7,"outcome":"ok"}`
	tests := []struct {
		name, document string
		line           int
		want           string
	}{
		{"an empty file", "", 1, "empty"},
		{"only line breaks", "\n\n", 1, "breaks off"},
		{"a program", "\x7fELF\x02\x01\x01\x00\x00\x00\x00", 1, "not JSON"},
		{"zeros", "\x00\x00\x00\x00", 1, "not JSON"},
		{"a list", "[]", 1, "one JSON object"},
		{"a text", `"lsfr-history"`, 1, "one JSON object"},
		{"another object", `{"name":"x"}`, 1, `no "format"`},
		{"another format", "{\n\"format\":\"jepsen\",\"version\":1,\"operations\":[]}", 2, `"jepsen"`},
		{"a format that is no text", `{"format":7}`, 1, "a string"},
		{"no version", `{"format":"lsfr-history","operations":[` + op + `]}`, 1, `"version" is missing`},
		{"version 0", `{"format":"lsfr-history","version":0,"operations":[` + op + `]}`, 1, `"version"`},
		{"version 2", `{"format":"lsfr-history",` + "\n" + `"version":2,"operations":7}`, 2, "update lsfr"},
		{"no operations", `{"format":"lsfr-history","version":1}`, 1, `no "operations"`},
		{"operations that are no list", `{"format":"lsfr-history","version":1,"operations":{}}`, 1, `"operations" is an object, want a list`},
		{"operations that are null", `{"format":"lsfr-history","version":1,"operations":null}`, 1, `"operations" is null, want a list`},
		{"faults that are no list", `{"format":"lsfr-history","version":1,"operations":[],"faults":7}`, 1, `"faults" is 7, want a list`},
		{"a fault that is no object", `{"format":"lsfr-history","version":1,"operations":[],"faults":["kill"]}`, 1, "fault number 1"},
		{"leaders that are no list", `{"format":"lsfr-history","version":1,"operations":[],"leaders":{}}`, 1, `"leaders" is an object, want a list`},
		{"leaders that are null", `{"format":"lsfr-history","version":1,"operations":[],"leaders":null}`, 1, `"leaders" is null, want a list`},
		{"a leader that is only a name", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{},` + "\n" + `"n1"]}`, 2, `leader number 2 is "n1", want an object`},
		{"a leader that is a number", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{"leader":1}]}`, 1, `leader number 1: "leader" is 1, want a string`},
		{"a term that is a text", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{},` + "\n" + `{"at":1,"term":"4"}]}`, 2, `leader number 2: "term" is "4", want a whole number`},
		{"a time of a leader with a fraction", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{"at":1.5}]}`, 1, `leader number 1: "at" is 1.5`},
		{"a leader with two times", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{"at":1,"at":1}]}`, 1, `leader number 1 has two members "at"`},
		{"leaders twice", `{"format":"lsfr-history","version":1,"leaders":[],"operations":[],"leaders":[]}`, 1, `the file has two members "leaders"`},
		{"groups that are no list", `{"format":"lsfr-history","version":1,"operations":[],"groups":{"s1":["n1"]}}`, 1, `"groups" is an object, want a list`},
		{"groups that are null", `{"format":"lsfr-history","version":1,"operations":[],"groups":null}`, 1, `"groups" is null, want a list`},
		{"a group that is only a name", `{"format":"lsfr-history","version":1,"groups":[{},` + "\n" + `"s1"],"operations":[]}`, 2, `group number 2 is "s1", want an object`},
		{"a group's shard that is a number", `{"format":"lsfr-history","version":1,"groups":[{"shard":1}],"operations":[]}`, 1, `group number 1: "shard" is 1, want a string`},
		{"a group of one text", `{"format":"lsfr-history","version":1,"groups":[{"nodes":"n1"}],"operations":[]}`, 1, `group number 1: "nodes" is "n1", want a list of strings`},
		{"a group of numbers", `{"format":"lsfr-history","version":1,"groups":[{"nodes":[1]}],"operations":[]}`, 1, `group number 1: "nodes" holds something else than strings`},
		{"a group with two shards", `{"format":"lsfr-history","version":1,"groups":[{"shard":"s1","shard":"s2"}],"operations":[]}`, 1, `group number 1 has two members "shard"`},
		{"groups twice", `{"format":"lsfr-history","version":1,"groups":[],"groups":[],"operations":[]}`, 1, `the file has two members "groups"`},
		{"a leader's shard that is a number", `{"format":"lsfr-history","version":1,"operations":[],"leaders":[{"shard":1}]}`, 1, `leader number 1: "shard" is 1, want a string`},
		{"shards that are a list", `{"format":"lsfr-history","version":1,"operations":[],"shards":["s1"]}`, 1, `"shards" is a list, want an object of keys and their shards`},
		{"shards that are null", `{"format":"lsfr-history","version":1,"operations":[],"shards":null}`, 1, `"shards" is null, want an object`},
		{"a key's shard that is a number", `{"format":"lsfr-history","version":1,"operations":[],"shards":{"a":"s1",` + "\n" + `"b":2}}`, 2, `"shards" holds something else than a string for the key "b"`},
		{"a key's shard that is a group", `{"format":"lsfr-history","version":1,"operations":[],"shards":{"a":{}}}`, 1, `"shards" holds something else than a string for the key "a"`},
		{"a key in two shards", `{"format":"lsfr-history","version":1,"operations":[],"shards":{"a":"s1",` + "\n" + `"\u0061":"s2"}}`, 2, `"shards" has two members "a"`},
		{"a key twice, once without a shard", `{"format":"lsfr-history","version":1,"operations":[],"shards":{"a":null,"a":"s2"}}`, 1, `"shards" has two members "a"`},
		{"shards twice", `{"format":"lsfr-history","version":1,"shards":{},"operations":[],"shards":{}}`, 1, `the file has two members "shards"`},
		{"a comma too many behind shards", "{\"format\":\"lsfr-history\",\"version\":1,\"operations\":[],\"shards\":{\"a\":\"s1\"\n,}}", 2, "a comma too many"},
		{"a key's shard that is not UTF-8", "{\"format\":\"lsfr-history\",\"version\":1,\"operations\":[],\n\"shards\":{\"a\":\"\xff\"}}", 2, `"shards" is not UTF-8`},
		{"a seed with a fraction", `{"format":"lsfr-history","version":1,"seed":1.5,"operations":[]}`, 1, "a whole number"},
		{"nodes that are no texts", `{"format":"lsfr-history","version":1,"nodes":[1],"operations":[]}`, 1, `"nodes"`},
		{"a start that is no time", `{"format":"lsfr-history","version":1,"started":"yesterday","operations":[]}`, 1, `"yesterday"`},

		{"an operation that is a number", document("\n" + op + ",\n7"), 3, "operation number 2"},
		{"no id", document(strings.Replace(op, `"id":1,`, "", 1)), 1, `operation number 1 has no "id"`},
		{"an id that is null", document(strings.Replace(op, `"id":1,`, `"id":null,`, 1)), 1, `no "id"`},
		{"no client", document(strings.Replace(op, `"client":2,`, "", 1)), 1, `no "client"`},
		{"no kind", document(strings.Replace(op, `"kind":"get",`, "", 1)), 1, `no "kind"`},
		{"no key", document(strings.Replace(op, `"key":"k",`, "", 1)), 1, `no "key"`},
		{"no call", document(strings.Replace(op, `"call":5,`, "", 1)), 1, `no "call"`},
		{"no return", document(strings.Replace(op, `"return":7,`, "", 1)), 1, `operation 1 is ok but has no "return"`},
		{"a failed one without a return", document(`{"id":1,"client":2,"kind":"delete","key":"k","call":5,"return":null,"outcome":"failed"}`), 1, `failed but has no "return"`},
		{"an id twice", document("\n" + op + ",\n" + op), 3, "operation 1 appears twice"},
		{"a return before its call", document("\n\n" + strings.Replace(op, `"return":7`, `"return":4`, 1)), 3, "returns at 4 ns, before its call at 5 ns"},
		{"an unknown kind", document(strings.Replace(op, `"get"`, `"swap"`, 1)), 1, `"swap"`},
		{"a cas that expects nothing", document(strings.Replace(op, `"kind":"get"`, `"kind":"cas","value":"v"`, 1)), 1, `cas without an "expected"`},
		{"an enqueue without a value", document(strings.Replace(op, `"get"`, `"enqueue"`, 1)), 1, `enqueue without a "value"`},
		{"an unknown outcome", document(strings.Replace(op, `"ok"`, `"maybe"`, 1)), 1, `"maybe"`},
		{"a put without a value", document(strings.Replace(op, `"get"`, `"put"`, 1)), 1, `put without a "value"`},
		{"a put of null", document(strings.Replace(op, `"kind":"get"`, `"kind":"put","value":null`, 1)), 1, `put without a "value"`},
		{"a value that is a number", document(strings.Replace(op, `"kind":"get"`, `"kind":"get","value":7`, 1)), 1, `"value" is 7, want a string`},
		{"an id that is a text", document("\n" + strings.Replace(op, `"id":1`, `"id":"1"`, 1)), 2, `"id"`},
		{"a call with a fraction", document("\n" + strings.Replace(op, `"call":5`, `"call":5.5`, 1)), 2, `"call"`},
		{"a call beyond 64 bits", document(strings.Replace(op, `"call":5`, `"call":99999999999999999999`, 1)), 1, `"call"`},
		{"a final that is a number", document(strings.Replace(op, `"id":1`, `"id":1,"final":1`, 1)), 1, "true or false"},
		{"a key that is a list", document(strings.Replace(op, `"k"`, `["k"]`, 1)), 1, `"key"`},

		{"a call written with an exponent", document("\n" + strings.Replace(op, `"call":5`, `"call":1.0e3`, 1)), 2, "without fraction or exponent"},
		{"a return below 64 bits", document(strings.Replace(op, `"return":7`, `"return":-9223372036854775809`, 1)), 1, "of 64 bits"},
		{"a settled time beyond 64 bits", document(strings.Replace(op, `"id":1`, `"id":1,"settled":9223372036854775808`, 1)), 1, `"settled" is 9223372036854775808`},
		{"hits with a fraction", `{"format":"lsfr-history","version":1,"operations":[],"faults":[{"hits":0.5}]}`, 1, `fault number 1: "hits" is 0.5`},
		{"a node that is null among others", `{"format":"lsfr-history","version":1,"nodes":["n1",` + "\n" + `null],"operations":[]}`, 2, "a list of strings"},
		{"nodes that are one text", `{"format":"lsfr-history","version":1,"nodes":"n1","operations":[]}`, 1, `"nodes" is "n1"`},
		{"an operation that is null", document(op + ",\nnull"), 2, "operation number 2 is null, want an object"},
		{"a list over several lines where a text belongs", document("\n" + strings.Replace(op, `"k"`, "[\n\n]", 1)), 2, `"key" is a list`},
		{"a large number far away", document(op + ",\n" + strings.Replace(op, `"id":1`, `"id":9000000000000000000`, 1) + ",\n" + strings.Replace(op, `"id":1`, `"id":9000000000000000000`, 1)), 3, "operation 9000000000000000000 appears twice"},
		{"a negative id twice", document(strings.Replace(op, `"id":1`, `"id":-64`, 1) + ",\n" + op + ",\n" + strings.Replace(op, `"id":1`, `"id":-64`, 1)), 3, "operation -64 appears twice"},
		{"a member twice", document("\n" + strings.Replace(op, `"id":1`, "\"id\":1,\n\"id\":1", 1)), 3, `operation number 1 has two members "id"`},
		{"a member twice, once with escapes", document(strings.Replace(op, `"id":1`, `"id":1,"\u0069d":1`, 1)), 1, `has two members "id"`},
		{"operations twice", `{"format":"lsfr-history","version":1,"operations":[],"operations":[]}`, 1, `the file has two members "operations"`},
		{"a member twice, once null", document(strings.Replace(op, `"id":1`, `"id":1,"node":null,"node":"n1"`, 1)), 1, `has two members "node"`},

		{"a value that is not UTF-8", document(op + ",\n" + strings.Replace(op, `"k"`, "\"k\xff\"", 1)), 2, "operation number 2: \"key\" is not UTF-8: the byte 0xff"},
		{"a name that is not UTF-8", document(op + ",\n" + strings.Replace(op, `"key"`, "\"\xc3key\"", 1)), 2, "operation number 2 is not UTF-8: the byte 0xc3"},
		{"a text in UTF-16", "\xff\xfe{\x00\"\x00", 1, "the file is not UTF-8"},
		{"half of a surrogate pair", document(strings.Replace(op, `"k"`, `"\ud83dk"`, 1)), 1, "surrogate"},
		{"an escape that does not exist", document(strings.Replace(op, `"k"`, `"\x"`, 1)), 1, "escape"},
		{"a member of no meaning nested too deep", `{"x":` + "\n" + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`, 2, "nested more than 1000 deep"},
		{"objects nested too deep, without an end", document("\n" + `{"x":` + strings.Repeat(`{"":`, 1001)), 2, "operation number 1: lists and objects are nested more than 1000 deep"},
		{"a text that is nested", document("\n" + strings.Replace(op, `"k"`, strings.Repeat("[", 100_000), 1)), 2, "depth"},

		{"a missing comma between members", "{\"format\":\"lsfr-history\"\n\"version\":1}", 2, "not JSON"},
		{"a missing comma between operations", document(op + "\n" + op), 2, "expecting ','"},
		{"a comma too many", document("\n" + op + ",\n"), 2, "a comma too many"},
		{"a comma after the last member", "{\"format\":\"lsfr-history\",\"version\":1,\"operations\":\n[],\n}", 2, "a comma too many"},
		{"a name without quotes", document(op + ",\n{id:1}"), 2, "operation number 2 is not JSON"},
		{"a bare line break in a text", document(strings.Replace(op, `"k"`, "\"k\n\"", 1)), 1, "not JSON"},
		{"the wrong bracket", `{"format":"lsfr-history","version":1,"operations":[` + op + "\n}}", 2, "not JSON"},
		{"another document behind it", document(op) + "\n" + document(op), 2, "something follows"},
		{"garbage behind it", document(op) + "\n@", 2, "something follows"},
		{"a broken file that does not name its format", `{"operations":[` + op, 1, `no "format"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := Decode(strings.NewReader(tt.document))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %+v and error %v", h, err)
			}
			if h != nil {
				t.Error("there is a history all the same")
			}
			if syntax.Line != tt.line || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want line %d and %q", err, tt.line, tt.want)
			}
		})
	}
	decode(t, document(op)) // what all those were made from is fine
}

func TestLinesAreCountedRightFarIntoAFile(t *testing.T) {
	t.Parallel()
	for _, defect := range []struct{ name, operation string }{
		{"syntax", `{"id": x}`}, {"type", `{"id": "x"}`}, {"meaning", `{"id": 1}`},
	} {
		t.Run(defect.name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(`{"format":"lsfr-history","version":1,"operations":[`)
			const n = 3000 // several of the decoder's buffers
			for i := range n {
				fmt.Fprintf(&b, "\n    {\"id\":%d,\"client\":1,\"kind\":\"get\",\"key\":\"k\",\"call\":1} ,", i)
			}
			b.WriteString("\n\n" + defect.operation + "]}")
			_, err := Decode(iotest.HalfReader(strings.NewReader(b.String())))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line != n+3 {
				t.Errorf("got %v, want line %d", err, n+3)
			}
		})
	}
}

func TestAFileThatBreaksOffIsReadUpToTheBreak(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	want := complete()
	w, err := NewWriter(&b, want.Header)
	if err != nil {
		t.Fatal(err)
	}
	// ends[i] is where operation i is complete in the file.
	var ends []int
	settled := make([]time.Duration, len(want.Operations))
	settled[2], settled[4] = 12000, 12390
	for i := range want.Operations {
		if err := errors.Join(w.Write(&want.Operations[i], settled[i]), w.Flush()); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, b.Len())
	}
	if err := w.Close(Ending{want.Faults, want.Leaders, want.Shards}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for cut := range len(whole) + 1 {
		for name, reader := range map[string]io.Reader{
			"at once": bytes.NewReader(whole[:cut]), "in pieces": iotest.OneByteReader(bytes.NewReader(whole[:cut])),
		} {
			h, err := Decode(reader)
			n := 0
			var promised time.Duration
			for n < len(ends) && ends[n] <= cut {
				promised = max(promised, settled[n])
				n++
			}
			var syntax *SyntaxError
			switch {
			case n == 0:
				if !errors.As(err, &syntax) || h != nil {
					t.Fatalf("cut at %d %s: got %+v, %v", cut, name, h, err)
				}
			case err != nil:
				t.Fatalf("cut at %d %s: %v", cut, name, err)
			default:
				if !slices.Equal(h.Operations, want.Operations[:n]) || h.Settled != promised {
					t.Fatalf("cut at %d %s: got %+v, want the first %d operations, settled at %d", cut, name, h, n, promised)
				}
				// Only the line break at the end is not missed.
				if h.Truncated != (cut < len(whole)-1) {
					t.Fatalf("cut at %d of %d %s: truncated is %v", cut, len(whole), name, h.Truncated)
				}
				if !reflect.DeepEqual(h.Header, want.Header) {
					t.Fatalf("cut at %d %s: got header %+v", cut, name, h.Header)
				}
				if len(h.Faults) > len(want.Faults) || len(h.Faults) > 0 && !reflect.DeepEqual(h.Faults, want.Faults[:len(h.Faults)]) {
					t.Fatalf("cut at %d %s: got faults %+v", cut, name, h.Faults)
				}
				if len(h.Leaders) > len(want.Leaders) || !slices.Equal(h.Leaders, want.Leaders[:len(h.Leaders)]) {
					t.Fatalf("cut at %d %s: got leaders %+v", cut, name, h.Leaders)
				}
				// The file's closing brace and line break stand behind those of the shards.
				if whole := cut >= len(whole)-2; whole != reflect.DeepEqual(h.Shards, want.Shards) || !whole && h.Shards != nil {
					t.Fatalf("cut at %d %s: got shards %v", cut, name, h.Shards)
				}
			}
		}
	}
}

func TestABreakInTheMiddleOfAnyTokenIsNoDefect(t *testing.T) {
	t.Parallel()
	begin := `{"format":"lsfr-history","version":1,"operations":[{"id":1,"client":2,"kind":"get","key":"k","call":5}`
	rest := ` , { "\u0069d" : 22 , "key":"\ud83d\ude00 ü 日本語 \n" , "x":{"y":[null, true, false,-1.5e+3]},"client":3,"kind":"put","value":"v","call":6,"final":false}` +
		`], "faults": [ {"targets":["n1","n2"]} ], "groups" : [ { "shard" : "s1" , "nodes":["n1"]} ], "shards":{ "k\u0031" : "s1" ,"k2": null}, "x-note": [[{}]] }`
	for cut := range len(rest) {
		h, err := Decode(strings.NewReader(begin + rest[:cut]))
		if err != nil || !h.Truncated || len(h.Operations) == 0 || h.Operations[0].Key != "k" {
			t.Fatalf("after %q: %+v, %v", rest[:cut], h, err)
		}
	}
	if h := decode(t, begin+rest); h.Truncated || len(h.Operations) != 2 {
		t.Errorf("got %+v", h)
	}
}

func TestAnErrorOfTheReaderIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	whole := encode(t, complete())
	// A compressed file that breaks off is io.ErrUnexpectedEOF to whoever unpacks it.
	for _, broken := range []error{errors.New("the disk is gone"), io.ErrUnexpectedEOF} {
		for _, cut := range []int{0, 100, len(whole) / 2, len(whole) - 5, len(whole)} {
			h, err := Decode(io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(broken)))
			var syntax *SyntaxError
			if !errors.Is(err, broken) || errors.As(err, &syntax) || h != nil {
				t.Errorf("%v after %d bytes: got %+v, %v", broken, cut, h, err)
			}
		}
	}
}

// failingWriter fails after a number of bytes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestEveryErrorOfTheWriterIsReported(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	h := complete()
	h.Operations[0].Value = strings.Repeat("x", 1<<17) // more than is buffered
	size := len(encode(t, h))
	for _, left := range []int{0, 10, 300, 1 << 16, size - 1} {
		if err := Encode(&failingWriter{left, full}, h); !errors.Is(err, full) {
			t.Errorf("with room for %d bytes: got %v", left, err)
		}
	}
	if err := Encode(&failingWriter{size, full}, h); err != nil {
		t.Errorf("with room for all: %v", err)
	}
}

func TestNamesOfKindsAndOutcomesAreTheirOwnInverse(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Get, Put, Delete} {
		if got, err := ParseKind(k.String()); got != k || err != nil {
			t.Errorf("%s: got %s, %v", k, got, err)
		}
	}
	for _, o := range []Outcome{Unknown, OK, Failed} {
		if got, err := ParseOutcome(o.String()); got != o || err != nil {
			t.Errorf("%s: got %s, %v", o, got, err)
		}
	}
	for _, name := range []string{"", "GET", "Ok", "kind(3)", "outcome(3)"} {
		if _, err := ParseKind(name); err == nil {
			t.Errorf("kind %q is accepted", name)
		}
		if _, err := ParseOutcome(name); err == nil {
			t.Errorf("outcome %q is accepted", name)
		}
	}
	if Kind(99).String() != "kind(99)" || Outcome(3).String() != "outcome(3)" {
		t.Errorf("got %s and %s", Kind(99), Outcome(3))
	}
}

// FuzzDecode: whatever a file holds, Decode ends with a history that can be
// written and read again, or with an error that names a line of the file.
func FuzzDecode(f *testing.F) {
	whole := encode(f, complete())
	f.Add(whole)
	f.Add(whole[:len(whole)*2/3])
	f.Add([]byte(document(`{"id":1,"client":2,"kind":"delete","key":"k","value":"x","call":5,"settled":9}`)))
	f.Add([]byte(`{"format":"lsfr-history","version":1,"started":"2026-01-02T15:04:05+07:00","operations":[],"faults":[{}]}`))
	f.Add([]byte(`{"format":"lsfr-history","version":1,"operations":[],"leaders":[{"at":5,"leader":null},{"leader":""}]}`))
	f.Add([]byte(`{"format":"lsfr-history","version":1,"groups":[{"nodes":null},{"shard":"s1","nodes":["n1"]}],"operations":[],"shards":{"a":"s1","\u0062":null,` + "\n" + `"a":"s2"}}`))
	f.Add([]byte(`{"format":"lsfr-history","version":1,"groups":[{"shard":"s1"}],"operations":[],"shards":{"\u0062":"s1"},"leaders":[{"shard":"s1"}]}`))
	f.Add([]byte("{\"format\":\"lsfr-history\",\n\"version\":9}"))
	f.Add([]byte("\xff\xfe{"))
	f.Add([]byte(document("{\"id\":1,\"client\":2,\"kind\":\"get\",\"key\":\"\xff\",\"call\":5}")))
	f.Add([]byte(document(`{"\u0069d":1,"id":1,"client":2,"kind":"cas","expected":"\ud83d\ude00","value":"","key":"k","call":-1,"return":1.0e3,"outcome":"ok"}`)))
	f.Add([]byte(document(`{"id":9223372036854775807,"client":2,"kind":"dequeue","value":null,"key":"k","call":9223372036854775808,"x":[[{"y":[]}]]}`)))
	f.Add([]byte(document("\n{\"id\":1},\n\n,[") + "\n"))
	f.Add([]byte(`{"x":` + strings.Repeat("[", 1001)))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Decode(bytes.NewReader(data))
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %T %v", err, err)
			}
			if syntax.Offset < 0 || syntax.Offset > int64(len(data)) {
				t.Fatalf("got %v at offset %d of %d bytes", err, syntax.Offset, len(data))
			}
			if line := 1 + bytes.Count(data[:syntax.Offset], []byte("\n")); syntax.Line != line {
				t.Fatalf("got %v, but offset %d is in line %d", err, syntax.Offset, line)
			}
			return
		}
		again := decode(t, string(encode(t, h)))
		if !slices.Equal(again.Operations, h.Operations) || len(again.Faults) != len(h.Faults) || !slices.Equal(again.Leaders, h.Leaders) ||
			len(again.Groups) != len(h.Groups) || !maps.Equal(again.Shards, h.Shards) {
			t.Fatalf("got  %+v\nwant %+v", again, h)
		}
	})
}
