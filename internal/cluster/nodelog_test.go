package cluster

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logLines checks that each line begins with a time, and returns what follows.
func logLines(t *testing.T, text string) []string {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("the log does not end with a newline: %q", text)
	}
	var lines []string
	for line := range strings.Lines(text) {
		stamp, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, err := time.Parse(time.RFC3339, stamp); err != nil || !strings.Contains(stamp, ".") {
			t.Errorf("no time with milliseconds before %q", line)
		}
		lines = append(lines, rest)
	}
	return lines
}

func TestTheLogTellsWhatANodePrintedAndWhatHappenedToIt(t *testing.T) {
	t.Parallel()
	n := newNode(t, "echo to stdout; echo to stderr >&2; printf unfinished; "+serving())
	mustStart(t, n)
	if err := n.Pause(t.Context()); err != nil {
		fail(t, err)
	}
	if err := n.Resume(t.Context()); err != nil {
		fail(t, err)
	}
	if err := n.Stop(t.Context()); err != nil {
		fail(t, err)
	}
	mustStart(t, n)
	if err := n.Kill(t.Context()); err != nil {
		fail(t, err)
	}
	text := strings.Join(logLines(t, readLog(t, n)), "\n")
	rest := text
	for _, want := range []string{
		"--- lsfr: started pid ", "./run.sh --port", "to stdout\n", "to stderr\n", "unfinished", "--- lsfr: ready after",
		"--- lsfr: sent SIGSTOP", "--- lsfr: sent SIGCONT", "--- lsfr: sent SIGTERM", "--- lsfr: it exited with code 0",
		"--- lsfr: started pid ", "to stdout\n", "--- lsfr: sent SIGKILL", "--- lsfr: it was ended by signal 9",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is missing, or out of order, in:\n%s", want, text)
		}
		rest = after
	}
}

func TestTheLogIsCompleteWhenANodeIsGone(t *testing.T) {
	t.Parallel()
	const lines = 20000
	n := newNode(t, fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; done; exit 1", lines))
	failure := nodeError(t, n.Start(t.Context()), Exited)
	count := 0
	for _, line := range logLines(t, readLog(t, n)) {
		if strings.HasPrefix(line, "line ") {
			count++
		}
	}
	if count != lines {
		t.Errorf("%d of %d lines arrived", count, lines)
	}
	if len(failure.LogTail) != shownLines || failure.LogTail[shownLines-1] != fmt.Sprintf("line %d", lines) {
		t.Errorf("the tail is %q", failure.LogTail)
	}
}

func newLog(t *testing.T, limit int64) (*nodeLog, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n1.log")
	log, err := openNodeLog(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.close() })
	return log, path
}

func TestALineMayBeLongerThanAnyBuffer(t *testing.T) {
	t.Parallel()
	log, path := newLog(t, logLimit)
	long := bytes.Repeat([]byte("x"), 10<<20)
	for chunk := range chunks(long, 32<<10) {
		_, _ = log.Write(chunk)
	}
	_, _ = log.Write([]byte("\nnext\n"))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := logLines(t, string(data))
	if len(got) != 2 || got[0] != string(long) || got[1] != "next" {
		t.Errorf("got %d lines, the first of %d bytes", len(got), len(got[0]))
	}
	tail := log.tail(2)
	if len(tail) != 2 || len(tail[0]) != tailWidth || tail[1] != "next" {
		t.Errorf("the tail is %q", tail)
	}
	if cap(log.current) > 4*tailWidth {
		t.Errorf("a line takes %d bytes of memory", cap(log.current))
	}
}

func chunks(data []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(size, len(data))
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

func TestAFullLogSaysSoAndTheTailGoesOn(t *testing.T) {
	t.Parallel()
	log, path := newLog(t, 1<<20)
	line := append(bytes.Repeat([]byte("y"), 1000), '\n')
	for range 5000 {
		_, _ = log.Write(line)
	}
	_, _ = log.Write([]byte("the last\n"))
	log.event("sent SIGKILL")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 1<<20+4096 {
		t.Errorf("the log has %d bytes", len(data))
	}
	if n := strings.Count(string(data), "is not kept"); n != 1 {
		t.Errorf("%d notes", n)
	}
	contains(t, string(data[len(data)-200:]), "sent SIGKILL")
	if tail := log.tail(1); tail[0] != "the last" {
		t.Errorf("the tail is %q", tail)
	}
}

func TestTheTailHoldsNothingThatCouldHarmATerminal(t *testing.T) {
	t.Parallel()
	log, _ := newLog(t, logLimit)
	_, _ = log.Write([]byte("\x1b[31mred\x1b[0m \x1b]0;title\x07 a\tb\r\x00 \xff ü\u202e\n" + "\x1b[2"))
	if got, want := strings.Join(log.tail(5), "|"), "red 0;title a b \ufffd ü|"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheTailForgetsEarlierIncarnations(t *testing.T) {
	t.Parallel()
	log, path := newLog(t, logLimit)
	_, _ = log.Write([]byte("before\nhalf"))
	log.restart()
	log.event("started")
	_, _ = log.Write([]byte("after\n"))
	if got := log.tail(10); len(got) != 1 || got[0] != "after" {
		t.Errorf("got %q", got)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(logLines(t, string(data)), "|"); got != "before|half|--- lsfr: started|after" {
		t.Errorf("got %q", got)
	}
}

func TestAddressInUseIsFoundAboveAStackTrace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"java.net.BindException: Address already in use": true,
		"Address in use (os error 98)":                   true,
		"OSError: [Errno 48] Address already in use":     true,
		"** (exit) :eaddrinuse":                          true,
		"the mailing address in users.csv":               false,
		"errno 4800":                                     false,
		"all is well":                                    false,
	} {
		log, _ := newLog(t, logLimit)
		out := bufio.NewWriter(log)
		fmt.Fprintln(out, text)
		for range 40 {
			fmt.Fprintln(out, "    at some.method(File.java:1)")
		}
		out.Flush()
		if got := log.saysAddressInUse(); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestALogThatCannotBeWrittenIsReportedByClose(t *testing.T) {
	t.Parallel()
	log, _ := newLog(t, logLimit)
	log.file.Close()
	if n, err := log.Write([]byte("lost\n")); n != 5 || err != nil {
		t.Errorf("got %d, %v: the node would block", n, err)
	}
	if err := log.close(); err == nil {
		t.Error("close keeps it to itself")
	}
}
