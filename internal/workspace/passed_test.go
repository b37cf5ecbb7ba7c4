package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPassedSinceHoldsForTheStageAndFilesThatPassedOnly(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	if w.PassedSince("http-api", "f1") {
		t.Error("passed without a record")
	}
	for stage, print := range map[string]string{"http-api": "f1", "persistence": "f2"} {
		if err := w.MarkPassed(stage, print); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		stage, fingerprint string
		want               bool
	}{
		{"http-api", "f1", true},
		{"persistence", "f2", true},
		{"http-api", "f2", false},
		{"crash-recovery", "f1", false},
		{"crash-recovery", "", false},
	}
	again := &Workspace{Dir: w.Dir}
	for _, test := range tests {
		if got := again.PassedSince(test.stage, test.fingerprint); got != test.want {
			t.Errorf("PassedSince(%q, %q) = %v", test.stage, test.fingerprint, got)
		}
	}
	if err := again.MarkPassed("http-api", "f3"); err != nil {
		t.Fatal(err)
	}
	if w.PassedSince("http-api", "f1") || !w.PassedSince("http-api", "f3") || !w.PassedSince("persistence", "f2") {
		t.Error("a later pass does not replace the earlier one of its stage alone")
	}
}

func TestABrokenRecordCountsAsNothingPassedAndIsReplaced(t *testing.T) {
	for _, content := range []string{"", "{", "null", "[]", `{"http-api": 1}`, `{"http-api":"f1"`, "\x00"} {
		w := &Workspace{Dir: t.TempDir()}
		writeFile(t, w.statePath(passedFile), content)
		if w.PassedSince("http-api", "f1") || w.PassedSince("http-api", "") {
			t.Errorf("%q: counts as passed", content)
		}
		if err := w.MarkPassed("http-api", "f1"); err != nil {
			t.Fatalf("%q: %v", content, err)
		}
		if !w.PassedSince("http-api", "f1") {
			t.Errorf("%q: was not replaced", content)
		}
	}
}

func TestMarkPassedReportsThatItCouldNotWrite(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(w.statePath(passedFile), "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.MarkPassed("http-api", "f1"); err == nil {
		t.Error("no error with a folder in the way")
	}
	if entries, _ := os.ReadDir(w.statePath()); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
