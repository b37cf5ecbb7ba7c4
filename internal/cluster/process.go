package cluster

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// A process is one row of the process table.
type process struct {
	pid, ppid, pgid int
	// start is the time at which the process started, in the platform's own
	// unit. Together with the pid it identifies a process: pids are reused.
	start   uint64
	threads int
	zombie  bool
	stopped bool // by a signal
	traced  bool // stopped by its debugger, which alone can resume it
	name    string
}

// alive reports whether the process can still do something. A zombie cannot,
// unless it only lost its first thread: the others keep its files and ports.
func (p process) alive() bool { return !p.zombie || p.threads > 1 }

func (p process) String() string { return fmt.Sprintf("%s (pid %d)", p.name, p.pid) }

// signal sends sig to exactly this process. The handle is taken first and the
// process compared after: from then on, where the platform has process handles,
// the signal cannot reach another process that inherited the pid.
func (p process) signal(sig syscall.Signal) error {
	handle, err := os.FindProcess(p.pid)
	if err != nil {
		return fmt.Errorf("find process %d: %w", p.pid, err)
	}
	defer handle.Release()
	now, ok, err := lookup(p.pid)
	if err != nil || !ok || now.start != p.start {
		return err
	}
	if err := handle.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	return nil
}

// outOfResources reports whether an error says nothing about the process that was
// asked for. A scan that met one must fail: it would miss members.
func outOfResources(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}
