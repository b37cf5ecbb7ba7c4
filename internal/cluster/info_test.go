package cluster

import (
	"errors"
	"strings"
	"testing"
)

// goodInfo is an answer in order; the tests break it in one place.
const goodInfo = `{"id":"n1","role":"leader","leader":"n1","term":3,"nodes":[{"id":"n1","alive":true},{"id":"n2","alive":true},{"id":"n3","alive":false}]}`

func TestAnAnswerThatKeepsTheContractIsUnderstood(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"as in the contract":          goodInfo,
		"with fields of its own":      strings.Replace(goodInfo, `{"id"`, `{"version":"1.2","id"`, 1),
		"with a term written as 3.0":  strings.Replace(goodInfo, `"term":3`, `"term":3.0`, 1),
		"with white space around":     "\n " + goodInfo + "\n",
		"with members in other order": strings.Replace(goodInfo, `{"id":"n1","alive":true},{"id":"n2","alive":true}`, `{"id":"n2","alive":true},{"alive":true,"id":"n1"}`, 1),
	} {
		info, problem := parseInfo([]byte(body))
		if problem != "" {
			t.Errorf("%s: %s", name, problem)
			continue
		}
		if info.ID != "n1" || info.Role != "leader" || info.Leader != "n1" || info.Term != 3 || !info.Alive("n2") || info.Alive("n3") || info.Alive("n4") {
			t.Errorf("%s: got %+v", name, info)
		}
		if err := info.Verify("n1", []string{"n1", "n2", "n3"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	info, problem := parseInfo([]byte(strings.Replace(strings.Replace(goodInfo, `"leader":"n1"`, `"leader":null`, 1), `"role":"leader"`, `"role":"candidate"`, 1)))
	if problem != "" || info.Leader != "" || info.Verify("n1", []string{"n1", "n2", "n3"}) != nil {
		t.Errorf("a node that knows no leader: %q, %+v", problem, info)
	}
}

func TestEachFieldThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, to, said string }{
		{"no JSON", goodInfo, "n1 leads", "the answer is not a JSON object"},
		{"a list", goodInfo, "[" + goodInfo + "]", "the answer is not a JSON object"},
		{"null", goodInfo, "null", "the answer is not a JSON object"},
		{"cut off", `false}]}`, `false}]`, "the answer is not a JSON object"},
		{"no id", `"id":"n1","role"`, `"role"`, `"id" is missing; want the node's own name as text`},
		{"id is a number", `"id":"n1","role"`, `"id":1,"role"`, `"id" is 1, want the node's own name`},
		{"no role", `"role":"leader",`, ``, `"role" is missing; want "leader", "follower" or "candidate"`},
		{"another role", `"role":"leader"`, `"role":"master"`, `"role" is "master", want "leader", "follower" or "candidate"`},
		{"role in capitals", `"role":"leader"`, `"role":"Leader"`, `"role" is "Leader", want`},
		{"no leader", `"leader":"n1",`, ``, `"leader" is missing; want the leader's name as text, or null`},
		{"leader is empty", `"leader":"n1"`, `"leader":""`, `"leader" is "", want the leader's name as text, or null`},
		{"leader is a number", `"leader":"n1"`, `"leader":1`, `"leader" is 1, want`},
		{"no term", `"term":3,`, ``, `"term" is missing; want a whole number from 0`},
		{"term is text", `"term":3`, `"term":"3"`, `"term" is "3", want a whole number from 0`},
		{"term is null", `"term":3`, `"term":null`, `"term" is null, want a whole number`},
		{"term is negative", `"term":3`, `"term":-1`, `"term" is -1, want a whole number`},
		{"term is a fraction", `"term":3`, `"term":1.5`, `"term" is 1.5, want a whole number`},
		{"no nodes", `"nodes":[`, `"members":[`, `"nodes" is missing; want a list`},
		{"nodes are names", `{"id":"n2","alive":true}`, `"n2"`, `"nodes" is [{"id":"n1","alive":true},"n2"`},
		{"a member without a name", `{"id":"n2","alive":true}`, `{"alive":true}`, `in entry 2 of "nodes", "id" is missing`},
		{"a member without a state", `{"id":"n2","alive":true}`, `{"id":"n2"}`, `in entry 2 of "nodes", "alive" is missing; want true or false`},
		{"a state as text", `{"id":"n2","alive":true}`, `{"id":"n2","alive":"yes"}`, `in entry 2 of "nodes", "alive" is "yes", want true or false`},
	}
	for _, tt := range tests {
		if !strings.Contains(goodInfo, tt.from) {
			t.Fatalf("%s: nothing is replaced", tt.name)
		}
		_, problem := parseInfo([]byte(strings.Replace(goodInfo, tt.from, tt.to, 1)))
		if !strings.Contains(problem, tt.said) {
			t.Errorf("%s: got %q, want %q", tt.name, problem, tt.said)
		}
	}
}

func TestAnAnswerThatDoesNotFitTheClusterIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, to, said string }{
		{"another node's name", `"id":"n1","role"`, `"id":"n2","role"`, `"id" is "n2", want "n1", the value of --id`},
		{"a member is missing", `{"id":"n2","alive":true},`, ``, `"nodes" lists n1 and n3, want every member once, itself included: n1, n2 and n3`},
		{"it leaves itself out", `{"id":"n1","alive":true},`, ``, `"nodes" lists n2 and n3, want every member`},
		{"a member comes twice", `{"id":"n2","alive":true}`, `{"id":"n3","alive":true}`, `"nodes" lists n1, n3 and n3, want`},
		{"an address for a name", `{"id":"n2"`, `{"id":"127.0.0.1:9"`, `"nodes" lists 127.0.0.1:9, n1 and n3`},
		{"it thinks itself dead", `{"id":"n1","alive":true}`, `{"id":"n1","alive":false}`, `n1 itself is not alive`},
		{"a leader from elsewhere", `"role":"leader","leader":"n1"`, `"role":"follower","leader":"127.0.0.1:9"`, `"leader" is "127.0.0.1:9", which is no node of the cluster`},
		{"a leader that names another", `"leader":"n1"`, `"leader":"n2"`, `"role" is "leader", but "leader" is "n2"`},
		{"a leader that names nobody", `"leader":"n1"`, `"leader":null`, `"role" is "leader", but "leader" is null`},
		{"a follower of itself", `"role":"leader"`, `"role":"follower"`, `"leader" is "n1", itself, but "role" is "follower"`},
	}
	for _, tt := range tests {
		info, problem := parseInfo([]byte(strings.Replace(goodInfo, tt.from, tt.to, 1)))
		if problem != "" {
			t.Errorf("%s: %s", tt.name, problem)
			continue
		}
		err := info.Verify("n1", []string{"n3", "n2", "n1"})
		wrong, ok := errors.AsType[*InfoError](err)
		if !ok || wrong.Node != "n1" || !strings.Contains(err.Error(), tt.said) || !strings.HasPrefix(err.Error(), "GET /cluster/info on n1: ") {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.said)
		}
	}
}

func TestWhatIsShownOfAnAnswerIsBounded(t *testing.T) {
	t.Parallel()
	_, problem := parseInfo([]byte(strings.Replace(goodInfo, `"role":"leader"`, `"role":"`+strings.Repeat("x", 5000)+`\u001b[31m"`, 1)))
	if len(problem) > 300 || strings.Contains(problem, "\x1b") {
		t.Errorf("got %d bytes: %q", len(problem), problem)
	}
	if text := shortBody([]byte(strings.Repeat("x", 5000) + "\x1b[31m")); len(text) > 500 {
		t.Errorf("got %d bytes", len(text))
	}
}
