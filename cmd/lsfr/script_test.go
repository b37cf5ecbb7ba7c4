package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the command line as its users do. Scripts that take more
// than a few seconds skip themselves with -short.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			// Whether there are colours must depend on the terminal alone.
			e.Setenv("TERM", "xterm-256color")
			self, err := os.Executable()
			e.Setenv("FAKE_NODE", self)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"again": again,
			"await": await,
			"json":  oneJSON,
			"xml":   wellFormed,
		},
	})
}

// exits CODE PROGRAM [ARG…] runs a program and asserts its exit code, and that
// neither stream holds a stack trace or colours.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if bad := forbidden.FindString(ts.ReadFile(stream)); bad != "" {
			ts.Fatalf("%s holds %q", stream, bad)
		}
	}
}

var forbidden = regexp.MustCompile("goroutine [0-9]|panic:|DATA RACE|\x1b")

// again CODE runs the command that the last lsfr said would repeat its run.
func again(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: again code")
	}
	found := regexp.MustCompile(`(?m)^  again    (lsfr .+)$`).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("stdout names no command that repeats the run")
	}
	exits(ts, false, []string{args[0], "sh", "-c", found[1]})
}

// await FILE REGEXP waits until the file exists and holds a match.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file regexp")
	}
	want := regexp.MustCompile(args[1])
	path := ts.MkAbs(args[0])
	var data []byte
	if !eventually(func() bool {
		data, _ = os.ReadFile(path)
		return want.Match(data)
	}) {
		ts.Fatalf("%s does not hold %s: %s", args[0], args[1], data)
	}
}

// eventually waits for a condition; the limit is only there to end a broken test.
func eventually(condition func() bool) bool {
	for limit := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			return false
		}
	}
	return true
}

// json FILE asserts that a file is one JSON document and nothing else.
func oneJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json file")
	}
	if !json.Valid([]byte(ts.ReadFile(args[0]))) {
		ts.Fatalf("%s is not one JSON document", args[0])
	}
}

// xml FILE asserts that a file is well-formed XML with an element in it.
func wellFormed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: xml file")
	}
	elements := 0
	for in := xml.NewDecoder(strings.NewReader(ts.ReadFile(args[0]))); ; {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
	if elements == 0 {
		ts.Fatalf("%s holds no element", args[0])
	}
}
