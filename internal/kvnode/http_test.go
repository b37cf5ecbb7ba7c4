package kvnode

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serveTest serves a store over real HTTP; do sends a request and returns the status and the body without
// the newline at the end of an error's.
type serveTest struct {
	t      *testing.T
	server *httptest.Server
}

func newServeTest(t *testing.T, b bug) serveTest {
	st := mustOpen(t, t.TempDir(), b)
	server := httptest.NewServer(&handler{store: st, bug: b})
	t.Cleanup(func() {
		server.Close()
		mustClose(t, st)
	})
	return serveTest{t: t, server: server}
}

func (s serveTest) do(method, path, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.server.Client().Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode >= 400 {
		return response.StatusCode, strings.TrimSuffix(string(answer), "\n")
	}
	return response.StatusCode, string(answer)
}

func TestTheClientAPIAnswersAsTheContractSays(t *testing.T) {
	s := newServeTest(t, noBug)
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/health", "", 200, ""},
		{"GET", "/kv/k", "", 404, "key not found"},
		{"PUT", "/kv/k", "v", 200, ""},
		{"GET", "/kv/k", "", 200, "v"},
		{"GET", "/kv/K", "", 404, "key not found"},
		{"PUT", "/kv/k", "w\n", 200, ""},
		{"GET", "/kv/k", "", 200, "w\n"},
		{"PUT", "/kv/k", "", 400, "value cannot be empty"},
		{"GET", "/kv/k", "", 200, "w\n"},
		{"DELETE", "/kv/k", "", 200, ""},
		{"DELETE", "/kv/k", "", 200, ""},
		{"GET", "/kv/k", "", 404, "key not found"},
		{"PUT", "/kv/", "v", 400, "key cannot be empty"},
		{"GET", "/kv/", "", 400, "key cannot be empty"},
		{"DELETE", "/kv/", "", 400, "key cannot be empty"},
		{"POST", "/kv/k", "v", 405, "method not allowed"},
		{"PATCH", "/kv/k", "v", 405, "method not allowed"},
		{"POST", "/kv/", "v", 405, "method not allowed"},
		{"GET", "/clear", "", 405, "method not allowed"},
		{"PUT", "/clear", "v", 405, "method not allowed"},
		{"GET", "/elsewhere", "", 404, "not found"},
		{"PUT", "/kv/large", strings.Repeat("x", maxValueBytes), 200, ""},
		{"PUT", "/kv/large", strings.Repeat("y", maxValueBytes+1), 413, "value is larger than 8 MiB"},
		{"GET", "/kv/large", "", 200, strings.Repeat("x", maxValueBytes)},
		{"DELETE", "/clear", "", 200, ""},
		{"GET", "/kv/large", "", 404, "key not found"},
	} {
		status, answer := s.do(c.method, c.path, c.body)
		if status != c.status || answer != c.answer {
			t.Errorf("%s %s: %d %.60q, want %d %.60q", c.method, c.path, status, answer, c.status, c.answer)
		}
	}
}

func TestEveryKeyOfTheContractIsAKeyOfItsOwn(t *testing.T) {
	s := newServeTest(t, noBug)
	keys := []string{".", "..", "...", "a..b", ".a", "a.", "a:b", "-", "_", "A", "a", "0", "clear", "health", "kv",
		strings.Repeat("k", 100), strings.Repeat("k", 99) + "l", strings.Repeat("long", 250)}
	for _, key := range keys {
		if status, answer := s.do("PUT", "/kv/"+key, "value of "+key); status != 200 {
			t.Errorf("PUT %s: %d %q", key, status, answer)
		}
	}
	for _, key := range keys {
		if status, answer := s.do("GET", "/kv/"+key, ""); status != 200 || answer != "value of "+key {
			t.Errorf("GET %s: %d %q", key, status, answer)
		}
	}
}
