package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// writeFile puts a file into a test folder, with the folders above it.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// loaded is a workspace whose lsfr.yaml has the content given.
func loaded(t *testing.T, content string) *Workspace {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ConfigFile), content)
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestLoadReadsWhatIsLegal(t *testing.T) {
	plain := Config{Challenge: "kv-store", Stage: "persistence", Completed: []string{"http-api"}}
	fresh := Config{Challenge: "kv-store", Stage: "http-api"}
	tests := []struct {
		name, content string
		want          Config
	}{
		{"block list", "challenge: kv-store\nstage: persistence\ncompleted:\n  - http-api\n", plain},
		{"flow list, other order, comments", "# c\ncompleted: [http-api] # d\n\nstage: 'persistence'\nchallenge: \"kv-store\"", plain},
		{"flow mapping", "{challenge: kv-store, stage: persistence, completed: [http-api]}", plain},
		{"document start", "---\nchallenge: kv-store\nstage: persistence\ncompleted: [http-api]\n", plain},
		{"CRLF", "challenge: kv-store\r\nstage: persistence\r\ncompleted: [http-api]\r\n", plain},
		{"byte order mark", "\ufeffchallenge: kv-store\nstage: http-api\n", fresh},
		{"no completed", "challenge: kv-store\nstage: http-api\n", fresh},
		{"completed without value", "challenge: kv-store\nstage: http-api\ncompleted:\n", fresh},
		{"empty completed", "challenge: kv-store\nstage: http-api\ncompleted: []\n", fresh},
		{"keys of the user's own", "notes: my notes\nage: 3\nx: {stage: a}\nchallenge: kv-store\nstage: http-api\n", fresh},
		{"a tab that is no indentation", "challenge: kv-store\nstage: http-api\t# here\n", fresh},
		{"a name that only quotes make text", "challenge: '1'\nstage: 'true'\n", Config{Challenge: "1", Stage: "true"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := loaded(t, test.content).Config; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLoadRefusesEachMistakeWithItsLine(t *testing.T) {
	tests := []struct {
		name, content string
		line          int
		words         string
	}{
		{"empty file", "", 0, "is empty"},
		{"only comments", "# challenge: kv-store\n", 0, "is empty"},
		{"only a document start", "---\n", 0, "is empty"},
		{"no challenge", "stage: http-api\n", 0, "challenge is missing"},
		{"no stage", "challenge: kv-store\n", 0, "stage is missing"},
		{"challenge without value", "# c\nchallenge:\nstage: http-api\n", 2, "challenge has no value"},
		{"blank stage", "challenge: kv-store\nstage: ' '\n", 2, "stage has no value"},
		{"stage null", "challenge: kv-store\nstage: ~\n", 2, "stage has no value"},
		{"stage a number", "challenge: kv-store\nstage: 1\n", 2, "stage must be a name, but is a number"},
		{"stage a bool", "challenge: kv-store\nstage: true\n", 2, "stage must be a name, but is true or false"},
		{"stage a list", "challenge: kv-store\nstage:\n  - http-api\n", 2, "stage must be a name, but is a list"},
		{"challenge a mapping", "challenge: {a: b}\nstage: http-api\n", 1, "challenge must be a name, but is a mapping"},
		{"stage an alias", "x: &a http-api\nchallenge: kv-store\nstage: *a\n", 3, "stage must be a name, but is an alias"},
		{"completed text", "challenge: kv-store\nstage: persistence\ncompleted: http-api\n", 3, "completed must be a list"},
		{"completed a mapping", "challenge: kv-store\nstage: persistence\ncompleted:\n  http-api: true\n", 3, "completed must be a list"},
		{"completed item a number", "challenge: kv-store\nstage: persistence\ncompleted:\n  - http-api\n  - 2\n", 5, "must be a name, but is a number"},
		{"completed item empty", "challenge: kv-store\nstage: persistence\ncompleted:\n  -\n", 4, "has no value"},
		{"duplicate key", "challenge: kv-store\nstage: http-api\nstage: persistence\n", 3, "stage is given a second time (first on line 2)"},
		{"letter too many", "challenge: kv-store\nstagee: http-api\n", 2, `unknown key "stagee", did you mean "stage"?`},
		{"letters swapped", "challenge: kv-store\nsatge: http-api\n", 2, `did you mean "stage"?`},
		{"capital", "Challenge: kv-store\nstage: http-api\n", 1, `did you mean "challenge"?`},
		{"typo beside the right key", "challenge: kv-store\nstage: http-api\ncomplete: [x]\n", 3, `did you mean "completed"?`},
		{"earlier layout", "challenge: kv-store\nstages:\n  current: http-api\n  completed: []\n", 2, "from an earlier lsfr"},
		{"list", "- challenge\n- stage\n", 1, "holds a list"},
		{"text", "kv-store\n", 1, "holds text"},
		{"two documents", "challenge: kv-store\nstage: a\n---\nchallenge: kv-store\n", 3, "second YAML document"},
		{"tab indentation", "# c\nchallenge: kv-store\nstage: persistence\ncompleted:\n\t- http-api\n", 5, "indented with a tab"},
		{"tab at the start", "\tchallenge: kv-store\nstage: a\n", 1, "indented with a tab"},
		{"two colons", "# c\nchallenge: kv-store\nstage: a: b\n", 3, "not valid YAML"},
		{"open quote", "challenge: kv-store\nstage: \"http-api\ncompleted: []\n", 2, "not valid YAML"},
		{"open bracket", "challenge: kv-store\nstage: http-api\ncompleted: [a, b\n", 3, "not valid YAML"},
		{"stray bracket", "# c\n# c\nchallenge: kv-store\nstage: http-api\n}\n", 5, "not valid YAML"},
		{"list in mapping", "# c\nchallenge: kv-store\nstage: http-api\n- persistence\n", 4, "not valid YAML"},
		{"colon missing", "# c\nchallenge: kv-store\nstage http-api\n", 3, "not valid YAML"},
		{"first colon missing", "# c\nchallenge kv-store\nstage: http-api\n", 2, "not valid YAML"},
		{"deeper line", "challenge: kv-store\nstage: http-api\n  completed: []\n", 3, "not valid YAML"},
		{"unknown alias", "challenge: kv-store\nstage: *a\n", 2, "not valid YAML"},
		{"bad escape", "challenge: kv-store\nstage: \"\\q\"\n", 2, "not valid YAML"},
		{"broken, and too long to look for the line", strings.Repeat("# c\n", 1000) + "a: b: c\n", 0, "not valid YAML"},
		{"binary", "\x7fELF\x00\x01", 0, "not a text file"},
		{"Latin-1", "challenge: kv-store\nstage: \xe9\n", 0, "not a text file"},
		{"UTF-16", "\xff\xfec\x00h\x00", 0, "not a text file"},
		{"too large", "challenge: kv-store\nstage: a\n" + strings.Repeat("#\n", maxConfigSize/2), 0, "larger than 1 MB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, ConfigFile)
			writeFile(t, path, test.content)
			_, err := Load(dir)
			problem, ok := errors.AsType[*ConfigError](err)
			if !ok {
				t.Fatalf("got %v, want a *ConfigError", err)
			}
			if problem.Path != path || problem.Line != test.line || !strings.Contains(problem.Msg, test.words) {
				t.Errorf("got line %d, %v\nwant line %d, …%s…", problem.Line, problem, test.line, test.words)
			}
			if strings.ContainsAny(problem.Msg, "\n\t") {
				t.Errorf("message is more than one line: %q", problem.Msg)
			}
		})
	}
}

func TestConfigErrorShowsPathAndLineAsEditorsDo(t *testing.T) {
	w := loaded(t, "# c\nchallenge: kv-store\nstage: nowhere\n")
	w.Dir = "."
	if got, want := w.Problem("stage", "no such stage").Error(), "lsfr.yaml:3: no such stage"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := w.Problem("completed", "no such stage").Error(), "lsfr.yaml: no such stage"; got != want {
		t.Errorf("for a key that is not there: got %q, want %q", got, want)
	}
}

func TestLineIsWhereTheValueStands(t *testing.T) {
	w := loaded(t, "challenge: kv-store\nstage:\n  http-api\ncompleted:\n  - a\n")
	for key, want := range map[string]int{"challenge": 1, "stage": 3, "completed": 4, "other": 0} {
		if got := w.Line(key); got != want {
			t.Errorf("Line(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestLoadSaysWhereAWorkspaceIsInstead(t *testing.T) {
	const content = "challenge: kv-store\nstage: http-api\n"
	top := t.TempDir()
	writeFile(t, filepath.Join(top, "ws", ConfigFile), content)
	writeFile(t, filepath.Join(top, "ws", "src", "deep", "main.go"), "")
	writeFile(t, filepath.Join(top, "other", "file"), "")
	t.Chdir(filepath.Join(top, "ws", "src", "deep"))

	tests := []struct {
		name, dir, words string
	}{
		{"below a workspace", ".", "there is one in ../../; run it there, or pass --dir ../../"},
		{"one below a workspace", "..", "there is one in ../../; run it there"},
		{"absolute, below a workspace", filepath.Join(top, "ws", "src"), "there is one in " + filepath.Join(top, "ws") + ";"},
		{"beside a workspace", filepath.Join(top, "other"), "start with `lsfr new`"},
		{"no such folder", "nowhere", "folder nowhere is not there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(test.dir)
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want fs.ErrNotExist with …%s…", err, test.words)
			}
		})
	}
	if w, err := Load("../.."); err != nil || w.Config.Stage != "http-api" {
		t.Errorf("the workspace itself: got %+v, %v", w, err)
	}
}

func TestLoadRefusesWhatIsNoFile(t *testing.T) {
	tests := []struct {
		name, words string
		make        func(path string) error
	}{
		{"folder", "is a folder", func(path string) error { return os.Mkdir(path, 0o755) }},
		{"pipe, without waiting for a writer", "not a regular file", func(path string) error { return syscall.Mkfifo(path, 0o644) }},
		{"dangling link", "not found", func(path string) error { return os.Symlink("nowhere", path) }},
		{"link to itself", "cannot be read", func(path string) error { return os.Symlink(ConfigFile, path) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := test.make(filepath.Join(dir, ConfigFile)); err != nil {
				t.Fatal(err)
			}
			_, err := Load(dir)
			if _, ok := errors.AsType[*ConfigError](err); !ok || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want a *ConfigError with …%s…", err, test.words)
			}
		})
	}
	t.Run("--dir is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		writeFile(t, file, "")
		_, err := Load(file)
		if _, ok := errors.AsType[*ConfigError](err); !ok {
			t.Errorf("got %v, want a *ConfigError", err)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("permission bits do not bind root")
		}
		path := filepath.Join(t.TempDir(), ConfigFile)
		writeFile(t, path, "challenge: kv-store\nstage: a\n")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		_, err := Load(filepath.Dir(path))
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "make it readable") {
			t.Errorf("got %v, want fs.ErrPermission with advice", err)
		}
	})
}

// FuzzParseDocument holds the promise that no content of lsfr.yaml ends in a
// panic, and that the blamed line exists.
func FuzzParseDocument(f *testing.F) {
	for _, seed := range []string{
		"challenge: kv-store\nstage: a\ncompleted: [b]\n", "a: &x [*x]\n", "- a\n--- \n? b\n", "{a: b, <<: *c}", "\ta", "%YAML 9\n---", "!!map {a: |\n b", "...\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := parseDocument(ConfigFile, data)
		if err == nil {
			if doc.config.Challenge == "" || doc.config.Stage == "" {
				t.Errorf("accepted without names: %q", data)
			}
			return
		}
		problem, ok := errors.AsType[*ConfigError](err)
		if !ok {
			t.Fatalf("got %v, want a *ConfigError", err)
		}
		if problem.Line < 0 || problem.Line > len(data)+1 {
			t.Errorf("line %d of %q", problem.Line, data)
		}
	})
}
