package workspace

import (
	"encoding/json"
	"fmt"
	"os"
)

// passedFile records below .lsfr which stage passed with which fingerprint.
const passedFile = "passed.json"

// MarkPassed records that stage passed with the files as fingerprint names them.
func (w *Workspace) MarkPassed(stage, fingerprint string) error {
	if err := w.makeStateDir(); err != nil {
		return err
	}
	passed := w.passed()
	passed[stage] = fingerprint
	data, err := json.MarshalIndent(passed, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", passedFile, err)
	}
	return writeAtomic(w.statePath(passedFile), append(data, '\n'), 0o644)
}

// PassedSince tells whether stage passed with the files as fingerprint names
// them. Where there is any doubt it did not: testing again is never wrong.
func (w *Workspace) PassedSince(stage, fingerprint string) bool {
	return fingerprint != "" && w.passed()[stage] == fingerprint
}

// passed is the record; empty if there is none that can be read.
func (w *Workspace) passed() map[string]string {
	passed := map[string]string{}
	data, err := os.ReadFile(w.statePath(passedFile))
	if err != nil || json.Unmarshal(data, &passed) != nil || passed == nil {
		return map[string]string{}
	}
	return passed
}
