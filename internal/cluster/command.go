package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkCommand returns a *NodeError if the command cannot be executed in dir, and
// otherwise the path to execute, relative to dir unless it is absolute.
func checkCommand(dir string, command []string) (string, error) {
	if len(command) == 0 || command[0] == "" {
		return "", errors.New("no command to start a node with")
	}
	name := command[0]
	if !strings.Contains(name, "/") {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", notRunnable(err, name+" is not installed, or not on the PATH", "")
		}
		// A PATH may have relative entries; these are relative to lsfr's own folder.
		if path, err = filepath.Abs(path); err != nil {
			return "", fmt.Errorf("find %s: %w", name, err)
		}
		return path, nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", notRunnable(err, fmt.Sprintf("there is no %s in %s", name, describeDir(dir)),
			fmt.Sprintf("create %s, or go to the folder that has it; it starts your program and passes on its flags", filepath.Base(name)))
	case err != nil:
		return "", notRunnable(err, name+" cannot be read", "")
	case info.IsDir():
		return "", notRunnable(syscall.EISDIR, name+" is a folder, not a program", "")
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		hint := "chmod +x " + shellQuote(strings.TrimPrefix(name, "./"))
		if info.Mode()&0o111 != 0 {
			hint = "its permissions, or those of the file system it is on (mount option noexec), forbid it"
		}
		return "", notRunnable(err, name+" is not executable", hint)
	}
	return name, checkInterpreter(name, path)
}

// checkInterpreter finds what is wrong with a script's first line.
func checkInterpreter(name, path string) error {
	line, err := firstLine(path)
	if err != nil {
		return nil // executable but not readable: for the kernel to decide
	}
	shebang, isScript := bytes.CutPrefix(line, []byte("#!"))
	if !isScript {
		return nil
	}
	if bytes.HasSuffix(shebang, []byte("\r")) {
		return notRunnable(syscall.ENOENT, name+" has Windows line ends (CR LF)",
			fmt.Sprintf("convert it: tr -d '\\r' < %[1]s > fixed && cat fixed > %[1]s && rm fixed", shellQuote(strings.TrimPrefix(name, "./"))))
	}
	fields := bytes.Fields(shebang)
	if len(fields) == 0 {
		return notRunnable(syscall.ENOEXEC, name+" names no interpreter after #!", "its first line should read #!/bin/sh")
	}
	interpreter := string(fields[0])
	if !filepath.IsAbs(interpreter) {
		return nil
	}
	if _, err := os.Stat(interpreter); errors.Is(err, fs.ErrNotExist) {
		return notRunnable(err, fmt.Sprintf("%s asks for the interpreter %s, which does not exist", name, printable([]byte(interpreter))),
			"correct its first line, or install the interpreter")
	}
	return nil
}

// firstLine reads a file's first line without its newline, cut to 256 bytes: the
// kernel looks at no more.
func firstLine(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var start [256]byte
	n, err := io.ReadFull(file, start[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	line, _, _ := bytes.Cut(start[:n], []byte{'\n'})
	return line, nil
}

// explainExec turns an error of exec into what the learner can do about it.
func explainExec(dir string, command []string, err error) error {
	if _, checked := checkCommand(dir, command); checked != nil {
		return checked
	}
	name := command[0]
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return notRunnable(err, name+" is neither a program of this machine nor a script that names its interpreter",
			"the very first line of a script must read #!/bin/sh, with nothing before it")
	case errors.Is(err, syscall.ENOENT):
		return notRunnable(err, name+" asks for an interpreter or loader that does not exist", "look at its first line")
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return notRunnable(err, name+" may not be executed", "look at the permissions of it and of its interpreter")
	}
	return fmt.Errorf("execute %s: %w", name, err)
}

func notRunnable(err error, problem, hint string) *NodeError {
	return &NodeError{Kind: NotRunnable, Problem: problem, Hint: hint, ExitCode: -1, Err: err}
}

func describeDir(dir string) string {
	if dir == "" || dir == "." {
		return "this folder"
	}
	return dir
}
