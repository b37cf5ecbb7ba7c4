package cluster

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is the unit of start times in /proc, the same on every
// architecture that Go supports.
const ticksPerSecond = 100

// processes reads the process table.
func processes() ([]process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("read the process table: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read the process table: %w", err)
	}
	table := make([]process, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, ok, err := lookup(pid)
		if err != nil {
			return nil, err
		}
		if ok {
			table = append(table, p)
		}
	}
	return table, nil
}

// lookup reads one row of the process table; ok is false if it is gone.
func lookup(pid int) (p process, ok bool, err error) {
	data, err := readSmall("/proc/" + strconv.Itoa(pid) + "/stat")
	if outOfResources(err) {
		return process{}, false, fmt.Errorf("read the process table: %w", err)
	}
	if err != nil {
		return process{}, false, nil
	}
	p, ok = parseStat(pid, data)
	return p, ok, nil
}

// parseStat reads /proc/PID/stat as proc_pid_stat(5) describes it. The name may
// hold any character, so the fields are counted from its last parenthesis.
func parseStat(pid int, data []byte) (process, bool) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := bytes.Fields(data[end+1:])
	const state, ppid, pgrp, threads, start = 0, 1, 2, 17, 19
	if len(fields) <= start {
		return process{}, false
	}
	p := process{pid: pid, name: printable(data[open+1 : end])}
	var errs [4]error
	p.ppid, errs[0] = strconv.Atoi(string(fields[ppid]))
	p.pgid, errs[1] = strconv.Atoi(string(fields[pgrp]))
	p.threads, errs[2] = strconv.Atoi(string(fields[threads]))
	p.start, errs[3] = strconv.ParseUint(string(fields[start]), 10, 64)
	for _, err := range errs {
		if err != nil {
			return process{}, false
		}
	}
	switch fields[state][0] {
	case 'Z', 'X', 'x':
		p.zombie = true
	case 'T':
		p.stopped = true
	case 't':
		p.traced = true
	}
	return p, true
}

// environment returns the NUL-separated environment with which the process was
// executed; ok is false if it is gone, belongs to another user, or is in the middle
// of an exec.
func environment(pid int) (env []byte, ok bool, err error) {
	env, err = readAtOnce("/proc/"+strconv.Itoa(pid)+"/environ", usualEnvironment)
	if outOfResources(err) {
		return nil, false, fmt.Errorf("read the process table: %w", err)
	}
	if err != nil || len(env) > 0 {
		return env, err == nil, nil
	}
	// During an exec the file is empty until the new program's environment is in
	// place; only then no length means none.
	stat, err := readSmall("/proc/" + strconv.Itoa(pid) + "/stat")
	if outOfResources(err) {
		return nil, false, fmt.Errorf("read the process table: %w", err)
	}
	return nil, err == nil && environmentIsEmpty(stat), nil
}

// environmentIsEmpty compares env_start and env_end, fields 50 and 51 of
// proc_pid_stat(5). They count once endcode, field 27, is set: Linux fills it in
// after the environment (fs/binfmt_elf.c, load_elf_binary).
func environmentIsEmpty(stat []byte) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const endCode, start, end = 24, 47, 48
	return len(fields) > end && string(fields[endCode]) != "0" && bytes.Equal(fields[start], fields[end])
}

// commandLine returns the process's arguments, or its name where it has none.
func commandLine(p process) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline")
	args := bytes.TrimRight(data, "\x00")
	if err != nil || len(args) == 0 {
		return p.String()
	}
	const longest = 120
	text := printable(bytes.ReplaceAll(args, []byte{0}, []byte{' '}))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("%s (pid %d)", text, p.pid)
}

// runsOwnProgram reports whether the process runs the same executable as lsfr,
// as a child does in the moment between fork and exec.
func runsOwnProgram(pid int) bool {
	own, err1 := os.Stat("/proc/self/exe")
	its, err2 := os.Stat("/proc/" + strconv.Itoa(pid) + "/exe")
	return err1 == nil && err2 == nil && os.SameFile(own, its)
}

// timeNow is the present in the unit of process.start.
func timeNow() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // then every process counts as new, which is only slower
	}
	return uint64(ts.Sec)*ticksPerSecond + uint64(ts.Nsec)/(1e9/ticksPerSecond)
}

// adoptOrphans makes orphaned descendants children of lsfr instead of init's, so
// that descent still shows where they came from.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphaned processes: %w", err)
	}
	return nil
}

// nodeAttributes puts a node into a process group of its own and lets it die with
// the thread that started it.
func nodeAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit blocks until the child ended, but does not reap it: as long as the
// zombie is there, neither its pid nor its group can be given to another process.
func awaitExit(pid int) error {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// usualEnvironment is larger than most environments are, in bytes.
const usualEnvironment = 32 << 10

// readSmall reads a file of at most 4 KiB with as few system calls as possible:
// a scan reads hundreds.
func readSmall(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var buf [4096]byte
	n, err := readOnce(fd, buf[:])
	return bytes.Clone(buf[:n]), err
}

// readAtOnce reads a file with a single system call, for which size bytes usually
// suffice. Between two calls the process may execute another program, and what is left
// to be read of its old environment is gone.
func readAtOnce(path string, size int) ([]byte, error) {
	for ; ; size *= 4 {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		buf := make([]byte, size)
		n, err := readOnce(fd, buf)
		unix.Close(fd)
		if err != nil || n < size {
			return buf[:n], err
		}
	}
}

func readOnce(fd int, buf []byte) (n int, err error) {
	for {
		n, err = unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		default:
			return n, nil
		}
	}
}
