package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// RecordFile is the name of the file in a run folder that says how the run was made,
// and what happened in it when: one JSON object a line, Settings first, then Events.
const RecordFile = "run.jsonl"

const (
	recordFormat  = "lsfr-run"
	recordVersion = 1
)

// Settings are what a run was made with: enough to make it again.
type Settings struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Challenge and Stage are what was judged. Towards is the later stage on the way to
	// which it was judged, if that made a difference.
	Challenge string `json:"challenge"`
	Stage     string `json:"stage"`
	Towards   string `json:"towards,omitempty"`
	Seed      int64  `json:"seed"`
	// Duration is how long clients ran, Clients how many; 0 if the scenario said so.
	Duration time.Duration `json:"duration_ns,omitempty"`
	Clients  int           `json:"clients,omitempty"`
	// Faults are the kinds of faults that were allowed; empty for all.
	Faults      string `json:"faults,omitempty"`
	FailFast    bool   `json:"fail_fast,omitempty"`
	NoEarlyStop bool   `json:"no_early_stop,omitempty"`
	StrictDisk  bool   `json:"strict_disk,omitempty"`
	// RunScript is the script that started a node, relative to the workspace.
	RunScript string    `json:"run_script"`
	Started   time.Time `json:"started"`
	// PID is the process of lsfr that made the run.
	PID int `json:"pid"`
}

// Alive reports whether the lsfr that made the run still runs, as far as this
// process can see.
func (s *Settings) Alive() bool {
	return s.PID > 0 && !errors.Is(syscall.Kill(s.PID, 0), syscall.ESRCH)
}

// What an Event tells.
const (
	// EventCheck begins a check or a scenario, EventChecked ends it.
	EventCheck   = "check"
	EventChecked = "checked"
	// EventBegin and EventFinish are of a fault, or of another phase of a scenario.
	EventBegin  = "begin"
	EventFinish = "end"
	// EventLeader says who leads from now on.
	EventLeader = "leader"
	// EventOver is the last one.
	EventOver = "over"
)

// Event is one thing that happened in a run.
type Event struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	// Name of the check or the phase.
	Name string `json:"name,omitempty"`
	// Status of a check that has ended or of the whole run, and the rule that was
	// violated and the sentence that says so, if any.
	Status  string `json:"status,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Summary string `json:"summary,omitempty"`
	// History is the name of a scenario's history in the run folder.
	History string `json:"history,omitempty"`
	// Leader, empty if nobody leads, of the shard, in the term.
	Leader string `json:"leader,omitempty"`
	Shard  string `json:"shard,omitempty"`
	Term   int64  `json:"term,omitempty"`
}

// Record is the record of a run while it is written. Safe for concurrent use.
type Record struct {
	mu   sync.Mutex
	file *os.File
	err  error
}

// NewRecord begins the record in a run folder, which NewRun made.
func (w *Workspace) NewRecord(runDir string, s Settings) (*Record, error) {
	path := filepath.Join(w.Dir, runDir, RecordFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, writeError(path, err)
	}
	r := &Record{file: file}
	s.Format, s.Version = recordFormat, recordVersion
	r.line(s)
	return r, nil
}

// Add adds an event, which happens now if it has no time. Close tells what went wrong.
func (r *Record) Add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Time.IsZero() { // in here, so that lines are in the order of their times
		e.Time = time.Now()
	}
	r.line(e)
}

// line writes a line in one piece, for whoever reads while it is written.
func (r *Record) line(v any) {
	data, err := json.Marshal(v)
	if err == nil {
		_, err = r.file.Write(append(data, '\n'))
	}
	r.err = errors.Join(r.err, err)
}

// Close ends the record. It returns what went wrong with it.
func (r *Record) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(r.err, r.file.Close()); err != nil {
		return fmt.Errorf("write the record of the run: %w", err)
	}
	return nil
}

// NoRecordError says that a run folder has no record that can be read.
type NoRecordError struct {
	// Dir is the run folder.
	Dir string
	// Err is why.
	Err error
}

func (e *NoRecordError) Error() string {
	if errors.Is(e.Err, fs.ErrNotExist) {
		return fmt.Sprintf("%s has no %s: it is no run folder, or was made by an older lsfr", e.Dir, RecordFile)
	}
	return fmt.Sprintf("%s: %v", filepath.Join(e.Dir, RecordFile), reason(e.Err))
}

// Unwrap returns why.
func (e *NoRecordError) Unwrap() error { return e.Err }

// ReadRecord reads the record in a run folder, as far as it was written. The error
// is a *NoRecordError.
func ReadRecord(dir string) (Settings, []Event, error) {
	var s Settings
	data, err := os.ReadFile(filepath.Join(dir, RecordFile))
	if err != nil {
		return s, nil, &NoRecordError{Dir: dir, Err: err}
	}
	first, rest, _ := bytes.Cut(data, []byte{'\n'})
	if err := s.parse(first); err != nil {
		return s, nil, &NoRecordError{Dir: dir, Err: err}
	}
	var events []Event
	for line := range bytes.Lines(rest) {
		if e, ok := ParseEvent(line); ok {
			events = append(events, e)
		}
	}
	return s, events, nil
}

func (s *Settings) parse(line []byte) error {
	switch err := json.Unmarshal(line, s); {
	case err != nil:
		return fmt.Errorf("its first line is no record of a run: %w", err)
	case s.Format != recordFormat || s.Stage == "":
		return errors.New("its first line is no record of a run")
	case s.Version > recordVersion:
		return fmt.Errorf("version %d is newer than this lsfr, which reads version %d", s.Version, recordVersion)
	}
	return nil
}

// ParseEvent reads one line of a record. Settings, and a line that is cut off, are no events.
func ParseEvent(line []byte) (e Event, ok bool) {
	err := json.Unmarshal(line, &e)
	return e, err == nil && e.Event != "" && !e.Time.IsZero()
}
