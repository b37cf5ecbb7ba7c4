package workspace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// holdLockIn makes the test binary another lsfr: it takes the lock of the folder
// named, says so, and keeps it until its standard input ends.
const holdLockIn = "WORKSPACE_TEST_HOLD_LOCK_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdLockIn); dir != "" {
		_, err := (&Workspace{Dir: dir}).Lock()
		fmt.Println("locked:", err)
		io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// otherLsfr starts a process that holds dir's lock.
func otherLsfr(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdLockIn+"="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked: <nil>\n" {
		t.Fatalf("other process: %q, %v", line, err)
	}
	return cmd
}

func TestLockKeepsAnotherProcessOutUntilItEnds(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	began := time.Now().Truncate(time.Second)
	other := otherLsfr(t, w.Dir)

	release, err := w.Lock()
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || release != nil {
		t.Fatalf("got %v, want a *LockedError", err)
	}
	if locked.PID != other.Process.Pid || locked.Since.Before(began) || locked.Since.After(time.Now()) {
		t.Errorf("got %+v, want process %d, since after %v", locked, other.Process.Pid, began)
	}
	if !strings.Contains(err.Error(), itoa(other.Process.Pid)) || !strings.Contains(err.Error(), w.Dir) {
		t.Errorf("%q names neither process nor folder", err)
	}

	// SIGKILL: the lock must not outlive its holder.
	other.Process.Kill()
	other.Wait()
	release, err = w.Lock()
	if err != nil {
		t.Fatalf("after the other one's death: %v", err)
	}
	release()
}

func TestLockCanBeTakenAgainAfterRelease(t *testing.T) {
	dir := t.TempDir()
	one, two := &Workspace{Dir: dir}, &Workspace{Dir: dir}
	release, err := one.Lock()
	if err != nil {
		t.Fatal(err)
	}
	_, err = two.Lock()
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("while held: got %v, want a *LockedError with this process", err)
	}
	elsewhere := &Workspace{Dir: t.TempDir()}
	if other, err := elsewhere.Lock(); err != nil {
		t.Errorf("another folder: %v", err)
	} else {
		other()
	}
	release()
	again, err := two.Lock()
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release() // a second time: must not touch the other one's lock
	_, err = one.Lock()
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("after a second release: got %v, want the other one's lock intact", err)
	}
	again()
}

func TestLockHolderIsUnknownWhenTheFileDoesNotSay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, content := range []string{"", "x", "-1 2026-01-02T15:04:05Z", "\x00\x00"} {
		writeFile(t, path, content)
		if pid, since := lockHolder(path); pid != 0 || !since.IsZero() {
			t.Errorf("%q: got %d, %v", content, pid, since)
		}
	}
	writeFile(t, path, "12")
	if pid, since := lockHolder(path); pid != 12 || !since.IsZero() {
		t.Errorf("without time: got %d, %v", pid, since)
	}
	if got := (&LockedError{Dir: "."}).Error(); strings.Contains(got, "process") {
		t.Errorf("a process is named: %q", got)
	}
}
