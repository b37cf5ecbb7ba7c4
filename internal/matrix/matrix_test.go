package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/report"
)

// The test binary is also the reference node, the guard process and a busy one.
func TestMain(m *testing.M) {
	if child := childOf(os.Args[1:]); child != nil {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

var everything = regexp.MustCompile("")

// What lsfr is trusted for, once each: correct stores pass, and bugs are caught and
// rightly explained by the stage that has to. make matrix counts how reliably.
func TestCorrectStoresPassAndBugsAreCaughtAndExplained(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	o := options{short: true, only: everything, parallel: 1, root: filepath.Join("..", "..")}
	plan, err := planned(o, results{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMeasurement(o, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan {
		task := &plan[i]
		t.Run(task.name+" by "+task.in, func(t *testing.T) {
			t.Parallel() // slow is not wrong, and they wait most of the time
			if _, err := exec.LookPath(task.needs); task.needs != "" && err != nil {
				t.Skipf("%s is not installed", task.needs)
			}
			_, isBug := ownStages()[task.name]
			for first := true; ; first = false {
				r, said, err := m.judge(t.Context(), task, t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("seed %d, after %s: %s", r.Seed, seconds(r.Seconds), said)
				// What is promised of a bug is 19 runs of 20. So if one passes, that says
				// little; if two do, much. A correct store has one try.
				if isBug && first && r.Result == report.Passed {
					continue
				}
				for _, p := range problemsOf([]*cell{{key: r.key(), rows: []row{r}}}) {
					t.Error(p)
				}
				return
			}
		})
	}
}

func TestAnInterruptedCountKeepsWhatWasFinishedAndGoesOnLater(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nodes")
	}
	file := filepath.Join(t.TempDir(), "counted.jsonl")
	args := []string{"-results", file, "-only", "^(delete-absent-404|wrong-405)$", "-own", "-runs", "2"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said bytes.Buffer
	interrupt := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "delete-absent-404") { // its cell is complete
			cancel()
		}
		return len(p), nil
	})
	if code := run(ctx, args, interrupt, &said); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	if got := rowsOf(t, file); got["delete-absent-404"] != 2 || got["wrong-405"] > 1 {
		t.Errorf("after the interrupt there are %v", got)
	}
	if code := run(t.Context(), append(args, "-resume"), io.Discard, &said); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	if got := rowsOf(t, file); got["delete-absent-404"] != 2 || got["wrong-405"] != 2 {
		t.Errorf("in the end there are %v", got)
	}
	document, err := os.ReadFile(strings.TrimSuffix(file, ".jsonl") + ".md")
	if err != nil || strings.Count(string(document), "| 2 of 2 | 2 of 2 |") != 2 {
		t.Errorf("%v\n%s", err, document)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// rowsOf counts the valid rows of each subject.
func rowsOf(t *testing.T, file string) map[string]int {
	t.Helper()
	r, err := readResults(file, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, c := range r.cells() {
		got[c.subject] += len(c.rows)
	}
	return got
}

func TestBusyProcessesEndWithWhoeverStartedThem(t *testing.T) {
	input, feed := io.Pipe()
	ended := make(chan int)
	go func() { ended <- spin(input) }()
	select {
	case code := <-ended:
		t.Fatalf("it ended by itself with code %d", code)
	case <-time.After(20 * time.Millisecond): // it has begun, or will find its input closed
	}
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stop, err := keepBusy(self)
	if err != nil {
		t.Fatal(err)
	}
	stop() // waits for all of them
}
