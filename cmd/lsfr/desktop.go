package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// openOnDesktop lets the desktop open a file or a URL, if there is a desktop before which
// the user sits. That it cannot is a warning: where to look has been said.
func (a *app) openOnDesktop(target string) {
	opener := desktopOpener(runtime.GOOS, os.Getenv)
	if opener == "" {
		return
	}
	program, err := exec.LookPath(opener)
	if err != nil {
		return // a desktop without it
	}
	cmd := exec.Command(program, target)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C here does not end the browser
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(a.stderr, "lsfr: it could not be opened: %v\n", err)
		return
	}
	_ = cmd.Process.Release() // some stay until the browser is closed
}

// desktopOpener names the program that opens files, empty if nobody would see them.
func desktopOpener(system string, env func(string) string) string {
	for _, remote := range []string{"CI", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"} {
		if env(remote) != "" {
			return ""
		}
	}
	switch {
	case system == "darwin":
		return "open"
	case env("DISPLAY") != "" || env("WAYLAND_DISPLAY") != "":
		return "xdg-open"
	}
	return ""
}
