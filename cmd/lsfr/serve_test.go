package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// servedFolder is a run folder with what nodes may have put into it.
func servedFolder(t *testing.T) string {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "run")
	for _, folder := range []string{"n1", "nodes"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(parent, "secret.txt"), 0o644, "secret")
	write(t, filepath.Join(dir, "report.html"), 0o644, "<html>report</html>")
	write(t, filepath.Join(dir, "history.json"), 0o644, "{}")
	write(t, filepath.Join(dir, "nodes", "n1.log"), 0o644, "<script>alert(1)</script>")
	write(t, filepath.Join(dir, "n1", "index.html"), 0o644, "<script>alert(1)</script>")
	for link, target := range map[string]string{"out": "../secret.txt", "up": "..", "n1/absolute": filepath.Join(parent, "secret.txt")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "n1", "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestARunIsServedToReadAndNothingElse(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(servedFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	handler := runHandler(root)
	for _, c := range []struct {
		name, method, path, host string
		status                   int
		holds, contentType       string
	}{
		{"the report", "GET", "/report.html", "127.0.0.1:80", 200, "report", "text/html; charset=utf-8"},
		{"only its head", "HEAD", "/report.html", "127.0.0.1:80", 200, "", "text/html; charset=utf-8"},
		{"the way to it", "GET", "/", "localhost:80", 302, "report.html", ""},
		{"IPv6", "GET", "/report.html", "[::1]:80", 200, "report", "text/html; charset=utf-8"},
		{"a history", "GET", "/history.json", "localhost", 200, "{}", "text/plain; charset=utf-8"},
		{"a log, which is text", "GET", "/nodes/n1.log", "localhost", 200, "<script>", "text/plain; charset=utf-8"},
		{"what is not there", "GET", "/nope", "localhost", 404, "", ""},
		{"the folder above", "GET", "/../secret.txt", "localhost", 404, "", ""},
		{"the folder above, escaped", "GET", "/%2e%2e/secret.txt", "localhost", 404, "", ""},
		{"a link out", "GET", "/out", "localhost", 404, "", ""},
		{"a link to the folder above", "GET", "/up/secret.txt", "localhost", 404, "", ""},
		{"a link with a whole path", "GET", "/n1/absolute", "localhost", 404, "", ""},
		{"a pipe", "GET", "/n1/pipe", "localhost", 403, "", ""},
		{"writing", "PUT", "/report.html", "localhost", 405, "", ""},
		{"removing", "DELETE", "/report.html", "localhost", 405, "", ""},
		{"a name that leads here", "GET", "/report.html", "evil.example:80", 403, "", ""},
		{"an address of others", "GET", "/report.html", "192.0.2.1", 403, "", ""},
	} {
		r := httptest.NewRequest(c.method, "http://localhost"+c.path, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		body := w.Body.String()
		switch {
		case w.Code != c.status || !strings.Contains(body, c.holds):
			t.Errorf("%s: got %d %q, want %d and %q", c.name, w.Code, body, c.status, c.holds)
		case c.contentType != "" && w.Header().Get("Content-Type") != c.contentType:
			t.Errorf("%s: content type %q, want %q", c.name, w.Header().Get("Content-Type"), c.contentType)
		case strings.Contains(body, "secret"):
			t.Errorf("%s: it tells the secret", c.name)
		}
	}
	// A node's own page may come in place of the list of its folder, but without scripts.
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/n1/", nil))
	if got := w.Header().Get("Content-Security-Policy"); w.Code != 200 || got != "sandbox" {
		t.Errorf("a folder with an index.html: %d, policy %q, want 200 and sandbox", w.Code, got)
	}
}

func TestServeServesUntilCtrlC(t *testing.T) {
	t.Parallel()
	dir := servedFolder(t)
	out := filepath.Join(t.TempDir(), "out.txt")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := prepareLsfr(t.TempDir(), "report", "--serve", "--no-open", dir)
	p.Stdout = file
	p.start(t)
	var url string
	waitFor(t, "the URL", func() bool {
		data, _ := os.ReadFile(out)
		url = strings.TrimSpace(string(data))
		return strings.HasSuffix(url, "/report.html")
	})
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("served at %s", url)
	}
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || !strings.Contains(string(body), "report") {
		t.Errorf("got %q, %v", body, err)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d, want 0, because this is how it ends%s", code, p.output())
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it is still served")
	}
}

func TestAnAddressMustBeOfThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, want string }{
		{"127.0.0.1:0", "127.0.0.1:0"},
		{"127.1.2.3:80", "127.1.2.3:80"},
		{":8080", "127.0.0.1:8080"},
		{"localhost:8080", "127.0.0.1:8080"},
		{"[::1]:8080", "[::1]:8080"},
		{"0.0.0.0:8080", ""},
		{"[::]:8080", ""},
		{"192.0.2.1:8080", ""},
		{"example.com:8080", ""},
		{"127.0.0.1", ""},
		{"127.0.0.1:http", ""},
		{"127.0.0.1:65536", ""},
	} {
		got, err := loopback(c.given)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: got %q, %v, want %q", c.given, got, err, c.want)
		}
	}
}

func TestReportsAreOpenedWhereSomebodySitsBeforeADesktop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, system string
		env          map[string]string
		want         string
	}{
		{"a Mac", "darwin", nil, "open"},
		{"a Mac, from afar", "darwin", map[string]string{"SSH_CONNECTION": "x"}, ""},
		{"X", "linux", map[string]string{"DISPLAY": ":0"}, "xdg-open"},
		{"Wayland", "linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"},
		{"X forwarded by SSH", "linux", map[string]string{"DISPLAY": ":10", "SSH_TTY": "/dev/pts/1"}, ""},
		{"CI with a display", "linux", map[string]string{"DISPLAY": ":99", "CI": "true"}, ""},
		{"no desktop", "linux", nil, ""},
	} {
		if got := desktopOpener(c.system, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
