// Command mutants weakens the checker, one place at a time, and demands that
// the tests of package models notice: a mutant that survives is a rule that
// nobody tests. It changes no file (go build -overlay).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	list := all()
	results := make([]string, len(list))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				results[i] = list[i].try(ctx, filepath.Join(dir, fmt.Sprint(i)))
				fmt.Printf("%-10s %s\n", results[i], list[i].name)
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	wg.Wait()
	bad := 0
	for _, r := range results {
		if r != killed {
			bad++
		}
	}
	fmt.Printf("%d of %d mutants were killed\n", len(list)-bad, len(list))
	if bad > 0 {
		return fmt.Errorf("%d mutants were not killed", bad)
	}
	return nil
}

// A mutant replaces the only occurrence of a text in a file of package models.
type mutant struct {
	name, file, old, new string
}

// What became of a mutant.
const (
	killed   = "killed"
	survived = "SURVIVED"
	stale    = "STALE" // its text is not in the file, or does not compile: change the list
)

// try runs the tests against one mutant.
func (m *mutant) try(ctx context.Context, dir string) string {
	path, err := filepath.Abs(filepath.Join("models", m.file))
	if err != nil {
		return stale
	}
	source, err := os.ReadFile(path)
	if err != nil || strings.Count(string(source), m.old) != 1 {
		return stale
	}
	changed := filepath.Join(dir, m.file)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return stale
	}
	err = errors.Join(os.Mkdir(dir, 0o755),
		os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o644),
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	if err != nil {
		return stale
	}
	test := []string{"-overlay", filepath.Join(dir, "overlay.json"), "-short", "-failfast", "-count", "1", "-timeout", "5m", "./models"}
	if out, err := command(ctx, append([]string{"test", "-run", "^$"}, test...)); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		return stale
	}
	if _, err := command(ctx, append([]string{"test"}, test...)); err == nil || ctx.Err() != nil {
		return survived
	}
	return killed
}

func command(ctx context.Context, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}
