package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// infoPath is where a node tells about its cluster.
const infoPath = "/cluster/info"

// Info is what a node says about its cluster (the contract, stage 4).
type Info struct {
	// ID is the node's own name.
	ID string
	// Shard is the node's shard group, empty in a cluster without shards.
	Shard string
	// Role is "leader", "follower" or "candidate".
	Role string
	// Leader is the ID of the leader that the node knows, empty for null.
	Leader string
	// Term grows with each change of leader; 0 if the leader is fixed.
	Term int64
	// Members are in the order of the answer.
	Members []Member
}

// Member is a node as another one sees it.
type Member struct {
	ID    string
	Alive bool
}

// Alive reports whether the member of that ID is there and alive.
func (i *Info) Alive(id string) bool { return slices.Contains(i.Members, Member{ID: id, Alive: true}) }

// InfoError says what is wrong with a node's answer about its cluster.
type InfoError struct {
	// Node is the ID of the node that was asked.
	Node string
	// Path is what it was asked for, such as /cluster/info.
	Path string
	// Problem is a clause such as `"term" is missing`.
	Problem string
	// Body is the answer, shortened and without control characters; it may be empty.
	Body string
	// Silent is set if there was no answer at all.
	Silent bool
}

// Error returns one sentence.
func (e *InfoError) Error() string { return e.Request() + ": " + e.Problem }

// Request is the request that was answered so, as in "GET /cluster/info on n1".
func (e *InfoError) Request() string { return "GET " + e.Path + " on " + e.Node }

// Info asks the node about its cluster. The error is an *InfoError if the node did
// not answer or said something else than the contract wants, or ctx's.
func (n *Node) Info(ctx context.Context) (*Info, error) {
	const limit = time.Second
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	status, body, err := fetch(within, n.host(), n.port, infoPath)
	silent := func(problem string) error {
		return &InfoError{Node: n.id, Path: infoPath, Problem: problem, Silent: true}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case within.Err() != nil:
		return nil, silent("no answer within " + seconds(limit))
	case errors.Is(err, errNoConnection):
		return nil, silent("connection refused")
	case err != nil:
		return nil, silent("no HTTP answer: " + printable([]byte(err.Error())))
	}
	info, problem := (*Info)(nil), fmt.Sprintf("it answered %d %s, want 200 OK", status, http.StatusText(status))
	if status == http.StatusOK {
		info, problem = parseInfo(body)
	}
	if problem == "" && n.shard.Name != "" {
		problem = info.checkShard(body, n.shard.Name)
	}
	if problem != "" {
		return nil, NewInfoError(n.id, infoPath, problem, body)
	}
	return info, nil
}

// NewInfoError is about a node's answer to a request for the path.
func NewInfoError(node, path, problem string, body []byte) *InfoError {
	return &InfoError{Node: node, Path: path, Problem: problem, Body: shortBody(body)}
}

func shortBody(body []byte) string {
	const longest = 400
	text := printable(body[:min(len(body), longest)])
	if len(body) > longest {
		text += "…"
	}
	return text
}

// parseInfo reads the answer. The problem names the first field that is not as the
// contract wants it. Fields that it does not know are ignored.
func parseInfo(body []byte) (info *Info, problem string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, "the answer is not a JSON object"
	}
	info = &Info{}
	problems := []string{
		field(fields, "id", `the node's own name as text, such as "n1"`, &info.ID),
		field(fields, "role", `"leader", "follower" or "candidate"`, &info.Role),
		leaderField(fields, &info.Leader),
		termField(fields, &info.Term),
	}
	for _, p := range problems {
		if p != "" {
			return nil, p
		}
	}
	switch info.Role {
	case "leader", "follower", "candidate":
	default:
		return nil, fmt.Sprintf(`"role" is %q, want "leader", "follower" or "candidate"`, clipped(info.Role))
	}
	return info, membersField(fields, &info.Members)
}

