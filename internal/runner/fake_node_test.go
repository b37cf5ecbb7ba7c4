package runner_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// fakeNode is a node that misbehaves in a way that is not a wrong answer.
func fakeNode(args []string) int {
	behaviour := args[0]
	flags := flag.NewFlagSet("fake", flag.ContinueOnError)
	port := flags.Int("port", 0, "")
	dir := flags.String("working-dir", "", "")
	for _, ignored := range []string{"id", "peers"} {
		flags.String(ignored, "", "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	var mu sync.Mutex
	data := make(map[string][]byte)
	var served atomic.Int64
	store := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.Method {
		case http.MethodPut:
			data[r.URL.Path], _ = io.ReadAll(r.Body)
		case http.MethodDelete:
			delete(data, r.URL.Path)
		default:
			if v, ok := data[r.URL.Path]; ok {
				w.Write(v)
				return
			}
			http.Error(w, "key not found", http.StatusNotFound)
		}
	}
	handler := map[string]http.HandlerFunc{
		"works": store,
		"unavailable": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				store(w, r)
				return
			}
			http.Error(w, "no leader", http.StatusServiceUnavailable)
		},
		"exits": func(w http.ResponseWriter, r *http.Request) {
			if served.Add(1) > 300 {
				fmt.Fprintln(os.Stderr, "fatal: out of ideas")
				os.Exit(3)
			}
			store(w, r)
		},
		"never-syncs": func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			file := filepath.Join(*dir, path.Base(r.URL.Path))
			switch r.Method {
			case http.MethodPut:
				value, err := io.ReadAll(r.Body)
				if err == nil {
					err = os.WriteFile(file, value, 0o644)
				}
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
				}
			case http.MethodDelete:
				_ = os.Remove(file) // it need not be there
			default:
				value, err := os.ReadFile(file)
				if err != nil {
					http.Error(w, "key not found", http.StatusNotFound)
					return
				}
				w.Write(value)
			}
		},
	}[behaviour]
	if handler == nil {
		return 2
	}
	if err := http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), handler); err != nil {
		return 1
	}
	return 0
}
