package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// States of a process in the macOS process table, from sys/proc.h.
const (
	darwinStopped = 4
	darwinZombie  = 5
)

// processes reads the process table.
func processes() ([]process, error) {
	rows, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("read the process table: %w", err)
	}
	table := make([]process, 0, len(rows))
	for i := range rows {
		table = append(table, fromKinfo(&rows[i]))
	}
	return table, nil
}

// lookup reads one row of the process table; ok is false if it is gone.
func lookup(pid int) (p process, ok bool, err error) {
	rows, err := unix.SysctlKinfoProcSlice("kern.proc.pid", pid)
	if outOfResources(err) {
		return process{}, false, fmt.Errorf("read the process table: %w", err)
	}
	if err != nil || len(rows) != 1 || int(rows[0].Proc.P_pid) != pid {
		return process{}, false, nil
	}
	return fromKinfo(&rows[0]), true, nil
}

func fromKinfo(row *unix.KinfoProc) process {
	name, _, _ := bytes.Cut(row.Proc.P_comm[:], []byte{0})
	started := row.Proc.P_starttime
	return process{
		pid:     int(row.Proc.P_pid),
		ppid:    int(row.Eproc.Ppid),
		pgid:    int(row.Eproc.Pgid),
		start:   uint64(started.Sec)*1e6 + uint64(started.Usec),
		zombie:  row.Proc.P_stat == darwinZombie,
		stopped: row.Proc.P_stat == darwinStopped,
		name:    printable(name),
	}
}

// environment returns the process's NUL-separated arguments and environment;
// ok is false if it is gone or belongs to another user. The layout is a count,
// then the strings.
func environment(pid int) (env []byte, ok bool, err error) {
	data, err := unix.SysctlRaw("kern.procargs2", pid)
	if outOfResources(err) {
		return nil, false, fmt.Errorf("read the process table: %w", err)
	}
	if err != nil || len(data) < 4 {
		return nil, false, nil
	}
	return data[4:], true, nil
}

// commandLine returns the process's arguments, or its name where it has none.
func commandLine(p process) string {
	data, err := unix.SysctlRaw("kern.procargs2", p.pid)
	if err != nil || len(data) < 4 {
		return p.String()
	}
	count := int(binary.LittleEndian.Uint32(data))
	_, rest, _ := bytes.Cut(data[4:], []byte{0}) // skips the path of the executable
	args := bytes.Split(bytes.TrimLeft(rest, "\x00"), []byte{0})
	args = args[:min(max(count, 0), len(args))]
	const longest = 120
	text := printable(bytes.Join(args, []byte{' '}))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("%s (pid %d)", text, p.pid)
}

// runsOwnProgram matters only where orphans are adopted.
func runsOwnProgram(int) bool { return true }

// timeNow is the present in the unit of process.start.
func timeNow() uint64 { return uint64(time.Now().UnixMicro()) }

// adoptOrphans has no counterpart on macOS; the marker and the group must do.
func adoptOrphans() error { return errors.ErrUnsupported }

// nodeAttributes puts a node into a process group of its own. There is no
// parent-death signal on macOS; the guard stands in for it.
func nodeAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitExit blocks until the child ended, but does not reap it: as long as the
// zombie is there, neither its pid nor its group can be given to another process.
// (waitid does not serve here: on macOS it also returns for a stopped process.)
func awaitExit(pid int) error {
	queue, err := unix.Kqueue()
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	defer unix.Close(queue)
	unix.CloseOnExec(queue)
	change := []unix.Kevent_t{{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD | unix.EV_ONESHOT, Fflags: unix.NOTE_EXIT}}
	events := make([]unix.Kevent_t, 1)
	for {
		n, err := unix.Kevent(queue, change, events, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ESRCH):
			return nil // it ended before it could be watched
		case err != nil:
			return fmt.Errorf("watch process %d: %w", pid, err)
		case n > 0:
			return nil
		}
	}
}
