package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/simulate"
	"github.com/st3v3nmw/lsfr/models"
)

// The engines that are measured.
const (
	engineLsfr      = "lsfr"
	enginePorcupine = "porcupine"
)

// job is one measurement: what a child reads from its standard input.
type job struct {
	Engine  string
	Config  simulate.Config
	Variant variant
	Bounds  Bounds
}

// outcome is what a child writes to its standard output.
type outcome struct {
	Status string        // valid, invalid or unknown; empty if a bound ended it
	By     string        // what decided, if the engine says so
	Took   time.Duration // until the decision, or until the bound
	// Base is what was resident just before the decision, the history
	// included; Peak the most until it fell. Bytes.
	Base, Peak uint64
	Exceeded   bound
}

type bound string

const (
	none         bound = ""
	timeExceeded bound = "time"
	tooMuch      bound = "memory"
)

// Small histories are decided several times, and the least time counts: up to
// repeats times, as long as all of them together took less than enough.
const (
	repeats = 5
	enough  = time.Second
)

// measureCommand is what a child does.
func measureCommand(stdin io.Reader, stdout io.Writer) error {
	var j job
	if err := json.NewDecoder(stdin).Decode(&j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	o, err := measure(j)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(o); err != nil {
		return fmt.Errorf("write the outcome: %w", err)
	}
	return nil
}

// measure generates the history, and times the decision alone. A decision that
// exceeds a bound goes on: only the end of the process ends it.
func measure(j job) (outcome, error) {
	decide, err := prepare(j)
	if err != nil {
		return outcome{}, err
	}
	debug.FreeOSMemory()
	m, err := newMemory()
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Base: m.base}
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- decide(&o) }()
	timer := time.NewTimer(j.Bounds.Time)
	look := time.NewTicker(10 * time.Millisecond)
	for {
		select {
		case err := <-done:
			o.Took = time.Since(began)
			if err != nil {
				return outcome{}, err
			}
			if o.Peak, err = m.peak(); err != nil {
				return outcome{}, err
			}
			return repeat(o, decide)
		case <-timer.C:
			peak, err := m.peak()
			return outcome{Took: time.Since(began), Base: m.base, Peak: peak, Exceeded: timeExceeded}, err
		case <-look.C:
			peak, err := m.peak()
			if err != nil || peak > j.Bounds.Memory {
				return outcome{Took: time.Since(began), Base: m.base, Peak: peak, Exceeded: tooMuch}, err
			}
		}
	}
}

// repeat decides a few more times if that is quick, and keeps the least time.
func repeat(o outcome, decide func(*outcome) error) (outcome, error) {
	all := o.Took
	for n := 1; n < repeats && all+o.Took < enough; n++ {
		again := o
		runtime.GC() // one decision's garbage is not to cost the next one's time
		began := time.Now()
		if err := decide(&again); err != nil {
			return outcome{}, err
		}
		again.Took = time.Since(began)
		all += again.Took
		if again.Status != o.Status {
			return outcome{}, fmt.Errorf("decided %s first and %s when asked again", o.Status, again.Status)
		}
		o.Took = min(o.Took, again.Took)
	}
	return o, nil
}

// prepare generates the history in the form that the engine takes it.
func prepare(j job) (decide func(*outcome) error, err error) {
	h := simulate.History(j.Config)
	if h == nil {
		return nil, fmt.Errorf("no place for a %s in %d operations", j.Config.Defect, j.Config.Operations)
	}
	if err := j.Variant.change(h); err != nil {
		return nil, err
	}
	switch j.Engine {
	case engineLsfr:
		return func(o *outcome) error { return decideLsfr(h, j.Bounds.Time, o) }, nil
	case enginePorcupine:
		model, ops := plainRegister(), plainOperations(h)
		return func(o *outcome) error {
			o.Status = models.Invalid.String()
			if porcupine.CheckOperations(model, ops) {
				o.Status = models.Valid.String()
			}
			return nil
		}, nil
	}
	return nil, fmt.Errorf("unknown engine %q", j.Engine)
}

func decideLsfr(h *history.History, timeout time.Duration, o *outcome) error {
	// The bound of the measurement is to fall first.
	v, err := models.Check(context.Background(), h, models.Options{Engine: models.EngineAuto, Timeout: 2 * timeout})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	o.Status, o.By = v.Status.String(), v.Engine
	return nil
}
