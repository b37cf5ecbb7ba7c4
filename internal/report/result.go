// Package report holds the result of a run and writes it down: the run's HTML
// page, JSON for scripts, JUnit for build servers.
package report

import (
	"time"

	"github.com/st3v3nmw/lsfr/models"
)

// Status of a check, a scenario or a stage. The zero value is Unknown.
type Status string

// The results that a check, a scenario or a stage can have.
const (
	// Unknown: time or memory ran out, or there was too little evidence.
	Unknown Status = "unknown"
	Passed  Status = "passed"
	Failed  Status = "failed"
	// Skipped: it did not run, because an earlier one failed or lsfr was interrupted.
	Skipped Status = "skipped"
	// NotTried: it is about something that a program need not have, and this one has not.
	NotTried Status = "not tried"
	// NotPossible: this machine lacks what it needs; Check.Note says what, and how to get it.
	NotPossible Status = "not possible here"
)

// Result is what one run of one stage showed.
type Result struct {
	Challenge string        `json:"challenge"`
	Stage     string        `json:"stage"`
	Status    Status        `json:"status"`
	Seed      int64         `json:"seed"`
	Started   time.Time     `json:"started"`
	Took      time.Duration `json:"took_ns"`
	// RunDir is the run folder, relative to the learner's folder.
	RunDir string `json:"run_dir"`
	// Report is the path of the HTML page, empty if there is none.
	Report string `json:"report,omitempty"`
	// Repeat is the command that repeats the run with the same seed.
	Repeat string  `json:"repeat"`
	Checks []Check `json:"checks"`
	// Interrupted is set when Ctrl-C ended the run.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Check is the result of one API check or one scenario.
type Check struct {
	Name   string        `json:"name"`
	Status Status        `json:"status"`
	Took   time.Duration `json:"took_ns"`
	// Note is a sentence to be shown below the check; it changes nothing.
	Note string `json:"note,omitempty"`
	// Failure explains a failed or unknown check; nil otherwise.
	Failure *Failure `json:"failure,omitempty"`
	// Scenario is set for a history scenario, nil for an API check.
	Scenario *Scenario `json:"scenario,omitempty"`
}

// Failure tells a learner what went wrong and what to look for. Every text may
// contain anything that a node answered: escape it in HTML.
type Failure struct {
	// Rule names what was violated in a few standard words, such as "stale read": a
	// models.Rule for a scenario's history, a challenges.Rule for a check or for writes
	// that failed for too long, and a cluster.Kind, such as "exited", for a node that
	// failed. It is empty where nothing was shown to be violated: for what is unknown.
	Rule string `json:"rule,omitempty"`
	// Summary is one sentence: what happened, on which node.
	Summary string `json:"summary"`
	// Request that showed it, such as "PUT /kv/a", empty if there was no single one.
	Request string `json:"request,omitempty"`
	// Expected and Actual are shortened around their first difference.
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
	// Hint points at the requirement.
	Hint string `json:"hint,omitempty"`
	// Details are further lines, such as the end of a node's log.
	Details []string `json:"details,omitempty"`
}

// Scenario is what a history scenario recorded and how it was judged.
type Scenario struct {
	Title string `json:"title"`
	Model string `json:"model"`
	// History is the path of the saved history.
	History string `json:"history"`
	// OK, Failed and Unknown count operations by outcome.
	OK      int `json:"ok"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
	// Rate is operations per second while clients ran, AckedShare the share of
	// them that were answered ok, from 0 to 1.
	Rate       float64 `json:"operations_per_second"`
	AckedShare float64 `json:"share_ok"`
	// JudgingShare is the share of the clients' time, from 0 to 1, in which lsfr
	// judged the history so far: at most so much of the machine went into that.
	JudgingShare float64 `json:"share_judging"`
	// Faults counts injected faults by name.
	Faults map[string]int `json:"faults,omitempty"`
	// Verdict is nil if the scenario ended before it could be judged.
	Verdict *models.Verdict `json:"verdict,omitempty"`
	// Staleness is how old the values were that were read, where the model allows
	// that; nil if it was not measured. It has no influence on the verdict.
	Staleness *models.Staleness `json:"staleness,omitempty"`
	// Availability is when writes were acknowledged; nil if it was not measured.
	Availability *models.Availability `json:"availability,omitempty"`
	// Shards is the same for each shard; nil if there are none.
	Shards []models.Availability `json:"shards,omitempty"`
}

// FirstFailure returns the first check that failed, or else the first that is
// unknown, or nil.
func (r *Result) FirstFailure() *Check {
	var unknown *Check
	for i := range r.Checks {
		switch c := &r.Checks[i]; c.Status {
		case Failed:
			return c
		case Unknown:
			if unknown == nil {
				unknown = c
			}
		}
	}
	return unknown
}

// Conclude sets the stage's status from its checks: a failure outranks
// unknown, and unknown outranks passed. What was not tried does not matter.
func (r *Result) Conclude() {
	r.Status = Passed
	if len(r.Checks) == 0 || r.Interrupted {
		r.Status = Unknown
	}
	for i := range r.Checks {
		switch r.Checks[i].Status {
		case Failed:
			r.Status = Failed
			return
		case Unknown, Skipped:
			r.Status = Unknown
		}
	}
}
