package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

// solution writes a folder whose run.sh is script. The script notes each node
// that it starts: its marker and its port, and in a cluster its name and its peers.
func solution(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lsfr.yaml"), 0o644, "challenge: kv-store\nstage: http-api\n")
	write(t, filepath.Join(dir, "run.sh"), 0o755, "#!/bin/sh\necho \"$LSFR_RUN $2 $6 $8\" >>nodes.txt\n"+script+"\n")
	return dir
}

func write(t *testing.T, path string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// program is lsfr as it runs, in a process group of its own as below a shell.
type program struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func startLsfr(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(filepath.Join(bin, "lsfr"), args...)}
	p.Dir, p.Stdout, p.Stderr = dir, &p.stdout, &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil { // the test failed before it waited
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	return p
}

// end waits for lsfr and returns its exit code, -1 if a signal ended it.
func (p *program) end(t *testing.T) int {
	t.Helper()
	err := p.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		return exit.ExitCode()
	}
	return 0
}

func (p *program) output() string {
	return fmt.Sprintf("\n[stdout]\n%s\n[stderr]\n%s", p.stdout.String(), p.stderr.String())
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !eventually(condition) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// underLoad waits until a scenario has recorded operations, and makes sure that
// assertGone would see its node.
func underLoad(t *testing.T, dir string) {
	t.Helper()
	waitFor(t, "operations in history.json", func() bool {
		data, _ := os.ReadFile(filepath.Join(dir, ".lsfr/latest/history.json"))
		return bytes.Count(data, []byte(`"outcome":"ok"`)) > 200
	})
	nodes := startedNodes(t, dir)
	if last := nodes[len(nodes)-1]; !last.listens() || !last.hasProcess() {
		t.Fatalf("node %v runs, but listens: %v, has a process: %v", last, last.listens(), last.hasProcess())
	}
}

// node is the reference node, with a helper that run.sh leaves behind.
const node = `sleep 600 &
exec lsfr node "$@"`

func TestInterruptSavesHistoryAndEndsNodes(t *testing.T) {
	for _, c := range []struct {
		name   string
		signal syscall.Signal
	}{{"Ctrl-C", syscall.SIGINT}, {"SIGTERM", syscall.SIGTERM}, {"closed terminal", syscall.SIGHUP}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := solution(t, node)
			p := startLsfr(t, dir, "test", "--duration", "5m")
			underLoad(t, dir)
			// A terminal signals all that runs in the foreground.
			if err := syscall.Kill(-p.Process.Pid, c.signal); err != nil {
				t.Fatal(err)
			}
			if code := p.end(t); code != 130 {
				t.Errorf("exit code %d, want 130%s", code, p.output())
			}
			assertGoneAtOnce(t, dir)
			for _, want := range []string{"INTERRUPTED", "  report   .lsfr/runs/", "  again    lsfr test http-api --seed "} {
				if !strings.Contains(p.stdout.String(), want) {
					t.Errorf("stdout lacks %q%s", want, p.output())
				}
			}
			if p.stderr.Len() > 0 {
				t.Errorf("stderr is not empty%s", p.output())
			}
			if h := readHistory(t, dir); h.Truncated || len(h.Operations) < 200 {
				t.Errorf("history has %d operations, truncated: %v; want all, and its end", len(h.Operations), h.Truncated)
			}
			page, err := os.ReadFile(filepath.Join(dir, ".lsfr/latest/report.html"))
			if err != nil || !bytes.Contains(page, []byte("</html>")) {
				t.Errorf("the report is not complete: %v", err)
			}
			if code, out := lsfr(t, dir, "check", ".lsfr/latest/history.json"); code != 0 {
				t.Errorf("check: exit code %d, want 0: %s", code, out)
			}
		})
	}
}

// Nobody is left to end the nodes or the document, and both are seen to.
func TestKilledLsfrLeavesNoNodesAndAReadableHistory(t *testing.T) {
	t.Parallel()
	dir := solution(t, node)
	p := startLsfr(t, dir, "test", "--duration", "5m")
	underLoad(t, dir)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != -1 {
		t.Fatalf("lsfr ended with code %d, want a signal%s", code, p.output())
	}
	assertGone(t, dir)
	if h := readHistory(t, dir); !h.Truncated || len(h.Operations) < 200 {
		t.Errorf("history has %d operations, truncated: %v; want those so far, without an end", len(h.Operations), h.Truncated)
	}
	code, out := lsfr(t, dir, "check", ".lsfr/latest/history.json")
	if code != 0 || !strings.Contains(out, "warning: the history breaks off") {
		t.Errorf("check: exit code %d, want 0 and a warning: %s", code, out)
	}
	// The lock went with its holder.
	if code, out := lsfr(t, dir, "test", "--duration", "1s"); code != 0 {
		t.Errorf("the next run: exit code %d, want 0: %s", code, out)
	}
}

func TestInterruptWhileANodeNeverGetsReady(t *testing.T) {
	t.Parallel()
	dir := solution(t, "sleep 600")
	out := filepath.Join(dir, "out.txt")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // lsfr writes it
	p := &program{Cmd: exec.Command(filepath.Join(bin, "lsfr"), "test")}
	p.Dir, p.Stdout, p.Stderr = dir, file, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a line that says it may be building", func() bool {
		data, _ := os.ReadFile(out)
		return bytes.Contains(data, []byte("n1 is not ready yet"))
	})
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 {
		t.Errorf("exit code %d, want 130%s", code, p.output())
	}
	assertGone(t, dir)
}

func readHistory(t *testing.T, dir string) *history.History {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, ".lsfr/latest/history.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read
	h, err := history.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// lsfr runs to its end, and returns its exit code and both streams.
func lsfr(t *testing.T, dir string, args ...string) (code int, output string) {
	t.Helper()
	p := startLsfr(t, dir, args...)
	code = p.end(t)
	return code, p.output()
}
