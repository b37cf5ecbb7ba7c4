package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Words of the protocol between lsfr and its guard: one line each, the word
// followed by its arguments. When the stream ends without guardEnd, lsfr died.
const (
	guardRun    = "run"    // marker, start time of the run
	guardGroup  = "group"  // first process of a node, its start time
	guardForget = "forget" // first process of a node that is gone
	guardMember = "member" // process that left its node's group, its start time
	guardEnd    = "end"    // nothing is left to be done
)

// A guard is the process that ends the nodes if lsfr cannot. A nil guard is valid
// and does nothing.
type guard struct {
	process *os.Process

	mu   sync.Mutex
	pipe *os.File
}

func startGuard(command []string, run string, born uint64) (*guard, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	defer null.Close()
	input, pipe, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	defer input.Close()
	started, err := os.StartProcess(path, command, &os.ProcAttr{
		Env: append(withoutMarkers(os.Environ()), guardVariable+"="+run),
		// It holds none of lsfr's output: whoever reads that waits for its end.
		Files: []*os.File{input, null, null},
		// In a group of its own Ctrl-C does not reach it.
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		pipe.Close()
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	g := &guard{process: started, pipe: pipe}
	g.tell(guardRun, run, strconv.FormatUint(born, 10))
	return g, nil
}

// tell sends one line. A guard that does not take it is dead or stuck: then the
// parent-death signal must do, and close says so.
func (g *guard) tell(words ...string) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.pipe.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = g.pipe.WriteString(strings.Join(words, " ") + "\n")
}

func (g *guard) group(pid int, start uint64) {
	g.tell(guardGroup, strconv.Itoa(pid), strconv.FormatUint(start, 10))
}

func (g *guard) forget(pid int) { g.tell(guardForget, strconv.Itoa(pid)) }

func (g *guard) member(p process) {
	g.tell(guardMember, strconv.Itoa(p.pid), strconv.FormatUint(p.start, 10))
}

// close ends the guard and waits for it. Unless the run is clean, the guard tries
// its own hand at what is left.
func (g *guard) close(clean bool) error {
	if clean {
		g.tell(guardEnd)
	}
	g.pipe.Close()
	timer := time.AfterFunc(2*endWithin, func() { _ = g.process.Kill() })
	defer timer.Stop()
	state, err := g.process.Wait()
	if err != nil {
		return fmt.Errorf("end the guard: %w", err)
	}
	if clean && !state.Success() {
		return fmt.Errorf("the guard failed: %v", state)
	}
	return nil
}

// GuardMain is the main function of the guard. It reads from stdin which processes
// belong to a run, and when that stream ends because lsfr died, it kills them all.
// It returns the exit code: 0 if nothing is left, 1 if something is.
func GuardMain(stdin io.Reader) int {
	// What ends lsfr must not end its guard.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	family, ended := readGuard(stdin)
	if ended || family == nil {
		return 0
	}
	// One empty scan is not enough: a child that lsfr was just starting gets its
	// marker only when it is executed.
	for range 3 {
		survivors, err := killAll(context.Background(), family)
		if err != nil || len(survivors) > 0 {
			return 1
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0
}

// readGuard follows the run until the stream ends. The family is nil if no run was
// announced; ended tells whether lsfr said that nothing is left.
func readGuard(stdin io.Reader) (f *family, ended bool) {
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == guardEnd {
			return f, true
		}
		if words[0] == guardRun && len(words) == 3 {
			if born, err := strconv.ParseUint(words[2], 10, 64); err == nil {
				f = newFamily(words[1], "", born)
			}
			continue
		}
		pid, start, err := guardArguments(words[1:])
		if f == nil || err != nil {
			continue // the last line may be cut; the marker remains
		}
		switch words[0] {
		case guardGroup:
			f.addGroup(pid, start)
		case guardMember:
			f.addProcess(pid, start)
		case guardForget:
			f.forget(pid)
		}
	}
	return f, false
}

func guardArguments(words []string) (pid int, start uint64, err error) {
	if len(words) == 0 {
		return 0, 0, errors.New("no process")
	}
	if pid, err = strconv.Atoi(words[0]); err != nil || len(words) == 1 {
		return pid, 0, err
	}
	start, err = strconv.ParseUint(words[1], 10, 64)
	return pid, start, err
}
