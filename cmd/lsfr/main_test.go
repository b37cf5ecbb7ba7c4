package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// bin is the folder of the lsfr that the tests run. It is the real program, not
// the test's: lsfr starts itself again as guard and as node.
var bin string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == fakeNodeCommand {
		os.Exit(fakeNode(os.Args[2:]))
	}
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	bin, err = os.MkdirTemp("", "lsfr-test-")
	if err != nil {
		return 1, fmt.Errorf("make folder for lsfr: %w", err)
	}
	defer os.RemoveAll(bin) //nolint:errcheck // a leftover in the temporary folder
	// Another user has to be able to run it, see TestFolderThatCannotBeWritten.
	if err := os.Chmod(bin, 0o755); err != nil {
		return 1, fmt.Errorf("make folder for lsfr: %w", err)
	}
	args := []string{"build", "-o", filepath.Join(bin, "lsfr")}
	if raceDetector() {
		args = append(args, "-race") // a race then ends lsfr with code 66
		// Without this each process of lsfr sleeps for a second before it exits.
		if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
			return 1, fmt.Errorf("set up the race detector: %w", err)
		}
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build lsfr: %w\n%s", err, out)
	}
	if err := os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 1, fmt.Errorf("put lsfr on the path: %w", err)
	}
	return m.Run(), nil
}

// raceDetector reports whether this test was built with -race.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
