package challenges

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/workload"
)

// nodeRole as first argument makes the test binary a node.
const nodeRole = "challenges-test-node"

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == nodeRole {
		fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Args[3], newScripted()))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// newScripted is a node that keeps values in memory. What it answers to a GET of
// a value such as "!404 text" is status 404 and that text; !break closes the
// connection instead, !die ends the process. "!busy 2 text" is text after two 503.
func newScripted() http.Handler {
	var mu sync.Mutex
	values := make(map[string]string)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.URL.Path == "/clear":
			clear(values)
		case r.Method == http.MethodPut:
			values[r.URL.Path] = string(body)
		case r.Method == http.MethodDelete:
			delete(values, r.URL.Path)
		default:
			value, ok := values[r.URL.Path]
			if !ok {
				value = "!404 key not found\n"
			}
			script, scripted := strings.CutPrefix(value, "!")
			word, text, _ := strings.Cut(script, " ")
			switch {
			case !scripted:
				fmt.Fprint(w, value)
			case word == "die":
				os.Exit(3)
			case word == "busy": // as often as the number says
				times, rest, _ := strings.Cut(text, " ")
				left, _ := strconv.Atoi(times)
				if left == 0 {
					fmt.Fprint(w, rest)
					return
				}
				values[r.URL.Path] = fmt.Sprintf("!busy %d %s", left-1, rest)
				http.Error(w, "not now", http.StatusServiceUnavailable)
			case word == "break":
				panic(http.ErrAbortHandler)
			default:
				status, err := strconv.Atoi(word)
				if err != nil {
					status = http.StatusTeapot
				}
				w.WriteHeader(status)
				fmt.Fprint(w, text)
			}
		}
	})
}

// newTestEnv starts a cluster of one scripted node, the first one. Others, of the shards
// behind the first, are members that do not run.
func newTestEnv(t *testing.T, shards ...cluster.Shard) *Env {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' %s \"$@\"\n", strings.ReplaceAll(binary, "'", `'\''`), nodeRole)
	if err := os.WriteFile(filepath.Join(dir, "run.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := cluster.New(t.Context(), cluster.Config{Dir: dir, Command: []string{"./run.sh"}, RunDir: filepath.Join(dir, "run")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if len(shards) == 0 {
		shards = []cluster.Shard{{}}
	}
	for i, shard := range shards {
		if _, err := c.AddMember(t.Context(), fmt.Sprint("n", i+1), shard); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Nodes()[0].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := workload.NewClient(time.Minute, nil)
	t.Cleanup(client.Close)
	return NewEnv(c, client, 3)
}

func TestExpectPassesWhatIsRightAndExplainsWhatIsNot(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t)
	tests := []struct {
		name, answer string
		status       int
		body         string
		// failure begins the summary; empty if the answer is right.
		failure          string
		expected, actual string
	}{
		{"the value", "red", 200, "red", "", "", ""},
		{"another value", "green", 200, "red", "answered 200 OK with another body", `"red"`, `"green"`},
		{"a value with a line break too many", "red\n", 200, "red", "answered 200 OK with another body", `"red"`, `"red\n"`},
		{"an empty answer", "!200 ", 200, "red", "answered 200 OK with another body", `"red"`, "(nothing)"},
		{"an error", "!404 key not found", 404, "key not found", "", "", ""},
		{"an error with a line break", "!404 key not found\n", 404, "key not found", "", "", ""},
		{"an error with another line break", "!404 key not found\r\n", 404, "key not found", "", "", ""},
		{"an error with two line breaks", "!404 key not found\n\n", 404, "key not found", "answered 404 Not Found with another body", `"key not found"`, `"key not found\n\n"`},
		{"another error", "!404 nope", 404, "key not found", "answered 404 Not Found with another body", `"key not found"`, `"nope"`},
		{"another status", "!500 oh", 200, "red", "answered 500 Internal Server Error, want 200 OK", `200 OK "red"`, `500 Internal Server Error "oh"`},
		{"the text, with another status", "!201 red", 200, "red", "answered 201 Created, want 200 OK", `200 OK "red"`, `201 Created "red"`},
		{"a status without a name", "!299 ", 200, "", "answered 299, want 200 OK", "200 OK", "299"},
		{"no answer", "!break", 200, "red", "got no answer from n1", "", ""},
	}
	for i, tt := range tests {
		key := e.Key(fmt.Sprint(i))
		if err := e.Put(t.Context(), key, tt.answer); err != nil {
			t.Fatal(err)
		}
		err := e.Expect(t.Context(), Request{Method: "GET", Path: path(key)}, tt.status, tt.body)
		if tt.failure == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		var f *Failure
		if !errors.As(err, &f) || !strings.HasPrefix(f.Summary, "GET /kv/"+key+" "+tt.failure) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.failure)
			continue
		}
		if f.Expected != tt.expected || f.Actual != tt.actual || f.Request != "GET /kv/"+key {
			t.Errorf("%s: got %+v", tt.name, f)
		}
	}
}

