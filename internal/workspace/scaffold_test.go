package workspace

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var kvStore = Scaffold{
	Challenge: "kv-store",
	Title:     "Distributed Key-Value Store",
	Overview:  "A store, from one node to many.",
	Stages: []StageInfo{
		{"http-api", "HTTP API", "GET | PUT | DELETE\nin memory."},
		{"persistence", "Persistence", "Survive a restart."},
		{"crash-recovery", "Crash Recovery", "Survive a crash."},
	},
}

// tree lists all that is below dir, with modes and content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			found[path] += readFile(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCreateMakesAFolderThatLoads(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"kv-store", filepath.Join("a", "b", "c"), "."} {
		t.Run(dir, func(t *testing.T) {
			files, err := Create(dir, kvStore)
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"run.sh", "README.md", ".gitignore", "lsfr.yaml"}; !slices.Equal(files, want) {
				t.Errorf("got %v, want %v", files, want)
			}
			w, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if want := (Config{Challenge: "kv-store", Stage: "http-api"}); !reflect.DeepEqual(w.Config, want) {
				t.Errorf("got %+v, want %+v", w.Config, want)
			}
			info, err := os.Stat(filepath.Join(dir, "run.sh"))
			if err != nil || info.Mode()&0o100 == 0 {
				t.Errorf("run.sh is not executable: %v, %v", info.Mode(), err)
			}
			if got := readFile(t, filepath.Join(dir, ".gitignore")); got != ".lsfr/\n" {
				t.Errorf(".gitignore: %q", got)
			}
			readme := readFile(t, filepath.Join(dir, "README.md"))
			for _, part := range []string{
				"# Distributed Key-Value Store\n", kvStore.Overview, "`lsfr guide`", "`lsfr test`", "`lsfr next`", "`lsfr status`",
				"| --- | --- | --- |\n| `http-api` | HTTP API | GET \\| PUT \\| DELETE in memory. |\n| `persistence` |",
			} {
				if !strings.Contains(readme, part) {
					t.Errorf("README.md has no %q:\n%s", part, readme)
				}
			}
		})
	}
}

func TestCreateQuotesNamesThatYAMLWouldMisread(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir, Scaffold{Challenge: "1", Stages: []StageInfo{{Name: "yes: no"}}}); err != nil {
		t.Fatal(err)
	}
	w, err := Load(dir)
	if err != nil || w.Config.Challenge != "1" || w.Config.Stage != "yes: no" {
		t.Errorf("got %+v, %v", w, err)
	}
}

func TestCreateNeverTouchesAFolderWithOneOfItsFiles(t *testing.T) {
	tests := []struct {
		name    string
		present []string
		make    func(path string) error
	}{
		{"run.sh", []string{"run.sh"}, nil},
		{"README.md", []string{"README.md"}, nil},
		{"lsfr.yaml", []string{"lsfr.yaml"}, nil},
		{".gitignore", []string{".gitignore"}, nil},
		{"several", []string{"run.sh", ".gitignore"}, nil},
		{"dangling link", []string{"lsfr.yaml"}, func(path string) error { return os.Symlink("nowhere", path) }},
		{"dangling links, each named", []string{"run.sh", "lsfr.yaml"}, func(path string) error { return os.Symlink("nowhere", path) }},
		{"folder", []string{"README.md"}, func(path string) error { return os.Mkdir(path, 0o755) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range test.present {
				if test.make == nil {
					writeFile(t, filepath.Join(dir, name), "mine")
				} else if err := test.make(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, dir)
			files, err := Create(dir, kvStore)
			exists, ok := errors.AsType[*ExistsError](err)
			if !ok || !slices.Equal(exists.Files, test.present) || files != nil {
				t.Errorf("got %v, %v, want a *ExistsError for %v", files, err, test.present)
			}
			for _, name := range test.present {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%q does not name %s", err, name)
				}
			}
			if after := tree(t, dir); !reflect.DeepEqual(after, before) {
				t.Errorf("changed from %v to %v", before, after)
			}
		})
	}
	t.Run("other files do not matter", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "main.go"), "package main")
		if _, err := Create(dir, kvStore); err != nil {
			t.Error(err)
		}
		if got := readFile(t, filepath.Join(dir, "main.go")); got != "package main" {
			t.Errorf("main.go is now %q", got)
		}
	})
	t.Run("the folder is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "kv-store")
		writeFile(t, file, "mine")
		for _, dir := range []string{file, filepath.Join(file, "below")} {
			if _, err := Create(dir, kvStore); err == nil {
				t.Errorf("%s: no error", dir)
			}
		}
		if got := readFile(t, file); got != "mine" {
			t.Errorf("file is now %q", got)
		}
	})
}

