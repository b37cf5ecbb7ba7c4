package main

import (
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
	"github.com/st3v3nmw/lsfr/internal/workspace"
)

// recording is an Observer that passes on what it is told, and writes into the run's
// record when it was: lsfr logs shows it among the nodes' logs.
type recording struct {
	runner.Observer
	record *workspace.Record // nil if there is none
	log    zerolog.Logger
}

// record begins the record of a run. Without it the run goes on all the same.
func (a *app) record(w *workspace.Workspace, runDir string, s workspace.Settings, shown runner.Observer) *recording {
	r := &recording{Observer: shown, log: a.log()}
	var err error
	if r.record, err = w.NewRecord(runDir, s); err != nil {
		r.warn(err)
	}
	return r
}

func (r *recording) warn(err error) {
	r.log.Warn().Err(err).Msg("lsfr logs and lsfr replay will know little of this run")
}

func (r *recording) add(e workspace.Event) {
	if r.record != nil {
		r.record.Add(e)
	}
}

// CheckStarted notes that a check begins.
func (r *recording) CheckStarted(name string) {
	r.add(workspace.Event{Event: workspace.EventCheck, Name: name})
	r.Observer.CheckStarted(name)
}

// CheckDone notes how a check ended.
func (r *recording) CheckDone(k report.Check) {
	e := workspace.Event{Event: workspace.EventChecked, Name: k.Name, Status: string(k.Status)}
	if k.Failure != nil {
		e.Rule, e.Summary = k.Failure.Rule, k.Failure.Summary
	}
	if k.Scenario != nil {
		e.History = filepath.Base(k.Scenario.History)
	}
	r.add(e)
	r.Observer.CheckDone(k)
}

// tell notes what happens in a scenario.
func (r *recording) tell(e runner.Event) {
	switch {
	case e.Leader != nil:
		r.add(workspace.Event{Event: workspace.EventLeader, Leader: e.Leader.Leader, Shard: e.Leader.Shard, Term: e.Leader.Term})
	case e.Begun:
		r.add(workspace.Event{Event: workspace.EventBegin, Name: e.Phase})
	default:
		r.add(workspace.Event{Event: workspace.EventFinish, Name: e.Phase})
	}
}

// over ends the record. err is what lsfr failed at, if it did.
func (r *recording) over(result *report.Result, err error) {
	if r.record == nil {
		return
	}
	e := workspace.Event{Event: workspace.EventOver, Status: "interrupted"}
	switch {
	case err != nil:
		e.Status, e.Summary = "error", err.Error()
	case !result.Interrupted:
		e.Status = string(result.Status)
	}
	r.add(e)
	if err := r.record.Close(); err != nil {
		r.warn(err)
	}
}
