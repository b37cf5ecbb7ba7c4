package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	// anyPort is where a run is served if the user does not say.
	anyPort = "127.0.0.1:0"
	// goodbye is how long requests may go on after Ctrl-C.
	goodbye = time.Second
)

// looksLikeAddress tells an address from the name of a run.
func looksLikeAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.Atoi(port)
	return err == nil
}

// loopback completes an address, and refuses one that others could reach: whoever
// reads the run reads all that the nodes hold.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", usagef("--serve %s: want an address such as 127.0.0.1:8080", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", usagef("--serve %s: want a port from 0 to 65535", address)
	} else if host == "" || host == "localhost" {
		return fmt.Sprintf("127.0.0.1:%d", n), nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", usagef("--serve %s: this is not a loopback address\n      serve on 127.0.0.1, and forward the port: ssh -L 8080:127.0.0.1:8080 HOST", address)
	}
	return address, nil
}

// serveRun serves the run's folder until Ctrl-C, which is how it is meant to end.
func (a *app) serveRun(ctx context.Context, folder, address string, show bool) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("serve %s: %w", folder, err)
	}
	defer root.Close() //nolint:errcheck // only read
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return usagef("--serve %s: %v", address, err)
	}
	server := &http.Server{Handler: runHandler(root), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	url := fmt.Sprintf("http://%s/%s", listener.Addr(), reportFile)
	fmt.Fprintf(a.stdout, "%s\n", url)
	fmt.Fprintf(a.stderr, "serving %s; Ctrl-C ends it\n", folder)
	if show {
		a.openOnDesktop(url)
	}
	select {
	case err = <-ended:
		return fmt.Errorf("serve %s: %w", folder, err)
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if err := server.Shutdown(bye); err != nil {
		err = server.Close()
		if err != nil {
			return fmt.Errorf("stop serving %s: %w", folder, err)
		}
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", folder, err)
	}
	return nil
}

// runHandler answers GET and HEAD with what is in a run folder and nowhere else: root
// follows no link out of it. Only what lsfr wrote may be more than text to a browser,
// because nodes write into folders of their own in there.
func runHandler(root *os.Root) http.Handler {
	files := http.FileServerFS(root.FS())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this is only to be read", http.StatusMethodNotAllowed)
			return
		}
		if !localHost(r.Host) { // a name that somebody else's page lets lead here
			http.Error(w, "this is only for this machine", http.StatusForbidden)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			http.Redirect(w, r, "/"+reportFile, http.StatusFound)
			return
		}
		info, err := root.Stat(name)
		switch {
		case err != nil:
			http.NotFound(w, r)
			return
		case !info.IsDir() && !info.Mode().IsRegular(): // a pipe would never answer
			http.Error(w, "this is no file", http.StatusForbidden)
			return
		}
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		if info.Mode().IsRegular() && (strings.Contains(name, "/") || path.Ext(name) != ".html") {
			header.Set("Content-Type", "text/plain; charset=utf-8")
		}
		if info.IsDir() { // it may hold an index.html
			header.Set("Content-Security-Policy", "sandbox")
		}
		files.ServeHTTP(w, r)
	})
}

// localHost reports whether a request names this machine by a loopback address.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
