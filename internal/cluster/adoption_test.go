//go:build linux

package cluster

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// What is read of a child's environment before its exec is lsfr's own.
func TestAChildThatReachesItsExecDuringAScanIsNoOrphan(t *testing.T) {
	t.Parallel()
	row := startChild(t, exec.Command("sleep", "60"))
	own, others := []byte("PATH=/bin"), []byte(runVariable+"=another-run")
	for _, tc := range []struct {
		name          string
		first, second []byte
		want          bool
	}{
		{"a child without a marker is an orphan", own, own, true},
		{"a child that turns out to be marked by another run is not", own, others, false},
	} {
		f := newFamily("this-run", "n1", 0)
		f.adopt(true)
		answers := [][]byte{tc.first, tc.second}
		members, err := f.members([]process{row}, func(int) ([]byte, bool, error) {
			env := answers[0]
			if len(answers) > 1 {
				answers = answers[1:]
			}
			return env, true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(members, func(p process) bool { return p.pid == row.pid })
		if got != tc.want {
			t.Errorf("%s: member %v", tc.name, got)
		}
	}
}

// A program that is just being executed has an empty environment for a moment, and who
// reads a long one piece by piece would see the end of it missing.
func TestAProcessOfAnotherRunIsNoOrphanDuringItsExecs(t *testing.T) {
	t.Parallel()
	marker := runVariable + "=another-run"
	var long []string
	for i := range 1000 {
		long = append(long, fmt.Sprintf("FILLER%d=some text", i))
	}
	for name, env := range map[string][]string{"short": {marker}, "long": append(long, marker)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The shell reads the script: to execute a file just written may fail for a moment.
			child := exec.Command("/bin/sh", filepath.Join(folder(t, `exec /bin/sh "$0"`), "run.sh"))
			child.Env = env
			row := startChild(t, child)
			for range 5000 {
				f := newFamily("this-run", "n1", 0)
				f.adopt(true)
				members, err := f.members([]process{row}, environment)
				if err != nil {
					t.Fatal(err)
				}
				if len(members) > 0 {
					t.Fatal("it was taken for an orphan")
				}
			}
		})
	}
}

func TestAnEmptyEnvironmentIsToldFromOneThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	child := exec.Command("sleep", "60")
	child.Env = []string{}
	row := startChild(t, child)
	eventually(t, "the empty environment is known", func() bool {
		env, ok, err := environment(row.pid)
		return err == nil && ok && len(env) == 0
	})
	unset := "1 (x) S" + strings.Repeat(" 0", 50)
	if environmentIsEmpty([]byte(unset)) {
		t.Error("an environment without a place counts as empty")
	}
}

// startChild starts a process in a group of its own, and ends it with the test.
func startChild(t *testing.T, child *exec.Cmd) process {
	t.Helper()
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	row, ok, err := lookup(child.Process.Pid)
	if err != nil || !ok {
		t.Fatalf("the child is not there: %v", err)
	}
	return row
}