func TestTheStepsOfChecksFailWhenTheyShould(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t)
	ctx := t.Context()
	key, other := e.Key("a"), e.Key("b")
	fails := func(step func() error) func() error {
		return func() error {
			var f *Failure
			if err := step(); !errors.As(err, &f) {
				return fmt.Errorf("got %v, want a failure", err)
			}
			return nil
		}
	}
	put := func(key, value string) func() error { return func() error { return e.Put(ctx, key, value) } }
	get := func(key, value string) func() error { return func() error { return e.Get(ctx, key, value) } }
	absent := func(key string) func() error { return func() error { return e.Absent(ctx, key) } }
	steps := []func() error{
		absent(key), fails(get(key, "1")), put(key, "1"), get(key, "1"), fails(absent(key)), absent(other),
		func() error { return e.Delete(ctx, key) }, absent(key),
		put(key, "2"), put(other, "3"), func() error { return e.Clear(ctx) }, absent(key), absent(other),
		put(key, "4"), func() error { return e.Restart(ctx) }, absent(key), // it keeps nothing
		put(key, "5"), func() error { return e.Crash(ctx) }, absent(key),
		fails(func() error { return e.ExpectStatus(ctx, Request{Method: "GET", Path: "/kv/x"}, 200) }),
	}
	for i, step := range steps {
		if err := Steps(step); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

func TestStepsEndWithTheFirstError(t *testing.T) {
	t.Parallel()
	broken, done := errors.New("broken"), 0
	step := func(err error) func() error { return func() error { done++; return err } }
	if err := Steps(step(nil), step(broken), step(errors.New("too late"))); !errors.Is(err, broken) || done != 2 {
		t.Errorf("got %v after %d steps", err, done)
	}
}

func TestADeadNodeIsNamedAndNotItsSilence(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t)
	key := e.Key("a")
	if err := e.Put(t.Context(), key, "!die"); err != nil {
		t.Fatal(err)
	}
	// The connection may break a moment before the end of the process is seen.
	var node *cluster.NodeError
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		err := e.Get(t.Context(), key, "x")
		if err == nil {
			t.Fatal("a dead node answers")
		}
		if errors.As(err, &node) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestACancelledCheckIsNoFailureOfTheNode(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := e.Get(ctx, e.Key("a"), "x")
	var f *Failure
	if !errors.Is(err, context.Canceled) || errors.As(err, &f) {
		t.Errorf("got %v", err)
	}
}

func TestAHalfPutIsAnsweredWhenItIsWhole(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t)
	key, value := e.Key("a"), strings.Repeat("0123456789", 1000)
	h, err := e.BeginPut(t.Context(), key, value)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := e.Absent(t.Context(), key); err != nil {
		t.Errorf("half of it has arrived: %v", err)
	}
	res, err := h.Finish(time.Minute)
	if err != nil || res.Status != http.StatusOK {
		t.Fatalf("got %+v, %v", res, err)
	}
	if err := e.Get(t.Context(), key, value); err != nil {
		t.Error(err)
	}
}

func TestKeysAndValuesAreNotShared(t *testing.T) {
	t.Parallel()
	one, other := NewEnv(nil, nil, 1), NewEnv(nil, nil, 12)
	key, again := one.Key("x"), one.Key("x")
	if one.Key("2:x") == other.Key("x") || key == other.Key("x") || key != again {
		t.Errorf("got %s, then %s, and %s", key, again, other.Key("x"))
	}
	if a, b := one.Value(), one.Value(); a == b {
		t.Errorf("%s comes twice", a)
	}
}

func TestANodeOfAClusterIsAskedAgainWhenItCannotAnswerNow(t *testing.T) {
	t.Parallel()
	alone, first := newTestEnv(t), newTestEnv(t)
	if _, err := first.Cluster.AddNode(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		e     *Env
		works bool
	}{
		{"in a cluster somebody else may be elected", first, true},
		{"unless the check wants to know", first.Once(), false},
		{"a single node has nobody to wait for", alone, false},
	} {
		k := tt.e.Key(strings.ReplaceAll(tt.name, " ", "-"))
		if err := tt.e.Put(t.Context(), k, "!busy 2 red"); err != nil {
			t.Fatal(err)
		}
		err := tt.e.Get(t.Context(), k, "red")
		f, failed := errors.AsType[*Failure](err)
		switch {
		case tt.works && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case !tt.works && (!failed || f.Rule != RuleUnavailable):
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	if err := first.Put(t.Context(), first.Key("k"), "!busy 1000000 red"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := first.Get(cancelled, first.Key("k"), "red"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
