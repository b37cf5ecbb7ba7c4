package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func fifo(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "history.edn")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const oneWrite = "{:process 0, :type :invoke, :f :write, :value 1}\n"

// A fifo without a writer, one whose writer says no more, and a silent standard
// input: none of them may keep lsfr from being interrupted.
func TestInterruptWhileAnInputNeverEnds(t *testing.T) {
	interrupt := func(t *testing.T, p *program, files int) {
		t.Helper()
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if code := p.end(t); code != exitInterrupted || p.stderr.String() != "lsfr: interrupted\n" || p.stdout.Len() > 0 {
			t.Errorf("exit code %d, want %d%s", code, exitInterrupted, p.output())
		}
		if left, err := os.ReadDir(p.Dir); err != nil || len(left) != files {
			t.Errorf("it left %v (%v)", left, err)
		}
	}
	t.Run("a fifo without a writer", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS != "linux" {
			t.Skip("only Linux tells what a process has opened")
		}
		dir := t.TempDir()
		path := fifo(t, dir)
		p := prepareLsfr(dir, "check", "history.edn")
		p.start(t)
		waitFor(t, "lsfr has opened the fifo", func() bool {
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.Process.Pid))
			return slices.ContainsFunc(files, func(file string) bool {
				opened, _ := os.Readlink(file)
				return opened == path
			})
		})
		interrupt(t, p, 1)
	})
	for _, args := range [][]string{{"check", "history.edn"}, {"convert", "history.edn", "out.json"}} {
		t.Run("a writer who has paused, "+args[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := fifo(t, dir)
			p := prepareLsfr(dir, args...)
			p.start(t)
			writer, err := os.OpenFile(path, os.O_WRONLY, 0) // waits until lsfr has opened it
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close() //nolint:errcheck // lsfr has ended
			if _, err := writer.WriteString(oneWrite); err != nil {
				t.Fatal(err)
			}
			interrupt(t, p, 1)
		})
	}
	t.Run("standard input", func(t *testing.T) {
		t.Parallel()
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close() //nolint:errcheck // lsfr read from a copy
		defer in.Close()  //nolint:errcheck // lsfr has ended
		p := prepareLsfr(t.TempDir(), "check", "-")
		p.Stdin = out
		p.start(t)
		// More than a pipe holds: when it is written, lsfr has begun to read.
		if _, err := in.WriteString(oneWrite + strings.Repeat("; a comment\n", 1<<17)); err != nil {
			t.Fatal(err)
		}
		interrupt(t, p, 0)
	})
}

// prepareLsfr is startLsfr without the start.
func prepareLsfr(dir string, args ...string) *program {
	p := &program{Cmd: exec.Command(filepath.Join(bin, "lsfr"), args...)}
	p.Dir, p.Stdout, p.Stderr = dir, &p.stdout, &p.stderr
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil { // the test failed before it waited
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
}

// A value without end is refused when it is too long, and takes no more memory
// than that.
func TestALineWithoutEndTakesBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which goes with -short, takes memory of its own")
	}
	const most = 400 << 20
	tests := []struct{ name, head, text, want string }{
		{"lsfr, a value", `{"format":"lsfr-history","version":1,"operations":[{"id":1,"client":0,"kind":"put","key":"k","value":"`, "abcdefgh", "longer than 64 MiB"},
		{"EDN, a string", `{:process 0, :type :invoke, :f :write, :value "`, "abcdefgh", "longer than 64 MiB"},
		{"EDN, a vector", `{:process 0, :type :invoke, :f :write, :value [`, "1 2 3 4 ", "more than 1048576 values"},
		{"text, a line", "0\t:invoke\t:write\t1\n1\t:invoke\t:write\t", "abcdefgh", "longer than 64 MiB"},
		{"JSON, a value", `{"type":"invoke","process":0,"f":"write","value":"`, "abcdefgh", "longer than 64 MiB"},
		{"no format at all", "", "abcdefgh", "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := prepareLsfr(t.TempDir(), "check", "-")
			in, err := p.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			p.start(t)
			// It may end before all is sent.
			w := bufio.NewWriterSize(in, 1<<20)
			_, err = w.WriteString(tt.head)
			block := bytes.Repeat([]byte(tt.text), 1<<17)
			for sent := 0; err == nil && sent < 200<<20; sent += len(block) {
				_, err = w.Write(block)
			}
			if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.ErrClosedPipe) {
				t.Fatal(err)
			}
			_ = in.Close()
			code := p.end(t)
			if code != exitUsage || !strings.Contains(p.stderr.String(), tt.want) || strings.Count(p.stderr.String(), "\n") != 1 {
				t.Errorf("exit code %d, want %d and %q%s", code, exitUsage, tt.want, p.output())
			}
			if peak := p.peakMemory(); peak > most {
				t.Errorf("it took %d MiB, want at most %d", peak>>20, most>>20)
			} else {
				t.Logf("it took %d MiB", peak>>20)
			}
		})
	}
}

// peakMemory returns the most memory that the ended program had resident, in bytes.
func (p *program) peakMemory() int64 {
	usage, _ := p.ProcessState.SysUsage().(*syscall.Rusage)
	if usage == nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return usage.Maxrss
	}
	return usage.Maxrss << 10
}

// A fifo is read to its end, whoever writes it and whenever.
func TestAFifoIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := fifo(t, dir)
	p := prepareLsfr(dir, "convert", "history.edn", "-")
	p.start(t)
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	for i := range n {
		line := strings.Replace(oneWrite, ":process 0", ":process "+strconv.Itoa(i), 1)
		if _, err := writer.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != exitPassed || !strings.Contains(p.stderr.String(), fmt.Sprintf("-: %d operations on 1 key,", n)) {
		t.Errorf("exit code %d\n%s", code, p.stderr.String())
	}
}
