package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// toFile lets a program that goes on write to a file, and returns how to read it.
func (p *program) toFile(t *testing.T) (said func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.txt")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	p.Stdout = file
	return func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
}

// watchedSolution builds a store from a source, and its nodes write into the folder.
func watchedSolution(t *testing.T) string {
	t.Helper()
	dir := solution(t, `[ store -nt bug.txt ] || { printf 'x\000' >store; date +%N >>store; }
exec lsfr node --bug "$(cat bug.txt)" "$@"`)
	write(t, filepath.Join(dir, "bug.txt"), 0o644, "none")
	write(t, filepath.Join(dir, ".gitignore"), 0o644, "nodes.txt\n")
	return dir
}

func TestWatchRunsAgainWhenFilesChange(t *testing.T) {
	t.Parallel()
	dir := watchedSolution(t)
	p := prepareLsfr(dir, "test", "--watch", "--duration", "1s")
	said := p.toFile(t)
	p.start(t)
	waitFor(t, "a pass", func() bool {
		return strings.Contains(said(), "PASSED  http-api") && strings.Contains(said(), "waiting for changes; Ctrl-C ends it\n")
	})
	write(t, filepath.Join(dir, "bug.txt"), 0o644, "wrong-405")
	waitFor(t, "a failure", func() bool {
		return strings.Contains(said(), "bug.txt changed") && strings.Contains(said(), "FAILED  http-api") && strings.Count(said(), "waiting for changes") == 2
	})
	// What cannot run is said, and the next change may mend it.
	if err := os.Rename(filepath.Join(dir, "run.sh"), filepath.Join(dir, "gone.sh")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "to wait again", func() bool { return strings.Count(said(), "waiting for changes") == 3 })
	write(t, filepath.Join(dir, "bug.txt"), 0o644, "none")
	if err := os.Rename(filepath.Join(dir, "gone.sh"), filepath.Join(dir, "run.sh")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "another pass", func() bool { return strings.Count(said(), "PASSED  http-api") == 2 })
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s%s", code, said(), p.output())
	}
	assertGone(t, dir)
	out := said()
	if !strings.Contains(out, "checks were skipped") {
		t.Errorf("it does not stop at the first failure:\n%s", out)
	}
	if !strings.Contains(p.stderr.String(), "run.sh") {
		t.Errorf("stderr does not tell what is missing%s", p.output())
	}
	if strings.Contains(out, "store changed") || strings.Contains(out, "nodes.txt") {
		t.Errorf("what run.sh builds or .gitignore names counts as a change:\n%s", out)
	}
}

func TestAChangeDuringARunBeginsItAgain(t *testing.T) {
	t.Parallel()
	dir := watchedSolution(t)
	p := prepareLsfr(dir, "test", "--watch", "--poll", "--duration", "5m")
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := p.toFile(t)
	p.start(t)
	underLoad(t, dir)
	first, err := os.Readlink(filepath.Join(dir, ".lsfr/latest"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "new.txt"), 0o644, "new")
	waitFor(t, "the next run", func() bool { return strings.Count(said(), "stage 1 of ") == 2 })
	underLoad(t, dir)
	if second, err := os.Readlink(filepath.Join(dir, ".lsfr/latest")); err != nil || second == first {
		t.Errorf("the latest run is %s, %v, want another one", second, err)
	}
	// A terminal signals all that runs in the foreground.
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s%s", code, said(), p.output())
	}
	assertGoneAtOnce(t, dir)
	out := said()
	for want, times := range map[string]int{"\nnew.txt changed\n": 1, "INTERRUPTED": 1, "FAILED": 0, "stage 1 of ": 2} {
		if got := strings.Count(out, want); got != times {
			t.Errorf("%q %d times, want %d:\n%s", want, got, times, out)
		}
	}
	if p.stderr.Len() > 0 {
		t.Errorf("stderr is not empty%s", p.output())
	}
}

func TestLogsAreFollowedUntilTheRunEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		last   string // that it says
	}{
		{"interrupted", syscall.SIGINT, "the run is over: interrupted"},
		{"killed", syscall.SIGKILL, ""}, // nobody was left to say so
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := solution(t, node)
			run := startLsfr(t, dir, "test", "crash-recovery", "--duration", "5m")
			waitFor(t, "a node", func() bool {
				_, err := os.Stat(filepath.Join(dir, ".lsfr/latest/nodes/n1.log"))
				return err == nil
			})
			p := prepareLsfr(dir, "logs", "--follow")
			said := p.toFile(t)
			p.start(t)
			for _, want := range []string{
				"check begins: ", "n1   --- started pid", "check passed: ", "# seconds since the start of history.json", "kill begins", "kill ends",
			} {
				waitFor(t, want, func() bool { return strings.Contains(said(), want) })
			}
			if err := run.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			run.end(t)
			if code := p.end(t); code != 0 {
				t.Errorf("exit code %d, want 0%s", code, p.output())
			}
			out := said()
			if !strings.Contains(out, c.last) {
				t.Errorf("it does not say %q:\n%s", c.last, out)
			}
			assertGone(t, dir)
			// What was followed is what is shown afterwards, but for what the history knows better.
			_, again := lsfr(t, dir, "logs", "n1")
			for line := range strings.Lines(out) {
				if strings.Contains(line, "  n1   ") && !strings.Contains(again, strings.TrimSpace(line)) {
					t.Errorf("was followed, and is gone: %s", line)
				}
			}
		})
	}
}

func TestRunsThatCtrlCEndsAreSummedUp(t *testing.T) {
	t.Parallel()
	dir := solution(t, node)
	p := prepareLsfr(dir, "test", "--until-failure", "--duration", "1s")
	said := p.toFile(t)
	p.start(t)
	waitFor(t, "two runs", func() bool { return strings.Contains(said(), "run 2: passed") })
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s%s", code, said(), p.output())
	}
	if out := said(); !strings.Contains(out, " passed, 0 failed, 0 unknown; the last one was interrupted\n") {
		t.Errorf("no summary:\n%s", out)
	}
	assertGone(t, dir)
}
