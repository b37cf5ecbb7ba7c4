package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// File modes do not bind root, so root runs lsfr as another user here.
func TestFolderThatCannotBeWritten(t *testing.T) {
	dir, err := os.MkdirTemp("", "lsfr-readonly-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const config = "challenge: kv-store\nstage: http-api\n"
	write(t, filepath.Join(dir, "lsfr.yaml"), 0o644, config)
	write(t, filepath.Join(dir, "run.sh"), 0o755, "#!/bin/sh\nexec lsfr node \"$@\"\n")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })

	for _, c := range []struct {
		args []string
		code int
		want string // on standard error
	}{
		{[]string{"test"}, 2, "cannot write to .lsfr: permission denied; make it writable"},
		{[]string{"next"}, 2, "cannot write to .lsfr: permission denied; make it writable"},
		{[]string{"new", "kv-store", "below"}, 2, "cannot write to below: permission denied"},
		{[]string{"check", "--html", "report.html", "history.json"}, 2, "history.json: no such file"},
		{[]string{"status"}, 0, ""},
		{[]string{"guide"}, 0, ""},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			p := &program{Cmd: exec.Command(filepath.Join(bin, "lsfr"), c.args...)}
			p.Dir, p.Stdout, p.Stderr = dir, &p.stdout, &p.stderr
			if os.Geteuid() == 0 {
				const nobody = 65534
				p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			err := p.Start()
			if errors.Is(err, syscall.EPERM) {
				t.Skip("root may not become another user here")
			}
			if err != nil {
				t.Fatal(err)
			}
			if code := p.end(t); code != c.code {
				t.Errorf("exit code %d, want %d%s", code, c.code, p.output())
			}
			if !strings.Contains(p.stderr.String(), c.want) || c.want == "" && p.stderr.Len() > 0 {
				t.Errorf("stderr lacks %q%s", c.want, p.output())
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v), want only its two files", entries, err)
	}
}
