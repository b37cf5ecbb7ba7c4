package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestAdvanceKeepsWhatTheUserWrote(t *testing.T) {
	tests := []struct {
		name, before, stage, next, after string
	}{
		{
			"block list grows",
			"# mine\nnotes: 'a: b' # why\nchallenge: kv-store\nstage: persistence # here\ncompleted:\n  # done\n  - http-api # easy\n",
			"persistence", "crash-recovery",
			"# mine\nnotes: 'a: b' # why\nchallenge: kv-store\nstage: crash-recovery # here\ncompleted:\n  # done\n  - http-api # easy\n  - persistence\n",
		}, {
			"flow list grows",
			"completed: [http-api] # c\nstage: \"persistence\"\nchallenge: kv-store\n",
			"persistence", "crash-recovery",
			"completed: [http-api, persistence] # c\nstage: \"crash-recovery\"\nchallenge: kv-store\n",
		}, {
			"completed has no value",
			"challenge: kv-store\nstage: http-api\ncompleted: # none\n",
			"http-api", "persistence",
			"challenge: kv-store\nstage: persistence\ncompleted: # none\n  - http-api\n",
		}, {
			"completed is not there",
			"challenge: kv-store\nstage: http-api\n",
			"http-api", "persistence",
			"challenge: kv-store\nstage: persistence\ncompleted:\n  - http-api\n",
		}, {
			"last stage stays the current one",
			"challenge: kv-store\nstage: sharding\ncompleted: [http-api]\n",
			"sharding", "",
			"challenge: kv-store\nstage: sharding\ncompleted: [http-api, sharding]\n",
		}, {
			"a stage passed again is listed once",
			"challenge: kv-store\nstage: http-api\ncompleted: [http-api, persistence]\n",
			"http-api", "persistence",
			"challenge: kv-store\nstage: persistence\ncompleted: [http-api, persistence]\n",
		}, {
			"line ends of Windows",
			"# mine\r\nchallenge: kv-store\r\nstage: http-api\r\ncompleted: []\r\n",
			"http-api", "persistence",
			"# mine\r\nchallenge: kv-store\r\nstage: persistence\r\ncompleted: [http-api]\r\n",
		}, {
			"a name that YAML would take for a number",
			"challenge: kv-store\nstage: http-api\ncompleted: []\n",
			"http-api", "2",
			"challenge: kv-store\nstage: \"2\"\ncompleted: [http-api]\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := loaded(t, test.before)
			if err := w.Advance(test.stage, test.next); err != nil {
				t.Fatal(err)
			}
			if got := readFile(t, w.Path()); got != test.after {
				t.Errorf("got\n%q\nwant\n%q", got, test.after)
			}
			again, err := Load(w.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, w) {
				t.Errorf("in memory %+v, on disk %+v", w, again)
			}
		})
	}
}

func TestAdvanceThroughAllStagesChangesOnlyTwoLinesOfAFreshFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir, kvStore); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, filepath.Join(dir, ConfigFile))
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]string{{"http-api", "persistence"}, {"persistence", "crash-recovery"}, {"crash-recovery", ""}} {
		if err := w.Advance(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.NewReplacer("stage: http-api", "stage: crash-recovery",
		"completed: []", "completed: [http-api, persistence, crash-recovery]").Replace(before)
	if got := readFile(t, filepath.Join(dir, ConfigFile)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAdvanceLeavesAFileAloneThatChangedMeanwhile(t *testing.T) {
	const loadedAs = "challenge: kv-store\nstage: http-api\n"
	tests := []struct {
		name, meanwhile string
		line            int
	}{
		{"broken", "challenge: kv-store\nstage: [\n", 2},
		{"empty", "", 0},
		{"other stage", "# c\nchallenge: kv-store\nstage: persistence\n", 3},
		{"other challenge", "challenge: queue\nstage: http-api\n", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := loaded(t, loadedAs)
			writeFile(t, w.Path(), test.meanwhile)
			err := w.Advance("http-api", "persistence")
			problem, ok := errors.AsType[*ConfigError](err)
			if !ok || problem.Line != test.line {
				t.Errorf("got %v, want a *ConfigError for line %d", err, test.line)
			}
			if got := readFile(t, w.Path()); got != test.meanwhile {
				t.Errorf("file was rewritten: %q", got)
			}
			if w.Config.Stage != "http-api" {
				t.Errorf("in memory the stage is %s", w.Config.Stage)
			}
		})
	}
	t.Run("removed", func(t *testing.T) {
		w := loaded(t, loadedAs)
		os.Remove(w.Path())
		if err := w.Advance("http-api", "persistence"); err == nil {
			t.Error("no error")
		}
		if _, err := os.Stat(w.Path()); err == nil {
			t.Error("the file is back")
		}
	})
	t.Run("a note added is kept", func(t *testing.T) {
		w := loaded(t, loadedAs)
		writeFile(t, w.Path(), loadedAs+"note: x\n")
		if err := w.Advance("http-api", "persistence"); err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, w.Path()); !strings.Contains(got, "note: x\n") || !strings.Contains(got, "stage: persistence\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestAdvanceKeepsModeAndLinkAndLeavesNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real", "config.yaml")
	writeFile(t, real, "challenge: kv-store\nstage: http-api\n")
	if err := os.Chmod(real, 0o600); err != nil {
		t.Fatal(err)
	}
	ws := filepath.Join(dir, "ws")
	if err := os.Mkdir(ws, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../real/config.yaml", filepath.Join(ws, ConfigFile)); err != nil {
		t.Fatal(err)
	}
	w, err := Load(ws)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Advance("http-api", "persistence"); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(w.Path()); err != nil || target != "../real/config.yaml" {
		t.Errorf("link is now %q, %v", target, err)
	}
	info, err := os.Stat(real)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is now %v, %v", info.Mode(), err)
	}
	for _, folder := range []string{ws, filepath.Dir(real)} {
		if entries, _ := os.ReadDir(folder); len(entries) != 1 {
			t.Errorf("%s holds %v", folder, entries)
		}
	}
}
