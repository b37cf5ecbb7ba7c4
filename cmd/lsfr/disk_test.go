package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// quickPower lets clients run for a moment in each scenario of crash-recovery.
var quickPower = []string{"test", "crash-recovery", "--faults", "power-loss", "--duration", "2s"}

// mounted reports whether anything is mounted below a folder.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(mounts, []byte(" "+dir+"/"))
}

// onDisk skips the test where lsfr cannot serve a disk, and returns once a scenario runs
// on one.
func onDisk(t *testing.T) (dir string, p *program) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	if err := disk.Supported(); err != nil {
		t.Skip(err)
	}
	dir = solution(t, node)
	p = startLsfr(t, dir, quickPower...)
	waitFor(t, "operations of a node on a disk", func() bool {
		data, _ := os.ReadFile(filepath.Join(dir, ".lsfr/latest/history-power-loss.json"))
		return mounted(t, dir) && bytes.Count(data, []byte(`"outcome":"ok"`)) > 50
	})
	return dir, p
}

func TestCtrlCUnmountsTheDisksAndLeavesTheirFiles(t *testing.T) {
	dir, p := onDisk(t)
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 {
		t.Errorf("exit code %d, want 130%s", code, p.output())
	}
	assertGoneAtOnce(t, dir)
	if mounted(t, dir) {
		t.Error("a disk is still mounted")
	}
	for _, folder := range []string{"n1", "n1.disk/durable"} {
		files, err := os.ReadDir(filepath.Join(dir, ".lsfr/latest/power-loss", folder))
		if err != nil || len(files) == 0 {
			t.Errorf("%s holds %v, %v", folder, files, err)
		}
	}
}

func TestTheNextRunUnmountsTheDisksOfAKilledOne(t *testing.T) {
	dir, p := onDisk(t)
	killed, err := filepath.EvalSymlinks(filepath.Join(dir, ".lsfr/latest"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end(t)
	assertGone(t, dir)
	for _, folder := range []string{"seen", "durable"} {
		files, err := os.ReadDir(filepath.Join(killed, "power-loss/n1.disk", folder))
		if err != nil || len(files) == 0 {
			t.Errorf("%s holds %v, %v", folder, files, err)
		}
	}
	code, out := lsfr(t, dir, "-v", "test", "http-api", "--duration", "1s", "--keep", "1")
	if code != 0 || !strings.Contains(out, "unmounted the disk of a run that was killed") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if mounted(t, dir) {
		t.Error("a disk is still mounted")
	}
	if _, err := os.Stat(killed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder could not be removed: %v", err)
	}
}

func TestAnOrdinaryUserCanHaveDisks(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root can become another user; the other tests are what an ordinary user does")
	}
	if _, err := exec.LookPath("fusermount3"); err != nil {
		t.Skip("fusermount3 is missing; install the package fuse3")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "lsfr-user-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write(t, filepath.Join(dir, "lsfr.yaml"), 0o644, "challenge: kv-store\nstage: crash-recovery\n")
	write(t, filepath.Join(dir, "run.sh"), 0o755, "#!/bin/sh\nexec lsfr node \"$@\"\n")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	p := prepareLsfr(dir, append(quickPower, "--json")...)
	p.Env = append(os.Environ(), "HOME="+dir)
	p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	p.start(t)
	if code := p.end(t); code != 0 {
		t.Fatalf("exit code %d%s", code, p.output())
	}
	if got := statusOf(t, p.stdout.Bytes(), "power goes"); got != "passed" {
		t.Errorf("the scenario is %q%s", got, p.output())
	}
	if mounted(t, dir) {
		t.Error("a disk is still mounted")
	}
}

// Where there is no FUSE, the scenarios are skipped, and everybody is told.
func TestWhereThereAreNoDisksTheirScenariosAreSkipped(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root can take /dev/fuse away for a while")
	}
	dir := solution(t, node)
	without := func(command string) *program {
		p := &program{Cmd: exec.Command("unshare", "-m", "sh", "-c", "mount --bind /dev/null /dev/fuse && exec "+command)}
		p.Dir, p.Stdout, p.Stderr = dir, &p.stdout, &p.stderr
		return p
	}
	if err := without("true").Run(); err != nil {
		t.Skip("no namespace of mounts can be made here")
	}
	p := without("lsfr " + strings.Join(quickPower, " "))
	p.start(t)
	if code := p.end(t); code != 0 {
		t.Fatalf("exit code %d%s", code, p.output())
	}
	for _, want := range []string{"–  0.0 s clients while power goes again and again", "power loss cannot be simulated here: ", "PASSED"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("it lacks %q%s", want, p.output())
		}
	}
	p = without("lsfr " + strings.Join(quickPower, " ") + " --json --junit results.xml")
	p.start(t)
	if code, got := p.end(t), statusOf(t, p.stdout.Bytes(), "power goes"); code != 0 || got != "not possible here" {
		t.Errorf("exit code %d, the scenario is %q%s", code, got, p.output())
	}
	junit, err := os.ReadFile(filepath.Join(dir, "results.xml"))
	if err != nil || !bytes.Contains(junit, []byte("<skipped message=\"power loss cannot be simulated here: ")) {
		t.Errorf("results.xml: %v\n%s", err, junit)
	}
	p = without("lsfr status")
	p.start(t)
	if code := p.end(t); code != 0 || !strings.Contains(strings.Join(strings.Fields(p.stdout.String()), " "), "are skipped: power loss cannot be simulated here: ") {
		t.Errorf("exit code %d%s", code, p.output())
	}
}

// statusOf finds the check whose name holds the words.
func statusOf(t *testing.T, result []byte, words string) string {
	t.Helper()
	var document struct {
		Results []struct {
			Checks []struct{ Name, Status string }
		}
	}
	if err := json.Unmarshal(result, &document); err != nil {
		t.Fatalf("%v: %s", err, result)
	}
	for _, r := range document.Results {
		for _, c := range r.Checks {
			if strings.Contains(c.Name, words) {
				return c.Status
			}
		}
	}
	return ""
}