func TestWritingThatFailsHalfWayLeavesNoTrace(t *testing.T) {
	good := scaffoldFile{name: "good", mode: 0o644, data: []byte("x")}
	bad := scaffoldFile{name: filepath.Join("missing", "bad"), mode: 0o644}
	top := t.TempDir()
	writeFile(t, filepath.Join(top, "mine"), "mine")
	before := tree(t, top)
	for _, dir := range []string{top, filepath.Join(top, "a", "b")} {
		if err := writeAll(dir, []scaffoldFile{good, bad}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want fs.ErrNotExist", err)
		}
		if after := tree(t, top); !reflect.DeepEqual(after, before) {
			t.Errorf("left behind %v, was %v", after, before)
		}
	}
	if err := writeAll(filepath.Join(top, "a", "b"), []scaffoldFile{good}); err != nil {
		t.Error(err)
	}
	err := writeAll(top, []scaffoldFile{{name: "new"}, {name: "mine"}})
	if _, ok := errors.AsType[*ExistsError](err); !ok {
		t.Errorf("a file that appeared meanwhile: got %v, want a *ExistsError", err)
	}
	if _, err := os.Stat(filepath.Join(top, "new")); err == nil {
		t.Error("the file before it was left behind")
	}
	if got := readFile(t, filepath.Join(top, "mine")); got != "mine" {
		t.Errorf("the file that appeared is now %q", got)
	}
}

func TestFreshRunScriptSaysWhatToDoAndFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir, kvStore); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./run.sh", "--port", "1", "--working-dir", ".")
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit code 1", err)
	}
	if stdout.Len() > 0 || !strings.Contains(stderr.String(), "edit it") {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
}

// Each example of run.sh, uncommented, must be sound shell, pass the flags on
// unharmed, and hand its process over.
func TestEachExampleInRunScriptWorksOnceUncommented(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir, kvStore); err != nil {
		t.Fatal(err)
	}
	var examples []string
	for line := range strings.Lines(readFile(t, filepath.Join(dir, "run.sh"))) {
		if strings.HasSuffix(line, "\"$@\"\n") {
			examples = append(examples, strings.TrimPrefix(strings.TrimSpace(line), "# "))
		}
	}
	if len(examples) != 8 {
		t.Fatalf("found %d examples: %q", len(examples), examples)
	}
	// Compilers and interpreters are played by scripts: the test is about the shell line.
	bin := filepath.Join(dir, "bin")
	const program = "#!/bin/sh\necho \"$$ $*\"\n"
	for _, name := range []string{"python3", "node", "java", "your-program"} {
		writeFile(t, filepath.Join(bin, name), program)
	}
	const compiler = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nprintf '#!/bin/sh\\necho \"$$ $*\"\\n' >\"$2\"; chmod +x \"$2\"\n"
	for _, name := range []string{"go", "cc", "c++"} {
		writeFile(t, filepath.Join(bin, name), compiler)
	}
	writeFile(t, filepath.Join(bin, "cargo"), "#!/bin/sh\nmkdir -p target/release\nexec cc -o target/release/node\n")
	tools, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools {
		if err := os.Chmod(filepath.Join(bin, tool.Name()), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, StateDir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		t.Run(strings.Fields(example)[0]+" "+strings.Fields(example)[1], func(t *testing.T) {
			script := filepath.Join(dir, "try.sh")
			writeFile(t, script, "#!/bin/sh\n"+example+"\n")
			cmd := exec.Command("sh", script, "--port", "8001", "--working-dir", "a  b")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", example, err)
			}
			pid, args, _ := strings.Cut(string(out), " ")
			if !strings.HasSuffix(args, "--port 8001 --working-dir a  b\n") {
				t.Errorf("program got %q", args)
			}
			if got := cmd.Process.Pid; pid != itoa(got) {
				t.Errorf("program is process %s, but run.sh was %d: a signal to run.sh would miss it", pid, got)
			}
		})
	}
}
