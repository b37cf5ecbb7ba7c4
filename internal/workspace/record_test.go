package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestARecordHoldsSettingsAndEvents(t *testing.T) {
	w := &Workspace{Dir: t.TempDir()}
	dir, err := w.NewRun("clustering", noon)
	if err != nil {
		t.Fatal(err)
	}
	given := Settings{
		Challenge: "kv-store", Stage: "clustering", Towards: "sharding", Seed: 1<<53 - 1, Duration: time.Minute, Clients: 3, Faults: "kill,cut",
		FailFast: true, NoEarlyStop: true, RunScript: "my run.sh", Started: noon, PID: os.Getpid(),
	}
	r, err := w.NewRecord(dir, given)
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 50 {
				r.Add(Event{Event: EventBegin, Name: "kill"})
			}
		})
	}
	writers.Wait()
	r.Add(Event{Time: noon, Event: EventOver, Status: "passed"})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	settings, events, err := ReadRecord(filepath.Join(w.Dir, dir))
	if err != nil {
		t.Fatal(err)
	}
	given.Format, given.Version = "lsfr-run", 1
	if settings != given {
		t.Errorf("got %+v, want %+v", settings, given)
	}
	if len(events) != 201 || events[200] != (Event{Time: noon, Event: EventOver, Status: "passed"}) {
		t.Fatalf("%d events", len(events))
	}
	for i := 1; i < 200; i++ {
		if events[i].Time.Before(events[i-1].Time) {
			t.Fatalf("event %d is earlier than the one before it", i)
		}
	}
	if _, err := w.NewRecord(dir, given); err == nil {
		t.Error("a second record of the same run")
	}
	if !settings.Alive() {
		t.Error("this process is not alive")
	}
	if (&Settings{}).Alive() {
		t.Error("no process is alive")
	}
}

func TestARecordThatBreaksOffIsReadUpToThere(t *testing.T) {
	dir := t.TempDir()
	const first = `{"format":"lsfr-run","version":1,"stage":"x"}` + "\n"
	const event = `{"time":"2026-01-02T15:04:05Z","event":"check"}` + "\n"
	for _, c := range []struct {
		text    string
		events  int
		problem string
	}{
		{first, 0, ""},
		{first + event + event, 2, ""},
		{first + event + event[:30], 1, ""},
		{first + "rubbish\n" + event, 1, ""},
		{first[:20], 0, "no record of a run"},
		{"", 0, "no record of a run"},
		{event, 0, "no record of a run"},
		{strings.Replace(first, ":1", ":2", 1), 0, "version 2 is newer"},
	} {
		writeFile(t, filepath.Join(dir, RecordFile), c.text)
		_, events, err := ReadRecord(dir)
		var no *NoRecordError
		if len(events) != c.events || (err != nil) != (c.problem != "") || err != nil && (!errors.As(err, &no) || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("%q: %d events, %v; want %d, %q", c.text, len(events), err, c.events, c.problem)
		}
	}
}
