package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// To pass the last stage takes a minute; what comes after it does not.
func TestAfterTheLastStageThereIsNothingToGoOnTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := catalog()[0]
	names := c.StageNames()
	last := names[len(names)-1]
	write(t, filepath.Join(dir, "lsfr.yaml"), 0o644,
		"challenge: kv-store\nstage: "+last+"\ncompleted: ["+strings.Join(names[:len(names)-1], ", ")+"]\n")
	write(t, filepath.Join(dir, "run.sh"), 0o755, "#!/bin/sh\nexit 1\n")
	var before []byte
	for range 2 { // the second time it stays as it is
		w, c, err := loadWorkspace(dir)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		a := &app{stdout: &out}
		if err := a.advance(w, c, len(names)-1); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "That was the last stage: kv-store is complete") {
			t.Errorf("got %q", out.String())
		}
		now, err := os.ReadFile(filepath.Join(dir, "lsfr.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, now) {
			t.Errorf("it changed lsfr.yaml to\n%s", now)
		}
		before = now
	}
	w, _, err := loadWorkspace(dir)
	if err != nil {
		t.Fatal(err)
	}
	if w.Config.Stage != last || len(w.Config.Completed) != len(names) {
		t.Errorf("lsfr.yaml has stage %s, completed %v", w.Config.Stage, w.Config.Completed)
	}
	code, status := lsfr(t, dir, "status")
	if code != 0 || !strings.Contains(status, "kv-store is complete") || !strings.Contains(status, last) {
		t.Errorf("status: code %d: %s", code, status)
	}
}
