package cluster

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestAFailureTellsWhatHappenedAndWhatToDoNext(t *testing.T) {
	t.Parallel()
	n := newNode(t, "echo 'cannot open store'; exit 3")
	failure := nodeError(t, n.Start(t.Context()), Exited)
	want := []string{
		"The end of its log (" + n.LogPath() + "):",
		"  | cannot open store",
		"Run it by hand: cd " + n.cluster.cfg.Dir + " && " + n.CommandLine(),
	}
	if got := failure.Details(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, want := failure.Error(), "node n1 exited with code 3 before it was ready"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestASilentFailureSaysSo(t *testing.T) {
	t.Parallel()
	n := newNode(t, "exit 3")
	failure := nodeError(t, n.Start(t.Context()), Exited)
	contains(t, strings.Join(failure.Details(), "\n"), "printed nothing", n.LogPath())
}

func TestAFailureKeepsItsCause(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Config{Dir: t.TempDir(), Command: []string{"./run.sh"}, RunDir: "run"})
	if nodeError(t, err, NotRunnable); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