// field reads a field of one type; want describes it.
func field(fields map[string]json.RawMessage, name, want string, to any) (problem string) {
	raw, ok := fields[name]
	switch {
	case !ok:
		return fmt.Sprintf("%q is missing; want %s", name, want)
	case isNull(raw) || json.Unmarshal(raw, to) != nil:
		return fmt.Sprintf("%q is %s, want %s", name, clipped(string(raw)), want)
	}
	return ""
}

func leaderField(fields map[string]json.RawMessage, leader *string) (problem string) {
	if isNull(fields["leader"]) {
		return ""
	}
	const want = `the leader's name as text, or null while there is none`
	if problem := field(fields, "leader", want, leader); problem != "" {
		return problem
	}
	if *leader == "" {
		return `"leader" is "", want ` + want
	}
	return ""
}

func termField(fields map[string]json.RawMessage, term *int64) (problem string) {
	const want = "a whole number from 0, which grows with each change of leader"
	var number float64
	if problem := field(fields, "term", want, &number); problem != "" {
		return problem
	}
	if *term = int64(number); number < 0 || float64(*term) != number {
		return fmt.Sprintf(`"term" is %s, want %s`, clipped(string(fields["term"])), want)
	}
	return ""
}

func membersField(fields map[string]json.RawMessage, members *[]Member) (problem string) {
	const want = `a list with {"id":"n1","alive":true} for every node of the cluster, itself included`
	var list []map[string]json.RawMessage
	if problem := field(fields, "nodes", want, &list); problem != "" {
		return problem
	}
	for i, entry := range list {
		var m Member
		problem := field(entry, "id", "a node's name as text", &m.ID)
		if problem == "" {
			problem = field(entry, "alive", "true or false", &m.Alive)
		}
		if problem != "" {
			return fmt.Sprintf(`in entry %d of "nodes", %s`, i+1, problem)
		}
		*members = append(*members, m)
	}
	return ""
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// clipped shows the beginning of a value on one line.
func clipped(text string) string {
	const longest = 60
	if len(text) > longest {
		return printable([]byte(text[:longest])) + "…"
	}
	return printable([]byte(text))
}

// Verify compares an answer with what is known about the cluster: the node that was
// asked and the IDs of all members. It returns an *InfoError, or nil.
func (i *Info) Verify(node string, members []string) error {
	var ids []string
	for _, m := range i.Members {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	wanted := slices.Sorted(slices.Values(members))
	problem := ""
	switch {
	case i.ID != node:
		problem = fmt.Sprintf(`"id" is %q, want %q, the value of --id`, clipped(i.ID), node)
	case !slices.Equal(ids, wanted):
		problem = fmt.Sprintf(`"nodes" lists %s, want every member once, itself included: %s`, enumerate(ids), enumerate(wanted))
	case !i.Alive(node):
		problem = fmt.Sprintf(`"nodes" says that %s itself is not alive`, node)
	case i.Leader != "" && !slices.Contains(members, i.Leader):
		problem = fmt.Sprintf(`"leader" is %q, which is no node of the cluster; want an ID or null`, clipped(i.Leader))
	case i.Role == "leader" && i.Leader != node:
		problem = fmt.Sprintf(`"role" is "leader", but "leader" is %s`, orNull(i.Leader))
	case i.Role != "leader" && i.Leader == node:
		problem = fmt.Sprintf(`"leader" is %q, itself, but "role" is %q`, i.Leader, i.Role)
	}
	if problem == "" {
		return nil
	}
	return &InfoError{Node: node, Path: infoPath, Problem: problem}
}

func orNull(id string) string {
	if id == "" {
		return "null"
	}
	return fmt.Sprintf("%q", clipped(id))
}

// enumerate lists names, as in "n1, n2 and n3".
func enumerate(names []string) string {
	for i, name := range names {
		names[i] = clipped(name)
	}
	if len(names) == 0 {
		return "nobody"
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
