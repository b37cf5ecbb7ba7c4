package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestACommandThatCannotRunIsExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		script  string
		mode    os.FileMode
		problem string
		hint    string
	}{
		{"not executable", "#!/bin/sh\n", 0o644, "not executable", "chmod +x run.sh"},
		{"Windows line ends", "#!/bin/sh\r\nexec true\r\n", 0o755, "Windows line ends", "tr -d"},
		{"Windows line ends by way of env", "#!/usr/bin/env sh\r\nexec true\r\n", 0o755, "Windows line ends", "tr -d"},
		{"an interpreter that does not exist", "#!/no/such/interpreter\n", 0o755, "/no/such/interpreter", "install"},
		{"no interpreter after the mark", "#!\n", 0o755, "no interpreter", "#!/bin/sh"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tt.script, tt.mode)
			_, err := New(t.Context(), Config{Dir: dir, Command: []string{"./run.sh"}, RunDir: "run"})
			failure := nodeError(t, err, NotRunnable)
			contains(t, failure.Error(), "run.sh", tt.problem)
			contains(t, failure.Hint, tt.hint)
			if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
				t.Error("a run folder was made for nothing")
			}
		})
	}
}

func TestTheHintForWindowsLineEndsRepairsTheScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "#!/bin/sh\r\n"+serving()+"\r\n", 0o755)
	cfg := Config{Dir: dir, Command: []string{"./run.sh"}, RunDir: filepath.Join(dir, "run")}
	_, err := New(t.Context(), cfg)
	_, command, _ := strings.Cut(nodeError(t, err, NotRunnable).Hint, ": ")
	repair := exec.Command("/bin/sh", "-c", command)
	repair.Dir = dir
	if out, err := repair.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", command, err, out)
	}
	n, err := newCluster(t, dir).AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	mustStart(t, n)
}

func TestAMissingCommandIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for command, problem := range map[string]string{
		"./run.sh":                "there is no ./run.sh in " + dir,
		"no-such-program-of-lsfr": "not installed",
		"./":                      "is a folder",
	} {
		_, err := New(t.Context(), Config{Dir: dir, Command: []string{command}, RunDir: "run"})
		contains(t, nodeError(t, err, NotRunnable).Error(), problem)
	}
}

func TestAFileThatIsNoProgramIsExplainedAtItsStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "echo no shebang\n", 0o755)
	n, err := newCluster(t, dir).AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	failure := nodeError(t, n.Start(t.Context()), NotRunnable)
	contains(t, failure.Error(), "node n1", "names its interpreter")
	contains(t, failure.Hint, "#!/bin/sh")
}

func TestACommandThatBecomesUnrunnableBetweenStartsIsExplained(t *testing.T) {
	t.Parallel()
	n := newNode(t, serving())
	mustStart(t, n)
	if err := n.Kill(t.Context()); err != nil {
		fail(t, err)
	}
	if err := os.Chmod(filepath.Join(n.cluster.cfg.Dir, "run.sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	contains(t, nodeError(t, n.Start(t.Context()), NotRunnable).Hint, "chmod +x run.sh")
}

func TestTheCommandLineSurvivesAShell(t *testing.T) {
	t.Parallel()
	words := []string{"./run.sh", "--port", "1", "", "a b", "it's", "$HOME", "`x`", "ü", "a\nb", "*", "--x=y"}
	out, err := exec.Command("/bin/sh", "-c", "printf '%s|' "+shellQuote(words...)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), strings.Join(words, "|")+"|"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestANodeGetsItsFlagsFolderAndMarker(t *testing.T) {
	t.Parallel()
	script := `printf '%s\n' "$@" > args; pwd -P > where; echo "$LSFR_NODE $EXTRA" > env; cat > input; ` + serving()
	dir := folder(t, script)
	// A relative run folder stays relative in the flag.
	c := newCluster(t, dir, func(cfg *Config) {
		cfg.RunDir = ".lsfr/runs/some run"
		cfg.Env = []string{"EXTRA=1"}
		cfg.Args = func(n *Node) []string { return []string{"--id", n.ID()} }
	})
	n, err := c.AddNode(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	mustStart(t, n)
	want := map[string]string{
		"args":  strings.Join(n.command()[1:], "\n"),
		"env":   "n1 1",
		"input": "",
	}
	if got := strings.Join(n.command(), " "); !strings.HasSuffix(got, "--working-dir .lsfr/runs/some run/n1 --id n1") {
		t.Errorf("the command is %q", got)
	}
	contains(t, n.CommandLine(), "'.lsfr/runs/some run/n1'")
	if want["where"], err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(string(data), "\n"); got != text {
			t.Errorf("%s: got %q, want %q", name, got, text)
		}
	}
	for _, path := range []string{".lsfr/runs/some run/n1", ".lsfr/runs/some run/nodes/n1.log"} {
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
			t.Error(err)
		}
	}
}
